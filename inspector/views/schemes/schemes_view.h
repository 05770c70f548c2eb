// Schemes: all of them, the calls of the selected one, and a sentence about where they are.
#pragma once

#include "inspector/views/common/view.h"

class QLabel;

namespace orrery::inspector {

class KeyedTableModel;
class TableView;

class SchemesView : public View {
    Q_OBJECT
public:
    explicit SchemesView(const ViewContext& context);
    QWidget* main_widget() override;
    QString as_text() const override;
    TableView* calls() const { return call_table_; }

protected:
    void show_picture(const Snapshot& snapshot) override;

private:
    KeyedTableModel* scheme_model_;
    KeyedTableModel* call_model_;
    TableView* scheme_table_;
    TableView* call_table_;
    QLabel* sentence_;
    SnapshotPointer shown_; // whose calls the table names
};

} // namespace orrery::inspector
