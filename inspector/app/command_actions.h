// QActions made from the command table: menus, toolbar and keys, enabled or not with the reason in the tooltip.
#pragma once

#include <functional>
#include <map>

#include <QObject>

#include "inspector/app/commands.h"

class QAction;
class QMainWindow;
class QMenu;
class QToolBar;

namespace orrery::inspector {

class CommandActions : public QObject {
    Q_OBJECT
public:
    // Fills the window's menu bar and adds a toolbar; `carry_out` is called for a triggered command.
    CommandActions(QMainWindow* window, std::function<void(CommandId)> carry_out);

    QAction* action(CommandId id) const;
    // In the order of the table, then those added by add_view().
    QList<QAction*> all() const { return all_; }
    // A command that calls up a view, with the next of Ctrl+1..9.
    QAction* add_view(const QString& title, std::function<void()> call_up);
    void update(const Situation& situation);
    QToolBar* toolbar() const { return toolbar_; }
    QMenu* menu(const char* title) const;

private:
    void describe(QAction* action, const QString& help, const QString& reason) const;

    QMainWindow* window_;
    std::map<CommandId, QAction*> actions_;
    std::map<QString, QMenu*> menus_;
    QList<QAction*> all_;
    QToolBar* toolbar_;
    int views_ = 0;
};

// Properties of the actions, for the palette.
inline constexpr const char* action_help_property = "orrery_help";
inline constexpr const char* action_reason_property = "orrery_reason";

} // namespace orrery::inspector
