// How every verb tells of errors and of pictures.
#pragma once

#include <ostream>

#include "inspector/cli/guest.h"
#include "inspector/core/osmodel/render.h"

namespace orrery::inspector::cli {

inline int complain(std::ostream& problems, const Error& error)
{
    problems << "orrery: " << error.sentence << '\n';
    switch (error.code) {
    case ErrorCode::invalid_argument: return exit_usage;
    case ErrorCode::timed_out: return exit_timed_out;
    default: return exit_failed;
    }
}

inline void print_picture(std::ostream& out, const Snapshot& snapshot, const Options& options)
{
    const RenderOptions render { .trace_lines = options.trace_lines, .spaces = options.spaces };
    if (options.json) out << render_json(snapshot, render).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
    else out << render_text(snapshot, render);
    out.flush();
}

inline int status_of(const Snapshot& snapshot)
{
    return snapshot.machine_state == abi::MachineState::panicked ? exit_panicked : exit_done;
}

inline void print_remarks(std::ostream& problems, const Guest& guest)
{
    for (const auto& remark : guest.remarks()) problems << "orrery: " << remark << '\n';
}

} // namespace orrery::inspector::cli
