// Matching and the list.
#include "inspector/app/command_palette.h"

#include <QAction>
#include <QKeyEvent>
#include <QLabel>
#include <QLineEdit>
#include <QListWidget>
#include <QPainter>
#include <QStyledItemDelegate>
#include <QVBoxLayout>

#include "inspector/app/command_actions.h"

namespace orrery::inspector {
namespace {

QString plain(const QAction* action) { return QString(action->text()).remove(QLatin1Char('&')).remove(QChar(0x2026)); }

// Every word that was typed must occur somewhere in the name or the help.
bool matches(const QAction* action, const QString& typed)
{
    const auto all = plain(action) + QLatin1Char(' ') + action->property(action_help_property).toString();
    for (const auto& word : typed.split(QLatin1Char(' '), Qt::SkipEmptyParts))
        if (!all.contains(word, Qt::CaseInsensitive)) return false;
    return true;
}

// The key at the right edge, dimmed.
class KeyDelegate : public QStyledItemDelegate {
public:
    using QStyledItemDelegate::QStyledItemDelegate;
    void paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const override
    {
        QStyledItemDelegate::paint(painter, option, index);
        const bool selected = (option.state & QStyle::State_Selected) != 0;
        painter->save();
        painter->setPen(option.palette.color(selected ? QPalette::HighlightedText : QPalette::PlaceholderText));
        painter->drawText(option.rect.adjusted(0, 0, -8, 0), Qt::AlignRight | Qt::AlignVCenter,
            index.data(Qt::UserRole + 1).toString());
        painter->restore();
    }
    QSize sizeHint(const QStyleOptionViewItem& option, const QModelIndex& index) const override
    {
        return QStyledItemDelegate::sizeHint(option, index) + QSize(0, 6);
    }
};

} // namespace

CommandPalette::CommandPalette(const QList<QAction*>& actions, QWidget* parent)
    : QDialog(parent)
    , actions_(actions)
    , field_(new QLineEdit)
    , list_(new QListWidget)
    , explanation_(new QLabel)
{
    setWindowTitle(tr("Find a command"));
    setAttribute(Qt::WA_DeleteOnClose);
    field_->setPlaceholderText(tr("Type a part of a command's name"));
    field_->setAccessibleName(tr("Part of a command's name"));
    field_->setClearButtonEnabled(true);
    field_->installEventFilter(this);
    list_->setAccessibleName(tr("Commands"));
    list_->setFocusPolicy(Qt::NoFocus);
    list_->setItemDelegate(new KeyDelegate(list_));
    list_->setFrameShape(QFrame::NoFrame);
    explanation_->setWordWrap(true);
    explanation_->setMinimumHeight(2 * fontMetrics().lineSpacing());
    explanation_->setAlignment(Qt::AlignTop | Qt::AlignLeft);
    explanation_->setAccessibleName(tr("What the command does"));
    auto* layout = new QVBoxLayout(this);
    layout->addWidget(field_);
    layout->addWidget(list_, 1);
    layout->addWidget(explanation_);
    connect(field_, &QLineEdit::textChanged, this, &CommandPalette::fill);
    connect(list_, &QListWidget::currentRowChanged, this, &CommandPalette::explain_current);
    connect(list_, &QListWidget::itemActivated, this, &CommandPalette::carry_out);
    connect(list_, &QListWidget::itemClicked, this, &CommandPalette::carry_out);
    resize(std::min(560, parent ? parent->width() - 40 : 560), 380);
    fill({});
}

QString CommandPalette::explanation() const { return explanation_->text(); }

void CommandPalette::fill(const QString& typed)
{
    list_->clear();
    for (int i = 0; i < actions_.size(); ++i) {
        const auto* action = actions_[i];
        if (!matches(action, typed)) continue;
        auto* item = new QListWidgetItem(action->icon(), plain(action));
        item->setData(Qt::UserRole, i);
        item->setData(Qt::UserRole + 1, action->shortcut().toString(QKeySequence::NativeText));
        if (!action->isEnabled()) item->setForeground(palette().color(QPalette::Disabled, QPalette::Text));
        list_->addItem(item);
    }
    list_->setCurrentRow(list_->count() > 0 ? 0 : -1);
    explain_current();
}

void CommandPalette::explain_current()
{
    const auto* item = list_->currentItem();
    if (!item) {
        explanation_->setText(tr("No command matches. Type fewer letters, or clear the field to see all."));
        return;
    }
    const auto* action = actions_[item->data(Qt::UserRole).toInt()];
    const auto reason = action->property(action_reason_property).toString();
    auto text = action->property(action_help_property).toString();
    if (!reason.isEmpty()) text += QLatin1Char('\n') + tr("Not now: %1").arg(reason);
    explanation_->setText(text);
}

void CommandPalette::carry_out()
{
    const auto* item = list_->currentItem();
    if (!item) return;
    auto* action = actions_[item->data(Qt::UserRole).toInt()];
    if (!action->isEnabled()) return; // the reason stands below the list
    accept();
    action->trigger();
}

bool CommandPalette::eventFilter(QObject* watched, QEvent* event)
{
    if (watched == field_ && event->type() == QEvent::KeyPress) {
        const auto* key = static_cast<QKeyEvent*>(event);
        const int row = list_->currentRow();
        switch (key->key()) {
        case Qt::Key_Down: list_->setCurrentRow(std::min(row + 1, list_->count() - 1)); return true;
        case Qt::Key_Up: list_->setCurrentRow(std::max(row - 1, 0)); return true;
        case Qt::Key_PageDown: list_->setCurrentRow(std::min(row + 8, list_->count() - 1)); return true;
        case Qt::Key_PageUp: list_->setCurrentRow(std::max(row - 8, 0)); return true;
        case Qt::Key_Return:
        case Qt::Key_Enter: carry_out(); return true;
        default: break;
        }
    }
    return QDialog::eventFilter(watched, event);
}

} // namespace orrery::inspector
