// Disassembly around the place where the selected thread is.
#pragma once

#include "inspector/models/machine_values.h"
#include "inspector/views/common/view.h"

namespace orrery::inspector {

class KeyedTableModel;
class TableView;

class DisassemblyView : public View {
    Q_OBJECT
public:
    explicit DisassemblyView(const ViewContext& context);
    QWidget* main_widget() override;
    QString as_text() const override;

protected:
    void show_picture(const Snapshot& snapshot) override;
    Freshness judge(const Snapshot& snapshot) const override;

private:
    KeyedTableModel* model_;
    TableView* table_;
    CodePicture code_;
    bool moved_ = false; // the current row has not been scrolled to yet
};

} // namespace orrery::inspector
