// A dock around one view: its title bar carries the view's name, freshness badge, summary and small controls.
#pragma once

#include <QDockWidget>

class QLabel;

namespace orrery::inspector {

class Badge;
class ElidedLabel;
class View;

class ViewDock : public QDockWidget {
    Q_OBJECT
public:
    ViewDock(View* view, QWidget* parent);
    View* view() const { return view_; }
    Badge* badge() const { return badge_; }
    // Shows the dock (also from behind other tabs) and gives its view the keyboard.
    void call_up();

private:
    void show_status();

    View* view_;
    Badge* badge_;
    ElidedLabel* summary_;
};

} // namespace orrery::inspector
