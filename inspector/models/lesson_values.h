// A lesson as the window shows it, and what the student asks of it: values that pass between threads.
#pragma once

#include <QList>
#include <QMetaType>
#include <QString>
#include <QStringList>

namespace orrery::inspector {

struct LessonStepLine {
    enum class State { ahead, current, passed, failed, skipped };
    QString title;
    State state = State::ahead;
    QString sentence; // the verdict, once there is one
    unsigned points = 0, possible = 0;
};

struct LessonPicture {
    enum class Need { reading, answer, movement, look, nothing };
    bool open = false;
    QString title, summary;
    QString folder;   // the student's own copy of the program
    QString problem;  // why the lesson or the program can't be used; "" if it can
    QList<LessonStepLine> steps;
    int position = 0; // steps.size() at the end
    Need need = Need::nothing;
    QString text;     // Markdown of the current step
    QString question; // of a prediction
    QStringList choices; // empty: a free value
    QString movement; // "runs until signal.handled ..."
    QString verdict;  // what became of the last action, as a sentence
    bool passed = false; // of the verdict
    QStringList hints;
    bool can_advance = false; // also past a refused check
    bool busy = false;        // it builds, or the machine moves
    unsigned points = 0, possible = 0;
};

struct LessonOrder {
    enum class Kind { open, start, advance, answer, move, look, hint };
    Kind kind = Kind::open;
    QString text; // the folder, or the answer
};

} // namespace orrery::inspector

Q_DECLARE_METATYPE(orrery::inspector::LessonPicture)
