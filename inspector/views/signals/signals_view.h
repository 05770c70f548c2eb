// Signals of the selected thread: bit lanes, the same as a table, and why the selected one is or is not delivered.
#pragma once

#include "inspector/views/common/view.h"

class QLabel;
class QStackedWidget;
class QToolButton;

namespace orrery::inspector {

class KeyedTableModel;
class SignalLanes;
class TableView;

class SignalsView : public View {
    Q_OBJECT
public:
    explicit SignalsView(const ViewContext& context);
    QWidget* main_widget() override;
    QWidget* title_controls() override;
    QString as_text() const override;
    SignalLanes* lanes() const { return lanes_; }

protected:
    void show_picture(const Snapshot& snapshot) override;

private:
    QString state_sentence(const SignalView& view) const;
    void follow_run_state();

    KeyedTableModel* model_;
    SignalLanes* lanes_;
    TableView* table_;
    QStackedWidget* pages_;
    QLabel* sentence_;
    QLabel* state_;
    QToolButton* as_table_;
};

} // namespace orrery::inspector
