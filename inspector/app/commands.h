// Every command of the window in one table: menus, toolbar, palette, keys, tooltips and the reference are made from it.
#pragma once

#include <span>

#include <QString>

#include "inspector/models/machine_values.h"

namespace orrery::inspector {

enum class CommandId {
    run, pause, restart, quit_guest,
    next_phase, next_phase_of_signal, next_signal_phase, step_over, step_into, step_instruction,
    toggle_breakpoint, clear_breakpoints,
    undo, redo, copy_view,
    palette, reference,
    zoom_in, zoom_out, zoom_reset, theme_system, theme_light, theme_dark, layout_overview, layout_lesson,
    open_lesson, leave,
    focus_view, // one for each view, made at run time; not in the table
};

struct Command {
    CommandId id;
    const char* name;  // stable, for settings and tests: "machine.run"
    const char* menu;  // its menu; "" = none
    const char* text;  // with & for the menu's mnemonic
    const char* keys;  // QKeySequence, several separated by "; "; "" = none
    const char* icon;  // assets/icons/NAME.svg; "" = none
    bool in_toolbar;
    const char* help;  // one sentence
};

std::span<const Command> command_table();
const Command& command(CommandId id);

// What the enablement of commands depends on.
struct Situation {
    RunState state = RunState::absent;
    int signal = 0; // selected
    bool has_source_line = false, has_breakpoints = false, can_undo = false, can_redo = false;
};

// Why the command can't be used now, as a sentence; "" if it can.
QString refusal(CommandId id, const Situation& situation);

// The table as Markdown, for the help window and the documents.
QString command_reference();

} // namespace orrery::inspector
