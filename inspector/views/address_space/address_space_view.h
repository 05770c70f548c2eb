// The address space of the selected thread: the map, the mappings, and for one address the walk through the page tables and
// what an access does.
#pragma once

#include "inspector/core/osmodel/explain_address.h"
#include "inspector/views/common/view.h"

class QLabel;
class QLineEdit;
class QScrollArea;
class QStackedWidget;
class QToolButton;

namespace orrery::inspector {

class AddressMap;
class KeyedTableModel;
class TableView;

class AddressSpaceView : public View {
    Q_OBJECT
public:
    explicit AddressSpaceView(const ViewContext& context);
    QWidget* main_widget() override;
    QWidget* title_controls() override;
    QString as_text() const override;
    AddressMap* map() const { return map_; }
    TableView* mappings() const { return mapping_table_; }
    TableView* walk() const { return walk_table_; }
    QLineEdit* address_field() const { return field_; }
    QString sentence() const;

protected:
    void show_picture(const Snapshot& snapshot) override;

private:
    void go_to_typed();
    std::uint64_t address_for(const Snapshot& snapshot, const SpaceView& space, const ThreadView& thread) const;
    void show_address(const Snapshot& snapshot, const SpaceView& space, const ThreadView& thread);

    KeyedTableModel* mapping_model_;
    KeyedTableModel* walk_model_;
    KeyedTableModel* access_model_;
    AddressMap* map_;
    QScrollArea* scroll_;
    TableView* mapping_table_;
    TableView* walk_table_;
    TableView* access_table_;
    QStackedWidget* pages_; // the map, and the same as a table
    QLabel* sentence_;
    QWidget* controls_;
    QLineEdit* field_;
    QToolButton* as_table_;
    std::uint32_t shown_space_ = 0;
    std::uint64_t shown_address_ = 0; // of that space
};

} // namespace orrery::inspector
