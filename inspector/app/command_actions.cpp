// From table to menus.
#include "inspector/app/command_actions.h"

#include <QAction>
#include <QActionGroup>
#include <QCoreApplication>
#include <QMainWindow>
#include <QMenuBar>
#include <QToolBar>
#include <QToolButton>

#include "inspector/views/common/icons.h"

namespace orrery::inspector {
namespace {

QString translate(const char* sentence) { return QCoreApplication::translate("commands", sentence); }

QList<QKeySequence> keys_of(const char* keys)
{
    QList<QKeySequence> result;
    for (const auto& key : QString::fromLatin1(keys).split(QStringLiteral("; "), Qt::SkipEmptyParts))
        result += QKeySequence(key, QKeySequence::PortableText);
    return result;
}

} // namespace

CommandActions::CommandActions(QMainWindow* window, std::function<void(CommandId)> carry_out)
    : QObject(window)
    , window_(window)
    , toolbar_(window->addToolBar(QString()))
{
    toolbar_->setObjectName(QStringLiteral("toolbar"));
    toolbar_->setWindowTitle(tr("Toolbar"));
    toolbar_->setAccessibleName(tr("Toolbar"));
    toolbar_->setMovable(false);
    toolbar_->setIconSize({ 16, 16 });
    toolbar_->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
    toolbar_->setContextMenuPolicy(Qt::PreventContextMenu);
    auto* themes = new QActionGroup(this);
    QString last_menu;
    for (const auto& entry : command_table()) {
        auto* action = new QAction(translate(entry.text), this);
        action->setObjectName(QString::fromLatin1(entry.name));
        action->setShortcuts(keys_of(entry.keys));
        if (*entry.icon != '\0') action->setIcon(icon(QString::fromLatin1(entry.icon)));
        const auto id = entry.id;
        connect(action, &QAction::triggered, this, [carry_out, id] { carry_out(id); });
        describe(action, translate(entry.help), {});
        actions_[id] = action;
        all_ += action;
        window->addAction(action);
        if (id == CommandId::theme_system || id == CommandId::theme_light || id == CommandId::theme_dark) {
            action->setCheckable(true);
            themes->addAction(action);
        }
        const QString title = translate(entry.menu);
        if (!menus_.contains(title)) menus_[title] = window->menuBar()->addMenu(title);
        if (id == CommandId::zoom_in || id == CommandId::theme_system || id == CommandId::open_lesson || id == CommandId::step_over
            || id == CommandId::toggle_breakpoint || id == CommandId::copy_view)
            menus_[title]->addSeparator();
        menus_[title]->addAction(action);
        if (!entry.in_toolbar) continue;
        if (!last_menu.isEmpty() && last_menu != title) toolbar_->addSeparator();
        last_menu = title;
        toolbar_->addAction(action);
        if (auto* button = qobject_cast<QToolButton*>(toolbar_->widgetForAction(action))) button->setFocusPolicy(Qt::TabFocus);
    }
    // The longest texts carry no icon-text pair at 1280 pixels: the icon and the tooltip say it.
    for (const auto id : { CommandId::quit_guest, CommandId::step_over, CommandId::step_into, CommandId::step_instruction })
        if (auto* button = qobject_cast<QToolButton*>(toolbar_->widgetForAction(actions_[id])))
            button->setToolButtonStyle(Qt::ToolButtonIconOnly);
}

QAction* CommandActions::action(CommandId id) const
{
    const auto found = actions_.find(id);
    return found == actions_.end() ? nullptr : found->second;
}

QMenu* CommandActions::menu(const char* title) const
{
    const auto found = menus_.find(translate(title));
    return found == menus_.end() ? nullptr : found->second;
}

QAction* CommandActions::add_view(const QString& title, std::function<void()> call_up)
{
    auto* action = new QAction(title, this);
    ++views_;
    if (views_ <= 9) action->setShortcut(QKeySequence(QStringLiteral("Ctrl+%1").arg(views_), QKeySequence::PortableText));
    action->setObjectName(QStringLiteral("view.%1").arg(views_));
    connect(action, &QAction::triggered, this, [call_up = std::move(call_up)] { call_up(); });
    describe(action, tr("Show the view \"%1\" and give it the keyboard.").arg(title), {});
    window_->addAction(action);
    all_ += action;
    auto* view_menu = menu("&View");
    if (views_ == 1) view_menu->addSeparator();
    view_menu->addAction(action);
    return action;
}

void CommandActions::describe(QAction* action, const QString& help, const QString& reason) const
{
    action->setProperty(action_help_property, help);
    action->setProperty(action_reason_property, reason);
    const auto key = action->shortcut().toString(QKeySequence::NativeText);
    auto tip = QString(action->text()).remove(QLatin1Char('&'));
    if (!key.isEmpty()) tip += QStringLiteral(" (%1)").arg(key);
    tip += QLatin1Char('\n') + help;
    if (!reason.isEmpty()) tip += QLatin1Char('\n') + tr("Not now: %1").arg(reason);
    action->setToolTip(tip);
    action->setStatusTip(reason.isEmpty() ? help : reason);
}

void CommandActions::update(const Situation& situation)
{
    for (const auto& entry : command_table()) {
        auto* action = actions_[entry.id];
        if (entry.id == CommandId::run) {
            const bool goes_on = situation.state == RunState::stopped;
            action->setText(goes_on ? tr("&Continue")
                    : situation.state == RunState::running ? translate(entry.text)
                                                           : tr("&Start"));
        }
        const auto reason = refusal(entry.id, situation);
        action->setEnabled(reason.isEmpty());
        describe(action, translate(entry.help), reason);
    }
}

} // namespace orrery::inspector
