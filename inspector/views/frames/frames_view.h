// The chain of signal frames on the selected thread's stacks, and the registers that one of them will bring back.
#pragma once

#include "inspector/views/common/view.h"

class QLabel;

namespace orrery::inspector {

class KeyedTableModel;
class TableView;

class FramesView : public View {
    Q_OBJECT
public:
    explicit FramesView(const ViewContext& context);
    QWidget* main_widget() override;
    QString as_text() const override;
    TableView* registers() const { return register_table_; }

protected:
    void show_picture(const Snapshot& snapshot) override;

private:
    void edit(quint64 key, int column, const QString& typed);

    KeyedTableModel* chain_model_;
    KeyedTableModel* register_model_;
    TableView* chain_table_;
    TableView* register_table_;
    QLabel* sentence_;
};

} // namespace orrery::inspector
