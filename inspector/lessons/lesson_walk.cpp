// The grader's loop: every need is met at once, and nothing can keep it from coming to an end.
#include "inspector/lessons/lesson_walk.h"

#include "inspector/lessons/compose.h"

namespace orrery::inspector::lessons {

namespace {

void answer(LessonRun& run, const WalkOptions& options)
{
    const auto given = options.answers.find(run.current()->id);
    // An answer that is no choice counts as none, so that the walk goes on.
    if (given == options.answers.end() || run.answer(given->second).verdict == Verdict::unusable) run.decline();
}

void look(LessonRun& run, LessonMachine& machine)
{
    const auto snapshot = machine.snapshot();
    // Without a picture every predicate is unknown, and so the check is refused.
    const auto outcome = run.look(snapshot ? *snapshot : nullptr, machine.names());
    if (outcome.verdict == Verdict::refused && run.need() == Need::look) run.advance();
}

} // namespace

void walk_lesson(LessonRun& run, LessonMachine& machine, const WalkOptions& options)
{
    std::size_t stops = 0;
    while (run.need() != Need::nothing) {
        switch (run.need()) {
        case Need::reading: run.advance(); break;
        case Need::answer: answer(run, options); break;
        case Need::look: look(run, machine); break;
        case Need::movement: {
            if (stops >= run.lesson().machine.phases) {
                MachineStop stop;
                stop.sentence = compose("the program went through {} phases, the most that are followed", stops);
                run.machine_stopped(stop);
                break;
            }
            auto stop = machine.move(*run.movement());
            stops += stop.reason == MachineStop::Reason::phase;
            run.machine_stopped(stop, machine.names());
            break;
        }
        case Need::nothing: break;
        }
    }
}

} // namespace orrery::inspector::lessons
