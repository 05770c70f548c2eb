// Threads: who they are, what they do, and why they wait.
#pragma once

#include "inspector/views/common/view.h"

namespace orrery::inspector {

class KeyedTableModel;
class TableView;

class ThreadsView : public View {
    Q_OBJECT
public:
    explicit ThreadsView(const ViewContext& context);
    QWidget* main_widget() override;
    QString as_text() const override;

protected:
    void show_picture(const Snapshot& snapshot) override;

private:
    KeyedTableModel* model_;
    TableView* table_;
};

} // namespace orrery::inspector
