// The one table of what a predicate can name: roots and fields, each with its kind, its accessor and its sentence. The
// parser, the evaluator and predicate_reference() are made from it.
#include <algorithm>

#include "inspector/lessons/compose.h"
#include "inspector/lessons/predicate_syntax.h"

namespace orrery::inspector::lessons {

namespace {

Value number(std::uint64_t value) { return Number { value }; }
Value number(std::int64_t value) { return Number { value }; }
Value number(std::uint32_t value) { return Number { value }; }
Value number(int value) { return Number { value }; }

std::uint64_t as_index(const Value& value)
{
    const auto* index = std::get_if<Number>(&value);
    return index != nullptr && *index >= 0 && *index < ~std::uint64_t { 0 } ? static_cast<std::uint64_t>(*index)
                                                                            : ~std::uint64_t { 0 };
}

std::string name_in_words(std::string_view kind, const Value& name)
{
    if (const auto* text = std::get_if<std::string>(&name)) return compose("{} named {}", kind, *text);
    return compose("{} {}", kind, in_words(name, Kind::number));
}

bool names(const Value& wanted, std::uint32_t id, std::string_view name)
{
    if (const auto* text = std::get_if<std::string>(&wanted)) return *text == name;
    return as_index(wanted) == id;
}

Value subject_of(const Scene& scene, const Value* argument)
{
    return argument != nullptr ? *argument : Value { std::string(scene.subject) };
}

Value no_snapshot() { return unknown("there is no picture of the machine yet"); }

// Of several threads of one program the one with the lowest number that still lives.
Value find_thread(const Scene& scene, const Value* argument)
{
    if (scene.snapshot == nullptr) return no_snapshot();
    const auto wanted = subject_of(scene, argument);
    const ThreadView* found = nullptr;
    for (const auto& thread : scene.snapshot->threads)
        if (names(wanted, thread.id, thread.space_name) && (found == nullptr || found->state == "ended"))
            found = &thread;
    if (found == nullptr) return unknown(compose("there is no {}", name_in_words("thread", wanted)));
    return found;
}

// The newest of that name: a program that was run twice is judged by its last run.
Value find_process(const Scene& scene, const Value* argument)
{
    if (scene.snapshot == nullptr) return no_snapshot();
    const auto wanted = subject_of(scene, argument);
    const SpaceView* found = nullptr;
    for (const auto& space : scene.snapshot->spaces)
        if (names(wanted, space.id, space.name)) found = &space;
    if (found == nullptr) return unknown(compose("there is no {}", name_in_words("process", wanted)));
    return found;
}

Value find_ring(const Scene& scene, const Value* argument)
{
    if (scene.snapshot == nullptr) return no_snapshot();
    const auto wanted = as_index(*argument);
    const auto* ring =
        wanted <= ~std::uint32_t { 0 } ? scene.snapshot->ring(static_cast<std::uint32_t>(wanted)) : nullptr;
    if (ring == nullptr) return unknown(compose("there is no {}", name_in_words("ring", *argument)));
    if (!ring->valid) return unknown(compose("ring {} can't be read: {}", wanted, ring->problem));
    return ring;
}

Value frame_of(const ThreadView& thread, const Value* argument)
{
    const auto index = argument == nullptr ? 0 : as_index(*argument);
    const auto& frames = thread.signals.frames;
    if (index >= frames.size())
        return unknown(frames.empty()
                ? compose("thread {} has no signal frame on its stack", thread.space_name)
                : compose("thread {} has only {} signal frame(s) on its stack", thread.space_name, frames.size()));
    if (!frames[index].valid)
        return unknown(compose("signal frame {} can't be read: {}", index, frames[index].problem));
    return &frames[index];
}

Value find_frame(const Scene& scene, const Value* argument)
{
    const auto thread = find_thread(scene, nullptr);
    if (is_unknown(thread)) return thread;
    return frame_of(*std::get<const ThreadView*>(thread), argument);
}

Value find_here(const Scene& scene, const Value*)
{
    if (scene.here == nullptr) return unknown("the machine does not stand at a phase");
    return scene.here;
}

// A program that is gone from the snapshot is known by the phase of its end.
Value find_exit(const Scene& scene, const Value*)
{
    const auto process = find_process(scene, nullptr);
    if (const auto* space = std::get_if<const SpaceView*>(&process))
        if ((*space)->ended) return (*space)->exit_status;
    if (scene.history != nullptr) {
        const auto& seen = scene.history->events();
        for (auto event = seen.rbegin(); event != seen.rend(); ++event)
            if (event->event.phase == abi::Phase::space_ended && event->thread_name == scene.subject)
                return abi::ExitStatus::from_word(event->event.arguments[1]);
    }
    if (!is_unknown(process)) return unknown(compose("{} has not ended", scene.subject));
    if (scene.snapshot != nullptr && scene.snapshot->machine_state == abi::MachineState::ended)
        return scene.snapshot->exit_status;
    return process;
}

Value find_machine(const Scene& scene, const Value*)
{
    return scene.snapshot == nullptr ? no_snapshot() : Value { scene.snapshot };
}

Value find_address(const Scene& scene, const Value* argument)
{
    const auto& symbol = std::get<std::string>(*argument);
    if (scene.names != nullptr)
        if (const auto address = scene.names->address(symbol)) return number(*address);
    return unknown(compose("the program has no symbol named {}", symbol));
}

Value find_variable(const Scene& scene, const Value* argument)
{
    const auto& symbol = std::get<std::string>(*argument);
    if (scene.names != nullptr)
        if (const auto value = scene.names->variable(symbol)) return number(*value);
    return unknown(compose("the program has no global integer named {} that can be read now", symbol));
}

const char* machine_state_in_words(abi::MachineState state)
{
    switch (state) {
    case abi::MachineState::booting: return "booting";
    case abi::MachineState::running: return "running";
    case abi::MachineState::ended: return "ended";
    case abi::MachineState::panicked: return "panicked";
    }
    return "in an unknown state";
}

Value find_seen(const Scene& scene, const PhaseQuery& query, bool newest)
{
    const SeenPhase* found = nullptr;
    if (scene.history != nullptr)
        for (const auto& seen : scene.history->events())
            if (matches(query, seen) && (newest || found == nullptr)) found = &seen;
    if (found == nullptr)
        return unknown(
            compose("phase {} was never seen", abi::phase_table[static_cast<std::size_t>(query.phase)].step_name));
    return found;
}

Value seen_argument(const SeenPhase& seen, std::string_view name)
{
    if (const auto value = argument_of(seen, name)) return number(*value);
    return unknown(compose("phase {} has no argument \"{}\"",
        abi::phase_table[static_cast<std::size_t>(seen.event.phase)].step_name, name));
}

Value register_of(const ThreadView& thread, abi::SavedRegister which)
{
    if (!thread.registers) return unknown(compose("thread {}'s registers can't be read now", thread.space_name));
    return number(thread.registers->general[static_cast<unsigned>(which)]);
}

Value signals_of(const ThreadView& thread, std::uint64_t SignalView::* set)
{
    if (!thread.signals.registered)
        return unknown(compose("thread {} has not told the kernel where its signal words are", thread.space_name));
    return SignalSet { thread.signals.*set };
}

#define SCENE [[maybe_unused]] const Scene& scene
#define ARGUMENT [[maybe_unused]] const Value* argument
// Accessors as captureless lambdas; `self` is the object.
#define OF(Type, expression)                                                                                           \
    [](SCENE, const Value& object, ARGUMENT) -> Value {                                                                \
        [[maybe_unused]] const auto& self = *std::get<const Type*>(object);                                            \
        return expression;                                                                                             \
    }
#define OF_VALUE(Type, expression)                                                                                     \
    [](SCENE, const Value& object, ARGUMENT) -> Value {                                                                \
        const auto& self = std::get<Type>(object);                                                                     \
        return expression;                                                                                             \
    }
#define THREAD(expression) OF(ThreadView, expression)
#define SIGNALS(member) OF(ThreadView, signals_of(self, &SignalView::member))
#define FRAME(expression) OF(FrameView, expression)
#define SEEN(expression) OF(SeenPhase, expression)

// The registers, for threads and frames alike, in the order of abi::SavedRegister.
#define ORRERY_REGISTER_FIELDS(X)                                                                                      \
    X(rip)                                                                                                             \
    X(rsp)                                                                                                             \
    X(rflags) X(rax) X(rbx) X(rcx) X(rdx) X(rsi) X(rdi) X(rbp) X(r8) X(r9) X(r10) X(r11) X(r12) X(r13) X(r14) X(r15)

constexpr Root roots[] = {
    { "thread", Kind::thread, Argument::optional_name_or_number, find_thread,
        "the thread of the program with this name, or with this number; without an argument the lesson's program" },
    { "process", Kind::process, Argument::optional_name_or_number, find_process,
        "the process with this name or number; without an argument the lesson's program" },
    { "ring", Kind::ring, Argument::number, find_ring, "the ring with this number" },
    { "frame", Kind::frame, Argument::optional_number, find_frame,
        "a signal frame on the stack of the lesson's program, 0 = newest" },
    { "phase", Kind::phases, Argument::phase, nullptr,
        "the times that a phase was seen; filters: signal = SIGUSR1, thread = \"name\", ring = 1" },
    { "here", Kind::seen, Argument::none, find_here, "the phase at which the machine stands" },
    { "exit", Kind::exit, Argument::none, find_exit, "how the lesson's program ended" },
    { "machine", Kind::machine, Argument::none, find_machine, "the whole machine" },
    { "address", Kind::address, Argument::symbol, find_address, "address of a function or variable of the program" },
    { "variable", Kind::number, Argument::symbol, find_variable, "value of a global integer of the program" },
};

constexpr Field fields[] = {
    { Kind::thread, "id", Kind::number, Argument::none, THREAD(number(self.id)), "its number" },
    { Kind::thread, "name", Kind::text, Argument::none, THREAD(self.space_name), "its program's name" },
    { Kind::thread, "state", Kind::text, Argument::none, THREAD(self.state), "running, ready, blocked, ended" },
    { Kind::thread, "wait_reason", Kind::text, Argument::none, THREAD(self.wait_reason),
        "what it sleeps for; empty if it does not" },
    { Kind::thread, "cpu", Kind::number, Argument::none, THREAD(number(self.cpu)), "where it runs or ran last" },
    { Kind::thread, "switches", Kind::number, Argument::none, THREAD(number(self.switches)),
        "how often it got a processor" },
    { Kind::thread, "syscalls", Kind::number, Argument::none, THREAD(number(self.syscalls)),
        "how many system calls it has made" },
    { Kind::thread, "registered", Kind::truth, Argument::none, THREAD(self.signals.registered),
        "whether the kernel knows its signal words" },
    { Kind::thread, "pending", Kind::signals, Argument::none, SIGNALS(pending),
        "signals that were sent to it and wait" },
    { Kind::thread, "allowset", Kind::signals, Argument::none, SIGNALS(allowset), "signals that it lets in now" },
    { Kind::thread, "blocked", Kind::signals, Argument::none,
        THREAD(!self.signals.registered ? signals_of(self, &SignalView::allowset)
                                        : Value { SignalSet { ~self.signals.allowset } }),
        "the complement of allowset: POSIX's signal mask" },
    { Kind::thread, "process_pending", Kind::signals, Argument::none, SIGNALS(process_pending),
        "signals that wait for any thread of its process" },
    { Kind::thread, "process_ignored", Kind::signals, Argument::none, SIGNALS(process_ignored),
        "signals that its process ignores" },
    { Kind::thread, "deliverable", Kind::signals, Argument::none,
        THREAD(!self.signals.registered ? signals_of(self, &SignalView::pending)
                                        : Value { SignalSet { self.signals.deliverable() } }),
        "pending, for it or its process, and allowed" },
    { Kind::thread, "inhibit", Kind::truth, Argument::none, THREAD(self.signals.inhibit),
        "whether the kernel must not divert it now" },
    { Kind::thread, "inhibit_depth", Kind::number, Argument::none, THREAD(number(self.signals.inhibit_depth)),
        "nesting of sections that inhibit delivery" },
    { Kind::thread, "deferred_at", Kind::address, Argument::none, THREAD(number(self.signals.deferred_at)),
        "where the kernel put a delivery off, or 0" },
    { Kind::thread, "saved_rip", Kind::address, Argument::none, THREAD(number(self.signals.saved_rip)),
        "where it was when the kernel diverted it" },
    { Kind::thread, "fault", Kind::fault, Argument::none, THREAD(&self.signals.fault), "its last fault" },
    { Kind::thread, "action", Kind::action, Argument::signal,
        [](const Scene&, const Value& object, const Value* argument) -> Value {
            const auto& self = *std::get<const ThreadView*>(object);
            const auto signal = as_index(*argument);
            if (!abi::is_signal(signal)) return unknown("there is no such signal");
            if (!self.signals.actions_known)
                return unknown(compose("thread {}'s signal actions can't be read", self.space_name));
            return ActionReference { &self.signals.actions[signal - 1], static_cast<int>(signal) };
        },
        "what its process does on a signal" },
    { Kind::thread, "frames", Kind::number, Argument::none, THREAD(number(self.signals.frames.size())),
        "how many signal frames are on its stack" },
    { Kind::thread, "frame", Kind::frame, Argument::optional_number, THREAD(frame_of(self, argument)),
        "a signal frame on its stack, 0 = newest" },
    { Kind::thread, "alternate_stack_size", Kind::number, Argument::none,
        THREAD(number(self.signals.alternate_stack_size)), "bytes of its alternate signal stack, 0 = none" },
    { Kind::process, "id", Kind::number, Argument::none, OF(SpaceView, number(self.id)), "its number" },
    { Kind::process, "name", Kind::text, Argument::none, OF(SpaceView, self.name), "its program's name" },
    { Kind::process, "ended", Kind::truth, Argument::none, OF(SpaceView, self.ended), "whether it has ended" },
    { Kind::process, "exit", Kind::exit, Argument::none,
        OF(SpaceView, self.ended ? Value { self.exit_status } : unknown(compose("{} has not ended", self.name))),
        "how it ended" },
    { Kind::process, "threads", Kind::number, Argument::none, OF(SpaceView, number(self.threads.size())),
        "how many threads it has" },
    { Kind::ring, "used", Kind::number, Argument::none, OF(RingView, number(self.used())), "entries that wait in it" },
    { Kind::ring, "capacity", Kind::number, Argument::none, OF(RingView, number(self.capacity)),
        "entries it can hold" },
    { Kind::ring, "entry_size", Kind::number, Argument::none, OF(RingView, number(self.entry_size)),
        "bytes of one entry" },
    { Kind::ring, "broken", Kind::truth, Argument::none,
        OF(RingView, self.kernel_broken != 0 || self.producer.broken != 0 || self.consumer.broken != 0),
        "whether a side or the kernel gave it up" },
    { Kind::ring, "producer", Kind::ring_side, Argument::none, OF(RingView, &self.producer), "the side that pushes" },
    { Kind::ring, "consumer", Kind::ring_side, Argument::none, OF(RingView, &self.consumer), "the side that pops" },
    { Kind::ring_side, "index", Kind::number, Argument::none, OF(RingSideView, number(self.index)),
        "its free-running index" },
    { Kind::ring_side, "waiting", Kind::truth, Argument::none, OF(RingSideView, self.waiting),
        "whether it said that it sleeps" },
    { Kind::ring_side, "wakes", Kind::number, Argument::none, OF(RingSideView, number(self.wakes)),
        "how often it woke the other side" },
    { Kind::ring_side, "sleeps", Kind::number, Argument::none, OF(RingSideView, number(self.sleeps)),
        "how often it slept" },
    { Kind::ring_side, "thread", Kind::number, Argument::none, OF(RingSideView, number(self.thread)),
        "number of the thread that sleeps on it, 0 = none" },
    { Kind::frame, "signal", Kind::signal, Argument::none, FRAME(number(self.signal)), "the signal it is for" },
    { Kind::frame, "handler", Kind::address, Argument::none, FRAME(number(self.handler)), "the handler's address" },
    { Kind::frame, "handler_name", Kind::text, Argument::none, FRAME(self.handler_name), "the handler's name" },
    { Kind::frame, "mask", Kind::signals, Argument::none, FRAME(SignalSet { self.mask }),
        "the mask that comes back when the handler returns" },
    { Kind::frame, "cause", Kind::number, Argument::none, FRAME(number(self.cause)), "cause id of the raise" },
    { Kind::frame, "code", Kind::number, Argument::none, FRAME(number(self.info.code)), "si_code" },
    { Kind::frame, "fault_address", Kind::address, Argument::none, FRAME(number(self.info.address)), "si_addr" },
    { Kind::frame, "sender", Kind::number, Argument::none, FRAME(number(self.info.process_id)), "si_pid" },
    { Kind::phases, "count", Kind::number, Argument::none,
        [](const Scene& scene, const Value& object, const Value*) -> Value {
            if (scene.history == nullptr) return unknown("no phases were recorded");
            const auto& query = std::get<PhaseQuery>(object);
            return number(static_cast<std::uint64_t>(std::ranges::count_if(
                scene.history->events(), [&](const SeenPhase& seen) { return matches(query, seen); })));
        },
        "how many times" },
    { Kind::phases, "first", Kind::seen, Argument::none, OF_VALUE(PhaseQuery, find_seen(scene, self, false)),
        "the oldest" },
    { Kind::phases, "last", Kind::seen, Argument::none, OF_VALUE(PhaseQuery, find_seen(scene, self, true)),
        "the newest" },
    { Kind::seen, "phase", Kind::phase, Argument::none,
        SEEN(std::string(abi::phase_table[static_cast<std::size_t>(self.event.phase)].step_name)), "the phase's name" },
    { Kind::seen, "thread", Kind::text, Argument::none, SEEN(self.thread_name),
        "name of the program that was running" },
    { Kind::seen, "time", Kind::number, Argument::none, SEEN(number(self.event.time)), "time-stamp counter" },
    { Kind::seen, "order", Kind::number, Argument::none,
        SEEN(scene.history != nullptr && !scene.history->events().empty()
                    && std::less_equal<> {}(scene.history->events().data(), &self)
                    && std::less<> {}(&self, scene.history->events().data() + scene.history->events().size())
                ? number(static_cast<std::uint64_t>(&self - scene.history->events().data()))
                : unknown("this phase is not part of the history")),
        "its place among all phases seen, from 0" },
    { Kind::seen, "cause", Kind::number, Argument::none, SEEN(number(self.event.cause)), "cause id" },
    { Kind::seen, "signal", Kind::signal, Argument::none, SEEN(seen_argument(self, "signal")), "its signal" },
    { Kind::seen, "target", Kind::number, Argument::none, SEEN(seen_argument(self, "target")),
        "who the signal was sent to" },
    { Kind::seen, "rip", Kind::address, Argument::none, SEEN(seen_argument(self, "rip")), "its instruction address" },
    { Kind::seen, "handler", Kind::address, Argument::none, SEEN(seen_argument(self, "handler")), "its handler" },
    { Kind::seen, "address", Kind::address, Argument::none, SEEN(seen_argument(self, "address")), "its fault address" },
    { Kind::seen, "argument", Kind::number, Argument::number,
        SEEN(as_index(*argument) < self.event.arguments.size() ? number(self.event.arguments[as_index(*argument)])
                                                               : unknown("a phase has the arguments 0, 1 and 2")),
        "argument 0, 1 or 2" },
    { Kind::exit, "status", Kind::number, Argument::none, OF_VALUE(abi::ExitStatus, number(self.shell_status())),
        "what a shell shows: the exit status, or 128 + signal" },
    { Kind::exit, "code", Kind::number, Argument::none,
        OF_VALUE(abi::ExitStatus, number(static_cast<std::uint32_t>(self.code))), "the exit status" },
    { Kind::exit, "signal", Kind::signal, Argument::none,
        OF_VALUE(abi::ExitStatus, number(static_cast<std::uint32_t>(self.signal))),
        "the signal that ended it, or none" },
    { Kind::machine, "state", Kind::text, Argument::none,
        OF(Snapshot, std::string(machine_state_in_words(self.machine_state))), "booting, running, ended, panicked" },
    { Kind::machine, "panicked", Kind::truth, Argument::none, OF(Snapshot, self.panic.has_value()),
        "whether the kernel gave up" },
    { Kind::machine, "cpus", Kind::number, Argument::none, OF(Snapshot, number(self.cpus.size())), "processors" },
    { Kind::machine, "threads", Kind::number, Argument::none, OF(Snapshot, number(self.threads.size())), "threads" },
    { Kind::fault, "signal", Kind::signal, Argument::none, OF(abi::FaultRecord, number(self.signal)),
        "the signal it became, or none" },
    { Kind::fault, "code", Kind::number, Argument::none, OF(abi::FaultRecord, number(self.code)), "si_code" },
    { Kind::fault, "address", Kind::address, Argument::none, OF(abi::FaultRecord, number(self.address)),
        "the address that was touched, or of the instruction" },
    { Kind::action, "handler", Kind::address, Argument::none, OF_VALUE(ActionReference, number(self.action->handler)),
        "the handler's address; 0 default, 1 ignore" },
    { Kind::action, "caught", Kind::truth, Argument::none,
        OF_VALUE(ActionReference, self.action->handler > abi::handler_ignore), "whether there is a handler" },
    { Kind::action, "ignored", Kind::truth, Argument::none,
        OF_VALUE(ActionReference, self.action->handler == abi::handler_ignore), "whether it is ignored" },
    { Kind::action, "mask", Kind::signals, Argument::none, OF_VALUE(ActionReference, SignalSet { self.action->mask }),
        "signals that are blocked while the handler runs" },
    { Kind::action, "flags", Kind::number, Argument::none, OF_VALUE(ActionReference, number(self.action->flags)),
        "SA_ flags" },
#define X(name)                                                                                                        \
    { Kind::thread, #name, Kind::address, Argument::none, THREAD(register_of(self, abi::SavedRegister::name)),         \
        "a user register" },                                                                                           \
        { Kind::frame, #name, Kind::address, Argument::none,                                                           \
            FRAME(number(self.registers[static_cast<unsigned>(abi::SavedRegister::name)])), "the saved register" },
    ORRERY_REGISTER_FIELDS(X)
#undef X
};

} // namespace

std::span<const Root> root_table() { return roots; }
std::span<const Field> field_table() { return fields; }

std::optional<std::uint64_t> argument_of(const SeenPhase& seen, std::string_view name)
{
    const auto& description = abi::phase_table[static_cast<std::size_t>(seen.event.phase)];
    for (std::size_t index = 0; index < seen.event.arguments.size(); ++index) {
        const std::string_view known = description.arguments[index];
        // "signal or 0" is a signal too.
        if (known == name || known.starts_with(std::string(name) + " or ")) return seen.event.arguments[index];
    }
    return std::nullopt;
}

bool matches(const PhaseQuery& query, const SeenPhase& seen)
{
    if (seen.event.phase != query.phase) return false;
    if (query.thread_name && seen.thread_name != *query.thread_name) return false;
    if (query.signal && argument_of(seen, "signal") != static_cast<std::uint64_t>(*query.signal)) return false;
    return !query.ring || argument_of(seen, "ring") == *query.ring;
}

std::string predicate_reference()
{
    const auto with_argument = [](const char* name, Argument argument) -> std::string {
        switch (argument) {
        case Argument::none: return name;
        case Argument::name_or_number:
        case Argument::optional_name_or_number: return compose("{}(\"name\")", name);
        case Argument::number:
        case Argument::optional_number: return compose("{}(0)", name);
        case Argument::signal: return compose("{}(SIGUSR1)", name);
        case Argument::phase: return compose("{}(\"signal.handled\")", name);
        case Argument::symbol: return compose("{}(\"symbol\")", name);
        }
        return name;
    };
    std::string text;
    for (const auto& root : roots) {
        text +=
            compose("- `{}`: {}; {}\n", with_argument(root.name, root.argument), in_words(root.kind), root.sentence);
    }
    for (const auto& root : roots) {
        if (!is_object(root.kind)) continue;
        text += compose("\n`{}`\n\n", root.name);
        for (const auto& field : fields)
            if (field.of == root.kind)
                text += compose("- `.{}`: {}; {}\n", with_argument(field.name, field.argument), in_words(field.kind),
                    field.sentence);
    }
    return text;
}

} // namespace orrery::inspector::lessons
