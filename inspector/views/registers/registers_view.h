// Registers of the selected thread; editable while the machine stands.
#pragma once

#include "inspector/models/machine_values.h"
#include "inspector/views/common/view.h"

namespace orrery::inspector {

class KeyedTableModel;
class TableView;

class RegistersView : public View {
    Q_OBJECT
public:
    explicit RegistersView(const ViewContext& context);
    QWidget* main_widget() override;
    QString as_text() const override;

protected:
    void show_picture(const Snapshot& snapshot) override;
    Freshness judge(const Snapshot& snapshot) const override;

private:
    void edit(quint64 key, int column, const QString& typed);

    KeyedTableModel* model_;
    TableView* table_;
    CodePicture code_;
    std::uint32_t shown_thread_ = 0;
};

} // namespace orrery::inspector
