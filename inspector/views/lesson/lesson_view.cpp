// Assembly of the lesson view: steps above, text in the middle, the next thing to do below.
#include "inspector/views/lesson/lesson_view.h"

#include <QButtonGroup>
#include <QHBoxLayout>
#include <QLabel>
#include <QLineEdit>
#include <QListWidget>
#include <QPushButton>
#include <QRadioButton>
#include <QSplitter>
#include <QTextBrowser>

#include "inspector/models/lesson_source.h"

namespace orrery::inspector {
namespace {

// A sign for every state, so that colour is not needed.
QString sign_of(LessonStepLine::State state)
{
    switch (state) {
    case LessonStepLine::State::ahead: return QStringLiteral("\u00b7");
    case LessonStepLine::State::current: return QStringLiteral("\u25b6");
    case LessonStepLine::State::passed: return QStringLiteral("\u2713");
    case LessonStepLine::State::failed: return QStringLiteral("\u2717");
    case LessonStepLine::State::skipped: return QStringLiteral("\u2013");
    }
    return {};
}

QLabel* wrapping_label(const QString& accessible_name)
{
    auto* label = new QLabel;
    label->setWordWrap(true);
    label->setMinimumWidth(1);
    label->setTextInteractionFlags(Qt::TextSelectableByMouse);
    label->setAccessibleName(accessible_name);
    return label;
}

} // namespace

LessonView::LessonView(const ViewContext& context, LessonSource* lesson)
    : View(context, QStringLiteral("lesson"), tr("Lesson"))
    , lesson_(lesson)
    , heading_(wrapping_label(tr("Lesson")))
    , steps_(new QListWidget)
    , text_(new QTextBrowser)
    , task_(wrapping_label(tr("What to do")))
    , choices_(new QVBoxLayout)
    , choice_group_(new QButtonGroup(this))
    , field_(new QLineEdit)
    , verdict_(wrapping_label(tr("Verdict")))
    , action_(new QPushButton)
    , hint_(new QPushButton(tr("&Hint")))
    , skip_(new QPushButton(tr("&Go on anyway")))
    , build_(new QPushButton(tr("&Build and start anew")))
{
    auto bold = heading_->font();
    bold.setBold(true);
    heading_->setFont(bold);
    steps_->setAccessibleName(tr("Steps of the lesson"));
    steps_->setFrameShape(QFrame::NoFrame);
    steps_->setSelectionMode(QAbstractItemView::NoSelection);
    steps_->setUniformItemSizes(true);
    text_->setAccessibleName(tr("Text of the step"));
    text_->setFrameShape(QFrame::NoFrame);
    text_->setOpenExternalLinks(true);
    field_->setAccessibleName(tr("Your answer"));
    field_->setPlaceholderText(tr("a number, a signal's name, yes or no"));
    action_->setDefault(true);
    build_->setToolTip(tr("Compile your program again, and start the machine with it from the beginning."));

    auto* buttons = new QHBoxLayout;
    buttons->addWidget(action_);
    buttons->addWidget(hint_);
    buttons->addWidget(skip_);
    buttons->addStretch();
    auto* lower = new QWidget;
    auto* column = new QVBoxLayout(lower);
    column->setContentsMargins(8, 6, 8, 8);
    column->setSpacing(6);
    column->addWidget(verdict_);
    column->addWidget(task_);
    column->addLayout(choices_);
    column->addWidget(field_);
    column->addLayout(buttons);
    column->addWidget(build_, 0, Qt::AlignLeft);

    auto* splitter = new QSplitter(Qt::Vertical);
    splitter->addWidget(steps_);
    splitter->addWidget(text_);
    splitter->setSizes({ 130, 400 });
    splitter->setStretchFactor(0, 0);
    splitter->setStretchFactor(1, 1);
    auto* content = new QWidget;
    auto* whole = new QVBoxLayout(content);
    whole->setContentsMargins(0, 4, 0, 0);
    whole->setSpacing(2);
    heading_->setContentsMargins(8, 0, 8, 0);
    whole->addWidget(heading_);
    whole->addWidget(splitter, 1);
    whole->addWidget(lower);
    set_content(content);

    const auto send = [this](LessonOrder::Kind kind) { lesson_->order({ kind, {} }); };
    connect(action_, &QPushButton::clicked, this, &LessonView::act);
    connect(field_, &QLineEdit::returnPressed, this, &LessonView::act);
    connect(hint_, &QPushButton::clicked, this, [send] { send(LessonOrder::Kind::hint); });
    connect(skip_, &QPushButton::clicked, this, [send] { send(LessonOrder::Kind::advance); });
    connect(build_, &QPushButton::clicked, this, [send] { send(LessonOrder::Kind::start); });
    connect(lesson_, &LessonSource::changed, this, &LessonView::refresh);
}

QWidget* LessonView::main_widget() { return action_; }

QString LessonView::verdict() const { return verdict_->text(); }

QString LessonView::as_text() const
{
    if (!empty_sentence().isEmpty()) return empty_sentence();
    QStringList lines { heading_->text(), QString() };
    for (int i = 0; i < steps_->count(); ++i) lines += steps_->item(i)->text();
    lines << QString() << text_->toPlainText() << verdict_->text() << task_->text();
    return lines.join(QLatin1Char('\n'));
}

void LessonView::show_picture(const Snapshot&) { show_lesson(); }

void LessonView::show_nothing() { show_lesson(); }

void LessonView::show_lesson()
{
    const auto& lesson = lesson_->latest();
    if (!lesson.open) {
        set_summary({});
        set_empty(lesson.problem.isEmpty() ? tr("No lesson is open. Ctrl+O opens one: choose a folder of lessons/.") : lesson.problem);
        return;
    }
    set_empty({});
    set_summary(tr("%1 of %2 points").arg(lesson.points).arg(lesson.possible));
    heading_->setText(lesson.title);
    heading_->setToolTip(lesson.summary);
    show_steps(lesson);
    if (lesson.text != shown_text_) {
        shown_text_ = lesson.text;
        text_->setMarkdown(lesson.text);
    }
    show_task(lesson);
}

void LessonView::show_steps(const LessonPicture& lesson)
{
    while (steps_->count() > lesson.steps.size()) delete steps_->takeItem(steps_->count() - 1);
    for (int i = 0; i < lesson.steps.size(); ++i) {
        const auto& step = lesson.steps[i];
        if (i == steps_->count()) steps_->addItem(QString());
        auto* item = steps_->item(i);
        auto label = QStringLiteral("%1  %2").arg(sign_of(step.state), step.title);
        if (step.possible > 0) label += tr("   %1/%2").arg(step.points).arg(step.possible);
        if (item->text() != label) item->setText(label);
        item->setToolTip(step.sentence);
        const bool current = step.state == LessonStepLine::State::current;
        auto font = steps_->font();
        font.setBold(current);
        item->setFont(font);
        item->setForeground(palette().color(step.state == LessonStepLine::State::ahead ? QPalette::PlaceholderText : QPalette::Text));
        if (current) steps_->scrollToItem(item);
    }
}

void LessonView::show_choices(const QStringList& choices)
{
    if (choices == shown_choices_) return;
    shown_choices_ = choices;
    for (auto* button : choice_group_->buttons()) {
        choice_group_->removeButton(button);
        delete button;
    }
    for (const auto& choice : choices) {
        auto* button = new QRadioButton(choice);
        button->setAccessibleName(choice);
        choice_group_->addButton(button);
        choices_->addWidget(button);
    }
}

void LessonView::show_task(const LessonPicture& lesson)
{
    using Need = LessonPicture::Need;
    const bool asks = lesson.need == Need::answer;
    show_choices(asks ? lesson.choices : QStringList());
    field_->setVisible(asks && lesson.choices.isEmpty());
    if (!asks) field_->clear();

    QString task, action;
    switch (lesson.need) {
    case Need::reading: action = tr("&Next"); break;
    case Need::answer:
        task = lesson.question;
        action = tr("&Answer");
        break;
    case Need::movement:
        task = tr("The machine %1.").arg(lesson.movement);
        action = tr("&Run");
        break;
    case Need::look: action = tr("&Check"); break;
    case Need::nothing:
        task = tr("The lesson is over: %1 of %2 points.").arg(lesson.points).arg(lesson.possible);
        break;
    }
    if (lesson.busy) task = tr("The machine is at work. F6 pauses it.");
    auto said = lesson.problem.isEmpty() ? lesson.verdict : lesson.problem;
    if (!said.isEmpty() && lesson.problem.isEmpty())
        said.prepend(sign_of(lesson.passed ? LessonStepLine::State::passed : LessonStepLine::State::failed) + QStringLiteral("  "));
    for (const auto& hint : lesson.hints) said += QLatin1Char('\n') + tr("Hint: %1").arg(hint);
    verdict_->setText(said);
    verdict_->setVisible(!said.isEmpty());
    task_->setText(task);
    task_->setVisible(!task.isEmpty());
    action_->setText(action);
    action_->setVisible(!action.isEmpty());
    action_->setEnabled(!lesson.busy);
    const bool refused = lesson.need == Need::look && !lesson.verdict.isEmpty() && !lesson.passed;
    hint_->setVisible(refused);
    skip_->setVisible(lesson.can_advance && lesson.need != Need::reading);
    build_->setToolTip(tr("Compile %1 again, and start the machine with it from the beginning.").arg(lesson.folder));
    build_->setEnabled(!lesson.busy);
}

QString LessonView::typed_answer() const
{
    if (shown_choices_.isEmpty()) return field_->text();
    const auto* chosen = choice_group_->checkedButton();
    return chosen ? chosen->text() : QString();
}

void LessonView::act()
{
    switch (lesson_->latest().need) {
    case LessonPicture::Need::reading: lesson_->order({ LessonOrder::Kind::advance, {} }); break;
    case LessonPicture::Need::answer: lesson_->order({ LessonOrder::Kind::answer, typed_answer() }); break;
    case LessonPicture::Need::movement: lesson_->order({ LessonOrder::Kind::move, {} }); break;
    case LessonPicture::Need::look: lesson_->order({ LessonOrder::Kind::look, {} }); break;
    case LessonPicture::Need::nothing: break;
    }
}

} // namespace orrery::inspector
