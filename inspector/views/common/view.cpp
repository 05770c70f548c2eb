// Visibility, emptiness and freshness of views.
#include "inspector/views/common/view.h"

#include <QLabel>
#include <QStackedLayout>

#include "inspector/models/selection.h"
#include "inspector/models/snapshot_source.h"
#include "inspector/models/text.h"

namespace orrery::inspector {

View::View(const ViewContext& context, const QString& name, const QString& title)
    : context_(context)
    , title_(title)
    , stack_(new QStackedLayout(this))
    , empty_(new QLabel)
{
    setObjectName(name);
    setAccessibleName(title);
    stack_->setContentsMargins(0, 0, 0, 0);
    empty_->setWordWrap(true);
    empty_->setAlignment(Qt::AlignCenter);
    empty_->setMargin(16);
    empty_->setForegroundRole(QPalette::PlaceholderText);
    empty_->setTextInteractionFlags(Qt::TextSelectableByMouse);
    empty_->setMinimumSize(1, 1); // a long sentence must not keep a dock from being made narrow
    stack_->addWidget(empty_);
    connect(context_.source, &SnapshotSource::snapshot_changed, this, &View::refresh);
    connect(context_.source, &SnapshotSource::run_state_changed, this, &View::refresh);
    connect(context_.selection, &Selection::changed, this, &View::refresh);
}

QString View::no_machine_sentence() const
{
    switch (context_.source->run_state()) {
    case RunState::starting: return tr("The machine is starting.");
    case RunState::failed: return tr("There is no machine: it could not be started. The sentence at the bottom says why.");
    default: return tr("No machine yet. Press F5 to start it.");
    }
}

QString View::empty_sentence() const { return stack_->currentWidget() == empty_ ? empty_->text() : QString(); }

QString View::as_text() const { return empty_sentence(); }

void View::set_content(QWidget* content)
{
    content_ = content;
    stack_->addWidget(content);
    stack_->setCurrentWidget(content);
}

void View::set_empty(const QString& sentence)
{
    if (sentence.isEmpty()) {
        if (content_) stack_->setCurrentWidget(content_);
        return;
    }
    empty_->setText(sentence);
    stack_->setCurrentWidget(empty_);
}

void View::set_summary(const QString& summary)
{
    if (summary == summary_) return;
    summary_ = summary;
    Q_EMIT status_changed();
}

void View::refresh()
{
    dirty_ = true;
    if (isVisible()) show_now();
}

void View::showEvent(QShowEvent* event)
{
    QWidget::showEvent(event);
    if (dirty_) show_now();
}

void View::show_now()
{
    dirty_ = false;
    const auto snapshot = context_.source->latest();
    const auto was_fresh = freshness_;
    const auto had_picture = has_picture_;
    has_picture_ = snapshot != nullptr;
    if (!snapshot) {
        set_empty(no_machine_sentence());
        set_summary({});
        show_nothing();
    } else {
        freshness_ = judge(*snapshot);
        const auto state = context_.source->run_state();
        if (state == RunState::ended || state == RunState::failed) freshness_ = Freshness::stale;
        // Over a debug stub alone nothing can be read while the machine runs: what is shown is from the last stop.
        if (state == RunState::running && freshness_ == Freshness::stopped) freshness_ = Freshness::stale;
        set_empty({});
        show_picture(*snapshot);
        for (const auto& problem : snapshot->problems)
            if (problem.view == objectName().toStdString()) set_empty(text(problem.sentence));
    }
    if (was_fresh != freshness_ || had_picture != has_picture_) Q_EMIT status_changed();
}

} // namespace orrery::inspector
