// Rings: the dial, both sides in numbers, and every slot decoded.
#pragma once

#include "inspector/views/common/view.h"

class QComboBox;
class QLabel;

namespace orrery::inspector {

class KeyedTableModel;
class RingDial;
class TableView;

class RingsView : public View {
    Q_OBJECT
public:
    explicit RingsView(const ViewContext& context);
    QWidget* main_widget() override;
    QWidget* title_controls() override;
    QString as_text() const override;
    RingDial* dial() const { return dial_; }

protected:
    void show_picture(const Snapshot& snapshot) override;

private:
    void fill_choice(const Snapshot& snapshot);

    KeyedTableModel* side_model_;
    KeyedTableModel* entry_model_;
    RingDial* dial_;
    TableView* side_table_;
    TableView* entry_table_;
    QLabel* sentence_;
    QComboBox* choice_;
};

} // namespace orrery::inspector
