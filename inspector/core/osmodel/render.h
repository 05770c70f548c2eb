// A snapshot as text for people and as JSON for programs.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "inspector/core/osmodel/snapshot.h"

namespace orrery::inspector {

struct RenderOptions {
    std::size_t trace_lines = 12; // the newest phases; 0 = none
    bool spaces = false;          // mappings and handles, too
};

// What `orrery run --headless` prints: machine, CPUs, threads with why they wait, signal words as bit lanes with names,
// frames, rings, the newest phases, and what could not be shown. Ends with a newline.
std::string render_text(const Snapshot& snapshot, const RenderOptions& options = {});
// One line: "+0.012345 s  CPU 1  thread 3  signal.raised  target 5, signal SIGUSR1, sender 3".
std::string render_event(const TraceEvent& event, const Snapshot& snapshot);
// Sixty-four lanes of a signal set as 32 characters a word, lowest signal first: '#' set, '.' clear.
std::string render_lanes(std::uint32_t word);

// Schema 1; fields are only added, never changed. Words, addresses and times are strings in hexadecimal ("0x1f"), since
// JSON's numbers lose bits above 2^53; ids, counts, indices and signal numbers are numbers. Absent = not known.
//
//   schema: 1, number, freshness: live|stopped|stale|torn
//   machine: { state: booting|running|ended|panicked, exit_code?, exit_signal?, tsc_frequency, problems: [{view, sentence}] }
//   cpus:    [{ number, thread, idle, registers? }]
//   threads: [{ id, space, space_name, state, cpu, wait: { reason, object, value, deadline }?, why, place, switches,
//               syscalls, registers?, signals? }]
//   signals: { pending: [names], allowed: [names], process_pending: [names], deliverable: [names],
//              words: { pending, allowset, process_pending, process_ignored }, inhibit, inhibit_depth, deferred_at?,
//              fault?, alternate_stack?, reasons: [{ signal, sentence }], actions: [{ signal, handler, mask, flags }],
//              frames: [{ address, previous, signal, handler, handler_name, mask, registers, valid, problem? }] }
//   spaces:  [{ id, name, page_table, ended, exit_code?, exit_signal?, threads, mappings: [{ begin, end, offset,
//               read, write, execute, object, pages, present, writable }],
//               page_tables: { levels: [tables of level 4 to 1], present, stray, complete, oddities: [sentences] },
//               memory?: { charged, objects, limit?, sentence }, in pages,
//               handles: [{ number, kind, rights: [names], label }] }]
//   rings:   [{ number, entry_size, capacity, used, valid, problem?, kernel_broken, producer, consumer }]
//             a side: { index, waiting, broken, wakes, sleeps, thread }
//   schemes: [{ number, valid, problem?, closed, open_servers, next_tag, receivers: [threads], sentence,
//               waiting: [call], received: [call] }]
//             a call: { tag, state, thread, space, opcode, flags, priority, cancelled, server_told?, server_thread?,
//               server_space?, buffer?: { address, size }, cause, sentence }
//   trace:   [{ time, seconds, phase, cpu, thread, cause, arguments: { name: value } }]
//   panic?:  { message, cpu, backtrace: [{ address, function, file, line }] }
nlohmann::json render_json(const Snapshot& snapshot, const RenderOptions& options = {});
nlohmann::json event_json(const TraceEvent& event, const Snapshot& snapshot);

// What is at `address` in `space`, or in every space that lives if it is 0, as `orrery inspect --address` prints it:
// the sentence, what each access does, and the walk through the page tables. Ends with a newline.
std::string render_address(const Snapshot& snapshot, std::uint64_t address, std::uint32_t space = 0);
// Schema 1:
//   schema: 1, number, freshness, address, spaces: [{ space, space_name, sentence, mapping?: { begin, end, offset, read, write,
//     execute, object }, accesses: [{ access: read|write|execute, outcome, sentence }], physical?, page_size?, problem?,
//     contradictions: [sentences],
//     walk: [{ level, table, index, entry, present, write, user, no_execute, accessed, dirty, large, leads_to }] }]
nlohmann::json address_json(const Snapshot& snapshot, std::uint64_t address, std::uint32_t space = 0);

const char* name(Freshness freshness);
const char* name(abi::MachineState state);

} // namespace orrery::inspector
