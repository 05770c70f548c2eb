// The lesson: its steps, the text of the current one, and the one thing to do next.
#pragma once

#include "inspector/models/lesson_values.h"
#include "inspector/views/common/view.h"

class QButtonGroup;
class QLabel;
class QLineEdit;
class QListWidget;
class QPushButton;
class QTextBrowser;
class QVBoxLayout;

namespace orrery::inspector {

class LessonSource;

class LessonView : public View {
    Q_OBJECT
public:
    LessonView(const ViewContext& context, LessonSource* lesson);
    QWidget* main_widget() override;
    QString as_text() const override;
    QPushButton* action_button() const { return action_; }
    QPushButton* hint_button() const { return hint_; }
    QListWidget* steps() const { return steps_; }
    QLineEdit* answer_field() const { return field_; }
    QString verdict() const;

protected:
    void show_picture(const Snapshot& snapshot) override;
    void show_nothing() override;

private:
    void show_lesson();
    void show_steps(const LessonPicture& lesson);
    void show_task(const LessonPicture& lesson);
    void show_choices(const QStringList& choices);
    void act();
    QString typed_answer() const;

    LessonSource* lesson_;
    QLabel* heading_;
    QListWidget* steps_;
    QTextBrowser* text_;
    QLabel* task_;
    QVBoxLayout* choices_;
    QButtonGroup* choice_group_;
    QLineEdit* field_;
    QLabel* verdict_;
    QPushButton* action_;
    QPushButton* hint_;
    QPushButton* skip_;
    QPushButton* build_;
    QString shown_text_;
    QStringList shown_choices_;
};

} // namespace orrery::inspector
