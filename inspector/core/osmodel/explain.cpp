// Makes the sentences. They follow the order in which the kernel decides, so the first reason that holds is the reason.
#include "inspector/core/osmodel/explain.h"

#include <bit>
#include <chrono>
#include <cstdio>

#include "abi/error.h"
#include "abi/futex.h"
#include "abi/memory.h"
#include "inspector/core/text.h"

namespace orrery::inspector {

namespace {

std::string seconds(std::uint64_t nanoseconds)
{
    const auto milliseconds = nanoseconds / 1'000'000;
    auto fraction = std::to_string(milliseconds % 1000);
    fraction.insert(0, 3 - fraction.size(), '0');
    return std::to_string(milliseconds / 1000) + "." + fraction + " s";
}

// A deadline of either clock; the one of the date as people write it.
std::string deadline_text(std::uint64_t deadline)
{
    const auto moment = abi::moment_of(deadline);
    if (abi::clock_of(deadline) == abi::Clock::since_start) return seconds(moment) + " after the start";
    const std::chrono::sys_time<std::chrono::nanoseconds> time { std::chrono::nanoseconds(static_cast<std::int64_t>(moment)) };
    const auto day = std::chrono::floor<std::chrono::days>(time);
    const std::chrono::year_month_day date { day };
    const std::chrono::hh_mm_ss clock { std::chrono::floor<std::chrono::milliseconds>(time - day) };
    char text[64];
    std::snprintf(text, sizeof text, "CLOCK_REALTIME shows %04d-%02u-%02u %02ld:%02ld:%02ld.%03ld UTC",
                  static_cast<int>(date.year()), static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                  static_cast<long>(clock.hours().count()), static_cast<long>(clock.minutes().count()),
                  static_cast<long>(clock.seconds().count()), static_cast<long>(clock.subseconds().count()));
    return text;
}

std::string space_text(std::uint64_t id, const Snapshot* snapshot)
{
    return snapshot != nullptr ? space_label(*snapshot, static_cast<std::uint32_t>(id)) : "space " + std::to_string(id);
}

// The word is compared once, before the thread sleeps: afterwards only a wake-up helps, whatever it holds.
std::string futex_text(const ThreadView& thread)
{
    const auto now = thread.wait_word;
    const bool changed = now && *now != static_cast<std::uint32_t>(thread.wait_value);
    return "sleeps on the futex word at " + hex(thread.wait_object) + " until somebody wakes it; the word held "
        + std::to_string(thread.wait_value) + (changed ? " and holds " + std::to_string(*now) + " now" : std::string {});
}

std::string owned_text(const ThreadView& thread, const Snapshot* snapshot)
{
    const auto place = hex(thread.wait_object);
    if (!thread.wait_word) return "waits for the owner of the word at " + place + ", which can't be read now";
    const auto owner = *thread.wait_word & abi::futex_owner;
    const bool is_lock = (*thread.wait_word & abi::futex_contended) != 0;
    if (owner == 0) return "waits for the word at " + place + ", which nobody owns now: it is about to be woken";
    const auto label = snapshot != nullptr ? thread_label(*snapshot, owner) : "thread " + std::to_string(owner);
    if (snapshot != nullptr && snapshot->thread(owner) == nullptr)
        return "waits for the word at " + place + ", which names thread " + std::to_string(owner)
            + ": that one is gone, and nobody else will wake it";
    if (owner == thread.id) return "waits for the lock at " + place + ", which it has itself";
    return is_lock ? "waits for the lock at " + place + ", which " + label + " has"
                   : "waits for " + label + " to end, or to change the word at " + place + " that names it";
}

// "less than a quarter is free", as the table of levels says it, and "medium".
const char* pressure_name(abi::MemoryPressure level)
{
    switch (level) {
#define X(name, words) case abi::MemoryPressure::name: return #name;
    ORRERY_MEMORY_PRESSURES(X)
#undef X
    }
    return "unknown";
}

std::string pressure_text(std::uint64_t level)
{
    std::string_view sentence = "it is short";
#define X(name, words) if (level == static_cast<std::uint64_t>(abi::MemoryPressure::name)) sentence = words;
    ORRERY_MEMORY_PRESSURES(X)
#undef X
    return std::string(sentence.substr(0, sentence.find(':')));
}

std::string wait_text(const ThreadView& thread, const Snapshot* snapshot)
{
    const auto ring = "ring " + std::to_string(thread.wait_object);
    const auto& reason = thread.wait_reason;
    if (reason == "futex") return futex_text(thread);
    if (reason == "futex_owned") return owned_text(thread, snapshot);
    if (reason == "space_end") return "waits for " + space_text(thread.wait_object, snapshot) + " to end";
    if (reason == "ring_entries") return "waits for entries on " + ring + " (consumer side)";
    if (reason == "ring_space") return "waits for free slots on " + ring + " (producer side)";
    if (reason == "signal") return "waits for a signal that it allows";
    const auto scheme = "scheme " + std::to_string(thread.wait_object);
    const auto by_whom = thread.wait_value == 0 ? " and no server has taken it yet"
        : ", which thread " + std::to_string(thread.wait_value) + " works on";
    if (reason == "scheme_call") return "waits for the answer to its call to " + scheme + by_whom;
    if (reason == "scheme_cancel")
        return "has cancelled its call to " + scheme + by_whom + ", and waits for the server to give it up";
    if (reason == "page_in")
        return "waits for a page that " + scheme + "'s server brings ("
            + (thread.wait_value == 0 ? "no server has taken this call yet, or another thread has asked for the same page)"
                                      : "thread " + std::to_string(thread.wait_value) + " works on it)");
    if (reason == "scheme_receive") return "waits for calls to " + scheme + " (it is a server)";
    if (reason == "event") return "waits for event " + std::to_string(thread.wait_object) + ", an interrupt for one, to happen";
    if (reason == "memory_pressure") return "waits to be told that of memory " + pressure_text(thread.wait_value);
    if (reason == "stopped") return "is stopped by SIGSTOP or its like, until SIGCONT comes";
    if (reason.empty() || reason == "none") return "sleeps without a recorded reason";
    return "waits (" + reason + ", object " + hex(thread.wait_object) + ")";
}

// The frame of a handler of this very signal, if one runs.
const FrameView* running_handler(const SignalView& signals, int signal)
{
    for (const auto& frame : signals.frames)
        if (frame.valid && frame.signal == signal) return &frame;
    return nullptr;
}

// A handler that runs and because of which the signal is blocked, although the thread itself did not block it: its frame
// goes back to a mask without the signal.
const FrameView* blocking_handler(const SignalView& signals, int signal)
{
    for (const auto& frame : signals.frames)
        if (frame.valid && (frame.mask & abi::signal_mask64(signal)) == 0) return &frame;
    return nullptr;
}

std::string handler_text(const FrameView& frame)
{
    return frame.handler_name.empty() ? "the handler at " + hex(frame.handler) : frame.handler_name;
}

std::string allowing_threads(const ThreadView& thread, int signal, const Snapshot* snapshot)
{
    if (snapshot == nullptr) return {};
    for (const auto& other : snapshot->threads) {
        if (other.space != thread.space || other.id == thread.id || !other.signals.registered || other.state == "ended")
            continue;
        if ((other.signals.allowset & abi::signal_mask64(signal)) != 0)
            return "; thread " + std::to_string(other.id) + " of the same process allows it and may take it";
    }
    return {};
}

std::string not_pending_text(const ThreadView& thread, int signal)
{
    const auto& signals = thread.signals;
    const auto mask = abi::signal_mask64(signal);
    const auto name = signal_text(signal);
    if (const auto* frame = running_handler(signals, signal))
        return name + " is being handled: " + handler_text(*frame) + " runs on the frame at " + hex(frame->address);
    if ((signals.process_ignored & mask) != 0)
        return name + " is not pending, and the process ignores it: a sender would discard it";
    if ((signals.allowset & mask) == 0)
        return name + " is not pending, and if it came it would wait: the thread blocks it (sigprocmask)";
    return name + " is not pending; if it came, it would be delivered: it " + action_text(signals, signal);
}

std::string blocked_text(const ThreadView& thread, int signal, const std::string& pending, bool at_process,
                         const Snapshot* snapshot)
{
    const auto* handler = blocking_handler(thread.signals, signal);
    std::string reason = "the thread blocks it (sigprocmask)";
    if (handler != nullptr) {
        reason = "it is blocked while " + handler_text(*handler) + " runs";
        if (handler->signal == signal) reason += ", which handles the same signal";
        else reason += " for " + signal_text(handler->signal);
    }
    return pending + " but its allow bit is clear: " + reason
        + (at_process ? allowing_threads(thread, signal, snapshot) : std::string {});
}

std::string inhibited_text(const SignalView& signals, const std::string& pending)
{
    std::string reason;
    if (signals.deferred_at != 0) {
        const auto& place = signals.deferred_at_name;
        const bool trampoline = place.find("trampoline") != std::string::npos;
        reason = std::string(trampoline ? "the thread is inside the trampoline" : "the thread is in an inhibit section")
            + " (deferred at " + (place.empty() ? hex(signals.deferred_at) : place) + ")";
    } else if (signals.inhibit_depth != 0) {
        reason = "the runtime is in an inhibit section (" + std::to_string(signals.inhibit_depth) + " deep)";
    } else {
        reason = "the thread is on its way into or out of a handler";
    }
    return pending + " and allowed, but delivery is inhibited: " + reason;
}

std::string deliverable_text(const ThreadView& thread, int signal, const std::string& pending)
{
    const auto& signals = thread.signals;
    const int first = std::countr_zero(signals.deliverable()) + 1;
    if (first != signal)
        return pending + " and allowed; " + signal_text(first) + " has a lower number and goes first";
    std::string when;
    if (thread.state == "running") {
        when = thread.cpu < 0 ? "it is delivered when the thread returns to user mode"
                              : "it is delivered when CPU " + std::to_string(thread.cpu) + " next returns to user mode";
    } else if (thread.state == "ready") {
        when = "the thread waits for a CPU, and takes it as soon as it runs";
    } else if (thread.wait_reason == "stopped") {
        when = "the process is stopped, and the thread takes it when SIGCONT comes";
    } else if (thread.wait_reason == "scheme_cancel") {
        when = "no signal ends this wait any more: the thread takes it when the server has answered the call or given it up";
    } else if (thread.wait_reason == "page_in") {
        when = "no signal ends this wait: the thread takes it when its page has come";
    } else if (thread.state == "blocked") {
        when = "the thread is about to be woken for it; if this stays so, a wake-up was lost";
    } else {
        when = "the thread's state is unknown";
    }
    return pending + " and allowed; " + when + ", and then it " + action_text(signals, signal);
}

} // namespace

std::string thread_label(const Snapshot& snapshot, std::uint32_t id)
{
    const auto* thread = snapshot.thread(id);
    return "thread " + std::to_string(id) + (thread != nullptr && !thread->space_name.empty() ? " (" + thread->space_name + ")" : "");
}

std::string space_label(const Snapshot& snapshot, std::uint32_t id)
{
    const auto* space = snapshot.space(id);
    return "space " + std::to_string(id) + (space != nullptr && !space->name.empty() ? " (" + space->name + ")" : "");
}

std::string signal_text(int signal)
{
    if (signal < 1 || signal > abi::signal_count) return std::to_string(signal);
    std::string name = abi::signal_name(signal);
    if (name == "SIGRT" || name == "unknown") return "SIG" + std::string(name == "SIGRT" ? "RT" : "") + std::to_string(signal);
    return name;
}

std::string signal_set_text(std::uint64_t set)
{
    std::vector<std::string> names;
    for (int signal = 1; signal <= abi::signal_count; ++signal)
        if ((set & abi::signal_mask64(signal)) != 0) names.push_back(signal_text(signal));
    return names.empty() ? "none" : join(names, " ");
}

std::string action_text(const SignalView& signals, int signal)
{
    if (signal < 1 || signal > abi::signal_count) return "is no signal";
    if (!signals.actions_known) return "goes to an action that is not known";
    const auto& action = signals.actions[static_cast<std::size_t>(signal - 1)];
    if (action.handler == abi::handler_ignore) return "is thrown away, because the process ignores it";
    if (action.handler != abi::handler_default) return "goes to the handler at " + hex(action.handler);
    switch (abi::default_action(signal)) {
    case abi::DefaultAction::terminate: return "ends the process (its default action)";
    case abi::DefaultAction::core: return "ends the process with a dump (its default action)";
    case abi::DefaultAction::ignore: return "is thrown away (its default action)";
    case abi::DefaultAction::stop: return "stops the process (its default action)";
    case abi::DefaultAction::proceed: return "lets a stopped process go on (its default action)";
    }
    return "goes to an action that is not known";
}

std::string exit_text(abi::ExitStatus status)
{
    if (status.signal != 0) return "was ended by " + signal_text(status.signal);
    return "exited with status " + std::to_string(status.code);
}

std::string argument_text(abi::Phase phase, unsigned index, std::uint64_t value, const Snapshot* snapshot)
{
    if (phase >= abi::Phase::count || index > 2) return hex(value);
    const std::string_view meaning = abi::phase_table[static_cast<std::size_t>(phase)].arguments[index];
    if (meaning == "signal" || meaning == "signal or 0") return value == 0 ? "none" : signal_text(static_cast<int>(value));
    if (meaning == "target" && (value & abi::target_is_space) != 0)
        return space_text(static_cast<std::uint32_t>(value), snapshot);
    if (meaning == "deliverable set") return signal_set_text(value);
    if (meaning == "side" || meaning == "side woken") return value == 0 ? "producer" : value == 1 ? "consumer" : hex(value);
    if (meaning == "wait reason" && snapshot != nullptr && value < snapshot->wait_reasons.size())
        return snapshot->wait_reasons[value];
    if (meaning == "wait result") return value == 0 ? "woken" : abi::name(static_cast<abi::Error>(value));
    if ((meaning == "from" || meaning == "to") && value == 0) return "idle";
    if (meaning == "exit status word") return exit_text(abi::ExitStatus::from_word(value));
    if (meaning == "rip" || meaning == "address" || meaning == "frame" || meaning == "handler" || meaning == "entry")
        return hex(value);
    return value < 1'000'000 ? std::to_string(value) : hex(value);
}

namespace {

std::string lent_text(const ThreadView& thread)
{
    if (thread.priority <= thread.own_priority) return {};
    return ", with priority " + std::to_string(thread.priority) + " instead of its own " + std::to_string(thread.own_priority)
        + ": callers that wait for it have lent it theirs";
}

// Which CPUs a thread waits for that may not run on all of them.
std::string allowed_text(const ThreadView& thread, const Snapshot* snapshot)
{
    if (snapshot == nullptr || thread.allowed_cpus == 0) return {};
    std::vector<std::string> numbers;
    for (const auto& cpu : snapshot->cpus)
        if (cpu.number < 32 && (thread.allowed_cpus >> cpu.number & 1) != 0) numbers.push_back(std::to_string(cpu.number));
    if (numbers.size() == snapshot->cpus.size()) return {};
    return "; it may run on CPU " + join(numbers, ", ") + " only";
}

} // namespace

std::string explain(const ThreadView& thread, const Snapshot* snapshot)
{
    if (thread.state == "running")
        return (thread.cpu < 0 ? "is about to run" : "runs on CPU " + std::to_string(thread.cpu)) + lent_text(thread);
    if (thread.state == "ready")
        return "can run, and waits for a CPU"
            + (thread.cpu < 0 ? std::string {} : " (it ran on CPU " + std::to_string(thread.cpu) + " last)")
            + allowed_text(thread, snapshot) + lent_text(thread);
    if (thread.state == "ended") return "has ended";
    if (thread.state != "blocked")
        return thread.state.empty() ? "is in an unknown state" : "is in the state " + thread.state;
    auto text = wait_text(thread, snapshot);
    if (thread.wait_deadline != abi::no_deadline && thread.wait_deadline != 0)
        text += ", at most until " + deadline_text(thread.wait_deadline);
    return text;
}

std::string explain(const AccountView& account)
{
    if (!account.known) return {};
    const auto pages = [](std::uint64_t count) { return std::to_string(count) + (count == 1 ? " page" : " pages"); };
    std::string text = "is charged with " + pages(account.charged) + " of memory, " + std::to_string(account.objects)
        + " of them in memory objects of its own, and ";
    if (account.limit && account.charged >= *account.limit)
        text += "has reached its limit of " + pages(*account.limit) + ": the next one is refused (limit_reached)";
    else if (account.limit) text += "may have " + pages(*account.limit) + ", with the spaces that it makes";
    else text += "has no limit of its own";
    if (account.charged_above && account.limit_above) {
        text += "; a space above it has used " + std::to_string(*account.charged_above) + " of the "
            + pages(*account.limit_above) + " that all below it share";
        if (*account.charged_above >= *account.limit_above) text += ": the next one is refused (limit_reached)";
    }
    return text;
}

std::string explain(const MachineMemoryView& memory)
{
    if (!memory.known) return {};
    auto text = std::to_string(memory.free) + " of the machine's " + std::to_string(memory.total) + " pages are free";
    if (memory.pressure)
        text += "; memory pressure: " + std::string(pressure_name(*memory.pressure)) + ", "
            + pressure_text(static_cast<std::uint64_t>(*memory.pressure));
    return text;
}

std::string explain_signal(const ThreadView& thread, int signal, const Snapshot* snapshot)
{
    if (signal < 1 || signal > abi::signal_count)
        return std::to_string(signal) + " is not a signal: they are 1 to " + std::to_string(abi::signal_count);
    const auto& signals = thread.signals;
    const auto name = signal_text(signal);
    const auto mask = abi::signal_mask64(signal);
    if (thread.state == "ended") return name + " can't be delivered: the thread has ended";
    if (!signals.registered)
        return name + " can't be delivered yet: the thread has not told the kernel where its signal words are";
    const bool at_thread = (signals.pending & mask) != 0;
    const bool at_process = (signals.process_pending & mask) != 0;
    if (!at_thread && !at_process) return not_pending_text(thread, signal);
    const auto pending = name + " is pending"
        + (at_thread && at_process ? " at the thread and at its process" : at_process ? " at the process" : "");
    if ((signals.allowset & mask) == 0) return blocked_text(thread, signal, pending, at_process && !at_thread, snapshot);
    if (signals.inhibit) return inhibited_text(signals, pending);
    return deliverable_text(thread, signal, pending);
}

} // namespace orrery::inspector
