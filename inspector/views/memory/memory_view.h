// The address space of the selected thread: what is mapped where, and which handles it holds.
#pragma once

#include "inspector/views/common/view.h"

namespace orrery::inspector {

class KeyedTableModel;
class TableView;

class MemoryView : public View {
    Q_OBJECT
public:
    explicit MemoryView(const ViewContext& context);
    QWidget* main_widget() override;
    QString as_text() const override;

protected:
    void show_picture(const Snapshot& snapshot) override;

private:
    KeyedTableModel* mapping_model_;
    KeyedTableModel* handle_model_;
    TableView* mapping_table_;
    TableView* handle_table_;
};

} // namespace orrery::inspector
