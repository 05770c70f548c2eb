// Walks a lesson without a student: the grader's loop over LessonRun, on any machine that can be moved and looked at.
#pragma once

#include <map>
#include <string>

#include "inspector/lessons/lesson_run.h"

namespace orrery::inspector::lessons {

// A machine under a lesson. The grader's is a headless guest; the tests' is a script.
class LessonMachine {
public:
    virtual ~LessonMachine() = default;
    // Runs until one of movement.phases, the program's end, or movement.budget is used up. Once the program has ended,
    // answers Reason::ended at once. Never waits without a bound; what goes wrong is Reason::lost with a sentence.
    virtual MachineStop move(const Movement& movement) = 0;
    // The machine as it stands.
    virtual Result<SnapshotPointer> snapshot() = 0;
    virtual const ProgramNames* names() const { return nullptr; }
};

struct WalkOptions {
    // Answers to predictions by step id; a prediction without one is declined.
    std::map<std::string, std::string> answers;
};

// Ends with run.need() == Need::nothing, whatever the machine does: at most lesson.machine.phases stops are made. A
// check is looked at once.
void walk_lesson(LessonRun& run, LessonMachine& machine, const WalkOptions& options);

} // namespace orrery::inspector::lessons
