// The handles of the selected thread's space: all that its program can reach outside of its own memory.
#pragma once

#include "inspector/views/common/view.h"

namespace orrery::inspector {

class KeyedTableModel;
class TableView;

class HandlesView : public View {
    Q_OBJECT
public:
    explicit HandlesView(const ViewContext& context);
    QWidget* main_widget() override;
    QString as_text() const override;

protected:
    void show_picture(const Snapshot& snapshot) override;

private:
    KeyedTableModel* model_;
    TableView* table_;
};

} // namespace orrery::inspector
