// The command table and the reasons.
#include "inspector/app/commands.h"

#include <QCoreApplication>

namespace orrery::inspector {
namespace {

#define TEXT(text) QT_TRANSLATE_NOOP("commands", text)

constexpr Command table[] = {
    { CommandId::run, "machine.run", TEXT("&Machine"), TEXT("&Run"), "F5", "run", true,
        TEXT("Start the machine, or let it go on.") },
    { CommandId::pause, "machine.pause", TEXT("&Machine"), TEXT("&Pause"), "F6", "pause", true,
        TEXT("Stop all processors where they are.") },
    { CommandId::restart, "machine.restart", TEXT("&Machine"), TEXT("R&estart"), "Ctrl+Shift+F5", "", false,
        TEXT("End the machine and start it again from the beginning.") },
    { CommandId::quit_guest, "machine.quit", TEXT("&Machine"), TEXT("&End the machine"), "Shift+F5", "quit", true,
        TEXT("End the machine; what was read last stays on the screen.") },
    { CommandId::open_lesson, "lesson.open", TEXT("&Machine"), TEXT("Open a &lesson…"), "Ctrl+O", "", false,
        TEXT("Choose the folder of a lesson.") },
    { CommandId::leave, "window.leave", TEXT("&Machine"), TEXT("&Quit"), "Ctrl+Q", "", false,
        TEXT("Close the window and end the machine, if this window started it.") },

    { CommandId::next_phase, "step.phase", TEXT("&Step"), TEXT("Next &phase"), "Ctrl+F11", "step-phase", true,
        TEXT("Run to the next step that has a meaning: a signal raised, framed, handled, a thread switched, a ring rung.") },
    { CommandId::next_signal_phase, "step.signal", TEXT("&Step"), TEXT("Next si&gnal phase"), "Ctrl+Shift+F11", "step-signal",
        true, TEXT("Run to the next phase of any signal, past rings and thread switches.") },
    { CommandId::next_phase_of_signal, "step.this-signal", TEXT("&Step"), TEXT("Next phase of &this signal"), "Ctrl+Alt+F11", "",
        false, TEXT("Run to the next phase of the signal that is selected in the Signals view.") },
    { CommandId::step_over, "step.over", TEXT("&Step"), TEXT("Step &over"), "F10", "step-over", true,
        TEXT("Run to the next source line of this function; calls run to their end.") },
    { CommandId::step_into, "step.into", TEXT("&Step"), TEXT("Step &into"), "F11", "step-into", true,
        TEXT("Run to the next source line, also into a call.") },
    { CommandId::step_instruction, "step.instruction", TEXT("&Step"), TEXT("Step one i&nstruction"), "Alt+F11",
        "step-instruction", true, TEXT("Carry out one instruction of the processor that stopped.") },
    { CommandId::toggle_breakpoint, "breakpoint.toggle", TEXT("&Step"), TEXT("Set or remove &breakpoint"), "F9", "breakpoint",
        false, TEXT("At the cursor's line in the Source view.") },
    { CommandId::clear_breakpoints, "breakpoint.clear", TEXT("&Step"), TEXT("Remove &all breakpoints"), "Ctrl+Shift+F9", "",
        false, TEXT("Remove every breakpoint.") },

    { CommandId::undo, "edit.undo", TEXT("&Edit"), TEXT("&Undo change"), "Ctrl+Z", "undo", false,
        TEXT("Take back the last change of a register or frame.") },
    { CommandId::redo, "edit.redo", TEXT("&Edit"), TEXT("&Redo change"), "Ctrl+Shift+Z", "redo", false,
        TEXT("Make the change again that was taken back.") },
    { CommandId::copy_view, "edit.copy-view", TEXT("&Edit"), TEXT("&Copy view as text"), "Ctrl+Shift+C", "copy", false,
        TEXT("Copy all of the view that has the keyboard.") },

    { CommandId::layout_overview, "layout.overview", TEXT("&View"), TEXT("&Reset layout"), "Ctrl+Shift+R", "", false,
        TEXT("Put all views back where they were at first.") },
    { CommandId::layout_lesson, "layout.lesson", TEXT("&View"), TEXT("&Lesson layout"), "Ctrl+Shift+L", "lesson", false,
        TEXT("Lesson at the left, the machine beside it.") },
    { CommandId::zoom_in, "zoom.in", TEXT("&View"), TEXT("&Larger text"), "Ctrl+=; Ctrl++", "", false,
        TEXT("Larger text everywhere, for a projector.") },
    { CommandId::zoom_out, "zoom.out", TEXT("&View"), TEXT("&Smaller text"), "Ctrl+-", "", false,
        TEXT("Smaller text everywhere.") },
    { CommandId::zoom_reset, "zoom.reset", TEXT("&View"), TEXT("&Normal text"), "Ctrl+0", "", false,
        TEXT("Text in the desktop's size.") },
    { CommandId::theme_system, "theme.system", TEXT("&View"), TEXT("Colours of the &system"), "", "", false,
        TEXT("Light or dark, as the desktop is.") },
    { CommandId::theme_light, "theme.light", TEXT("&View"), TEXT("L&ight colours"), "", "", false, TEXT("Dark on light.") },
    { CommandId::theme_dark, "theme.dark", TEXT("&View"), TEXT("&Dark colours"), "", "", false, TEXT("Light on dark.") },

    { CommandId::palette, "help.palette", TEXT("&Help"), TEXT("&Find a command…"), "Ctrl+Shift+P; F1", "palette", true,
        TEXT("Type part of a command's name; its key, and why it can't be used now, stand beside it.") },
    { CommandId::reference, "help.reference", TEXT("&Help"), TEXT("&Keys and commands"), "Shift+F1", "", false,
        TEXT("All commands with their keys.") },
};

#undef TEXT

QString translate(const char* sentence) { return QCoreApplication::translate("commands", sentence); }

QString not_stopped(RunState state)
{
    switch (state) {
    case RunState::running: return translate("The machine runs. Pause it first (F6).");
    case RunState::starting: return translate("The machine is starting.");
    case RunState::stopped: return {};
    case RunState::absent: return translate("There is no machine. Start it first (F5).");
    case RunState::ended: return translate("The machine has ended. Start it again (F5).");
    case RunState::failed: return translate("The machine could not be started.");
    }
    return {};
}

} // namespace

std::span<const Command> command_table() { return table; }

const Command& command(CommandId id)
{
    for (const auto& entry : table)
        if (entry.id == id) return entry;
    return table[0];
}

QString refusal(CommandId id, const Situation& situation)
{
    switch (id) {
    case CommandId::run:
        if (situation.state == RunState::running) return translate("The machine runs already.");
        if (situation.state == RunState::starting) return translate("The machine is starting.");
        return {};
    case CommandId::pause:
        if (situation.state == RunState::running) return {};
        if (situation.state == RunState::stopped) return translate("The machine stands still already.");
        return not_stopped(situation.state);
    case CommandId::quit_guest:
        return situation.state == RunState::running || situation.state == RunState::stopped
                || situation.state == RunState::starting
            ? QString()
            : not_stopped(situation.state);
    case CommandId::restart: return situation.state == RunState::starting ? not_stopped(situation.state) : QString();
    case CommandId::next_phase:
    case CommandId::next_signal_phase:
        // From a running machine too: it stops at the phase.
        return situation.state == RunState::running ? QString() : not_stopped(situation.state);
    case CommandId::next_phase_of_signal:
        if (situation.signal == 0) return translate("No signal is selected. Click a column in the Signals view.");
        return situation.state == RunState::running ? QString() : not_stopped(situation.state);
    case CommandId::step_over:
    case CommandId::step_into:
    case CommandId::step_instruction: return not_stopped(situation.state);
    case CommandId::toggle_breakpoint:
        return situation.has_source_line ? QString() : translate("The Source view shows no file.");
    case CommandId::clear_breakpoints:
        return situation.has_breakpoints ? QString() : translate("There are no breakpoints.");
    case CommandId::undo:
        return situation.can_undo ? QString()
                                  : translate("Nothing has been changed by hand since the machine stopped.");
    case CommandId::redo: return situation.can_redo ? QString() : translate("No change has been taken back.");
    default: return {};
    }
}

QString command_reference()
{
    QString markdown;
    QString menu;
    for (const auto& entry : table) {
        const auto title = translate(entry.menu).remove(QLatin1Char('&'));
        if (title != menu) {
            menu = title;
            markdown += QStringLiteral("\n### %1\n\n| Command | Key | What it does |\n|---|---|---|\n").arg(menu);
        }
        const auto keys = QString::fromLatin1(entry.keys).replace(QLatin1String("; "), QLatin1String(" or "));
        markdown += QStringLiteral("| %1 | %2 | %3 |\n")
                        .arg(translate(entry.text).remove(QLatin1Char('&')), keys.isEmpty() ? QStringLiteral("–") : keys, translate(entry.help));
    }
    return markdown;
}

} // namespace orrery::inspector
