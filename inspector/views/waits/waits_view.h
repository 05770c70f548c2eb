// Who waits for whom: the drawing, the same as a table, and a sentence about deadlocks.
#pragma once

#include "inspector/views/common/view.h"

class QLabel;

namespace orrery::inspector {

class KeyedTableModel;
class TableView;
class WaitDrawing;

class WaitsView : public View {
    Q_OBJECT
public:
    explicit WaitsView(const ViewContext& context);
    QWidget* main_widget() override;
    QString as_text() const override;
    WaitDrawing* drawing() const { return drawing_; }

protected:
    void show_picture(const Snapshot& snapshot) override;

private:
    KeyedTableModel* model_;
    TableView* table_;
    WaitDrawing* drawing_;
    QLabel* sentence_;
};

} // namespace orrery::inspector
