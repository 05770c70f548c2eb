// The dock's title bar.
#include "inspector/views/common/view_dock.h"

#include <QApplication>
#include <QClipboard>
#include <QHBoxLayout>
#include <QLabel>
#include <QToolButton>

#include "inspector/views/common/badge.h"
#include "inspector/views/common/elided_label.h"
#include "inspector/views/common/icons.h"
#include "inspector/views/common/view.h"

namespace orrery::inspector {
namespace {

QToolButton* small_button(const QString& icon_name, const QString& help)
{
    auto* button = new QToolButton;
    button->setIcon(icon(icon_name));
    button->setIconSize({ 12, 12 });
    button->setAutoRaise(true);
    button->setToolTip(help);
    button->setAccessibleName(help);
    button->setFocusPolicy(Qt::TabFocus);
    return button;
}

} // namespace

ViewDock::ViewDock(View* view, QWidget* parent)
    : QDockWidget(view->title(), parent)
    , view_(view)
    , badge_(new Badge)
    , summary_(new ElidedLabel)
{
    setObjectName(QStringLiteral("dock.") + view->objectName());
    setAccessibleName(view->title());
    setWidget(view);

    auto* bar = new QWidget;
    bar->setAutoFillBackground(true);
    bar->setBackgroundRole(QPalette::Button);
    auto* layout = new QHBoxLayout(bar);
    layout->setContentsMargins(8, 1, 2, 1);
    layout->setSpacing(6);
    auto* title = new QLabel(view->title());
    auto bold = title->font();
    bold.setBold(true);
    title->setFont(bold);
    summary_->setForegroundRole(QPalette::PlaceholderText);
    layout->addWidget(title);
    layout->addWidget(summary_, 1);
    if (auto* controls = view->title_controls()) layout->addWidget(controls);
    layout->addWidget(badge_);
    auto* copy = small_button(QStringLiteral("copy"), tr("Copy this view as text"));
    connect(copy, &QToolButton::clicked, this, [this] { QApplication::clipboard()->setText(view_->as_text()); });
    auto* detach = small_button(QStringLiteral("float"), tr("Float or dock this view"));
    connect(detach, &QToolButton::clicked, this, [this] { setFloating(!isFloating()); });
    auto* close_button = small_button(QStringLiteral("close"), tr("Close this view (the View menu brings it back)"));
    connect(close_button, &QToolButton::clicked, this, &QDockWidget::close);
    auto* buttons = new QHBoxLayout;
    buttons->setSpacing(0);
    for (auto* button : { copy, detach, close_button }) buttons->addWidget(button);
    layout->addLayout(buttons);
    setTitleBarWidget(bar);

    connect(view, &View::status_changed, this, &ViewDock::show_status);
    show_status();
}

void ViewDock::call_up()
{
    show();
    raise();
    view_->main_widget()->setFocus(Qt::ShortcutFocusReason);
}

void ViewDock::show_status()
{
    badge_->show_freshness(view_->freshness(), view_->has_picture());
    summary_->set_text(view_->summary());
    setAccessibleDescription(view_->summary());
}

} // namespace orrery::inspector
