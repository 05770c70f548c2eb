// The sentences, over all combinations of what they depend on, against an oracle that is written the other way round.
#include <gmock/gmock.h>

#include "abi/error.h"
#include "abi/futex.h"
#include "inspector/core/osmodel/explain.h"

namespace orrery::inspector {
namespace {

using testing::HasSubstr;

struct Case {
    bool registered, at_thread, at_process, allowed, inhibit, ignored, handled, lower_first;
    unsigned deferral; // 0 none, 1 trampoline, 2 elsewhere, 3 depth
    const char* state;
    std::uint64_t handler;
};

ThreadView thread_of(const Case& c)
{
    constexpr int signal = 10;
    const auto mask = abi::signal_mask64(signal);
    ThreadView thread;
    thread.id = 3;
    thread.state = c.state;
    thread.cpu = 1;
    auto& signals = thread.signals;
    signals.registered = c.registered;
    signals.pending = (c.at_thread ? mask : 0) | (c.lower_first ? abi::signal_mask64(2) : 0);
    signals.process_pending = c.at_process ? mask : 0;
    signals.allowset = (c.allowed ? mask : 0) | abi::signal_mask64(2);
    signals.inhibit = c.inhibit;
    signals.process_ignored = c.ignored ? mask : 0;
    signals.deferred_at = c.deferral == 1 || c.deferral == 2 ? 0x40'1034 : 0;
    signals.deferred_at_name = c.deferral == 1 ? "trampoline+0x34" : c.deferral == 2 ? "malloc+0x4" : "";
    signals.inhibit_depth = c.deferral == 3 ? 2 : 0;
    signals.actions_known = true;
    signals.actions[9].handler = c.handler;
    if (c.handled) {
        FrameView frame;
        frame.valid = true;
        frame.signal = signal;
        frame.address = 0x7000;
        frame.handler = 0x40'2000;
        frame.handler_name = "on_signal";
        signals.frames.push_back(frame);
    }
    return thread;
}

// The one thing that must be said in this case.
std::string expected(const Case& c)
{
    const std::string state = c.state;
    if (state == "ended") return "the thread has ended";
    if (!c.registered) return "has not told the kernel where its signal words are";
    const bool pending = c.at_thread || c.at_process;
    if (pending) {
        if (!c.allowed && c.handled) return "its allow bit is clear: it is blocked while on_signal runs, which handles the same signal";
        if (!c.allowed) return "its allow bit is clear: the thread blocks it (sigprocmask)";
        if (c.inhibit && c.deferral == 1) return "delivery is inhibited: the thread is inside the trampoline (deferred at trampoline+0x34)";
        if (c.inhibit && c.deferral == 2) return "the thread is in an inhibit section (deferred at malloc+0x4)";
        if (c.inhibit && c.deferral == 3) return "the runtime is in an inhibit section (2 deep)";
        if (c.inhibit) return "the thread is on its way into or out of a handler";
        if (c.lower_first) return "SIGINT has a lower number and goes first";
        if (state == "running") return "when CPU 1 next returns to user mode";
        if (state == "ready") return "the thread waits for a CPU";
        return "the thread is about to be woken for it";
    }
    if (c.handled) return "is being handled: on_signal runs on the frame at 0x7000";
    if (c.ignored) return "the process ignores it: a sender would discard it";
    if (!c.allowed) return "if it came it would wait: the thread blocks it (sigprocmask)";
    return "if it came, it would be delivered";
}

TEST(ExplainSignal, EveryCombinationHasItsSentence)
{
    int combinations = 0;
    for (unsigned bits = 0; bits < 256; ++bits)
        for (const unsigned deferral : { 0u, 1u, 2u, 3u })
            for (const char* state : { "running", "ready", "blocked", "ended" })
                for (const std::uint64_t handler : { abi::handler_default, abi::handler_ignore, std::uint64_t { 0x40'2000 } }) {
                    const Case c { (bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0, (bits & 8) != 0, (bits & 16) != 0,
                                   (bits & 32) != 0, (bits & 64) != 0, (bits & 128) != 0, deferral, state, handler };
                    const auto sentence = explain_signal(thread_of(c), 10);
                    ASSERT_THAT(sentence, HasSubstr(expected(c))) << "case " << bits << " " << deferral << " " << state;
                    ASSERT_TRUE(sentence.starts_with("SIGUSR1 ")) << sentence;
                    ASSERT_FALSE(sentence.ends_with(".")) << sentence;
                    if (c.registered && std::string(state) != "ended" && (c.at_thread || c.at_process)) {
                        const auto where = c.at_thread && c.at_process ? "pending at the thread and at its process"
                            : c.at_process                             ? "pending at the process"
                                                                       : "is pending";
                        ASSERT_THAT(sentence, HasSubstr(where));
                    }
                    ++combinations;
                }
    EXPECT_EQ(combinations, 256 * 4 * 4 * 3);
}

Case deliverable() { return { true, true, false, true, false, false, false, false, 0, "running", 0 }; }

TEST(ExplainSignal, TellsWhatDeliveryWillDo)
{
    auto c = deliverable();
    EXPECT_THAT(explain_signal(thread_of(c), 10), HasSubstr("ends the process (its default action)"));
    c.handler = abi::handler_ignore;
    EXPECT_THAT(explain_signal(thread_of(c), 10), HasSubstr("is thrown away, because the process ignores it"));
    c.handler = 0x40'2000;
    EXPECT_THAT(explain_signal(thread_of(c), 10), HasSubstr("goes to the handler at 0x402000"));
    auto thread = thread_of(c);
    thread.signals.actions_known = false;
    EXPECT_THAT(explain_signal(thread, 10), HasSubstr("an action that is not known"));
}

TEST(ExplainSignal, EveryDefaultActionIsTold)
{
    ThreadView thread = thread_of(deliverable());
    const std::pair<int, const char*> expected[] = {
        { 15, "ends the process (" }, { 11, "with a dump" }, { 17, "is thrown away (" }, { 19, "stops the process" },
        { 18, "lets a stopped process go on" }, { 40, "ends the process (" },
    };
    for (const auto& [signal, text] : expected) {
        thread.signals.pending = abi::signal_mask64(signal);
        thread.signals.allowset = ~std::uint64_t { 0 };
        EXPECT_THAT(explain_signal(thread, signal), HasSubstr(text)) << signal;
    }
}

TEST(ExplainSignal, AnotherHandlerThatBlocksItIsNamed)
{
    auto c = deliverable();
    c.allowed = false;
    auto thread = thread_of(c);
    FrameView frame;
    frame.valid = true;
    frame.signal = 12;
    frame.handler = 0x40'3000;
    thread.signals.frames.push_back(frame);
    EXPECT_EQ(explain_signal(thread, 10),
              "SIGUSR1 is pending but its allow bit is clear: it is blocked while the handler at 0x403000 runs for SIGUSR2");
    thread.signals.frames[0].mask = abi::signal_mask64(10); // blocked before that handler, too
    EXPECT_EQ(explain_signal(thread, 10),
              "SIGUSR1 is pending but its allow bit is clear: the thread blocks it (sigprocmask)");
}

TEST(ExplainSignal, AnotherThreadThatMayTakeItIsNamed)
{
    auto c = deliverable();
    c.at_thread = false;
    c.at_process = true;
    c.allowed = false;
    Snapshot snapshot;
    snapshot.threads = { thread_of(c), thread_of(deliverable()) };
    snapshot.threads[1].id = 5;
    EXPECT_THAT(explain_signal(snapshot.threads[0], 10, &snapshot), HasSubstr("thread 5 of the same process allows it"));
    snapshot.threads[1].space = 9;
    EXPECT_THAT(explain_signal(snapshot.threads[0], 10, &snapshot), testing::Not(HasSubstr("thread 5")));
}

TEST(ExplainSignal, NumbersThatAreNoSignalAreRefused)
{
    EXPECT_EQ(explain_signal({}, 0), "0 is not a signal: they are 1 to 64");
    EXPECT_EQ(explain_signal({}, 65), "65 is not a signal: they are 1 to 64");
}

TEST(Explain, EveryThreadStateHasItsSentence)
{
    ThreadView thread;
    const auto with = [&thread](const char* state, const char* reason, std::uint64_t object = 0, std::uint64_t value = 0,
                                std::uint64_t deadline = abi::no_deadline) {
        thread.state = state;
        thread.wait_reason = reason;
        thread.wait_object = object;
        thread.wait_value = value;
        thread.wait_deadline = deadline;
        return explain(thread);
    };
    EXPECT_EQ(with("ready", ""), "can run, and waits for a CPU");
    EXPECT_EQ(with("running", ""), "is about to run") << "between the queue and the CPU";
    thread.cpu = 0;
    EXPECT_EQ(with("running", ""), "runs on CPU 0");
    EXPECT_EQ(with("ready", ""), "can run, and waits for a CPU (it ran on CPU 0 last)");
    EXPECT_EQ(with("ended", ""), "has ended");
    EXPECT_EQ(with("", ""), "is in an unknown state");
    EXPECT_EQ(with("frozen", ""), "is in the state frozen");
    EXPECT_EQ(with("blocked", "futex", 0x5000, 3), "sleeps on the futex word at 0x5000 until somebody wakes it; the word held 3");
    EXPECT_EQ(with("blocked", "futex_owned", 0x5000, 3), "waits for the owner of the word at 0x5000, which can't be read now");
    thread.wait_word = 4;
    EXPECT_EQ(with("blocked", "futex", 0x5000, 3),
              "sleeps on the futex word at 0x5000 until somebody wakes it; the word held 3 and holds 4 now");
    EXPECT_EQ(with("blocked", "futex_owned", 0x5000), "waits for thread 4 to end, or to change the word at 0x5000 that names it");
    thread.wait_word = abi::futex_contended | 4;
    EXPECT_EQ(with("blocked", "futex_owned", 0x5000), "waits for the lock at 0x5000, which thread 4 has");
    const Snapshot empty;
    EXPECT_EQ(explain(thread, &empty), "waits for the word at 0x5000, which names thread 4: that one is gone, and nobody else will wake it");
    thread.wait_word = abi::futex_contended;
    EXPECT_EQ(with("blocked", "futex_owned", 0x5000), "waits for the word at 0x5000, which nobody owns now: it is about to be woken");
    EXPECT_EQ(with("blocked", "space_end", 2), "waits for space 2 to end");
    EXPECT_EQ(with("blocked", "ring_entries", 1), "waits for entries on ring 1 (consumer side)");
    EXPECT_EQ(with("blocked", "ring_space", 1), "waits for free slots on ring 1 (producer side)");
    EXPECT_EQ(with("blocked", "signal", 0, 0, 2'005'000'000),
              "waits for a signal that it allows, at most until 2.005 s after the start");
    EXPECT_EQ(with("blocked", "signal", 0, 0, abi::deadline_at(abi::Clock::since_1970, 1'709'208'000'007'000'000)),
              "waits for a signal that it allows, at most until CLOCK_REALTIME shows 2024-02-29 12:00:00.007 UTC");
    EXPECT_EQ(with("blocked", "signal", 0, 0, abi::no_deadline - 1),
              "waits for a signal that it allows, at most until CLOCK_REALTIME shows 2262-04-11 23:47:16.854 UTC");
    EXPECT_EQ(with("blocked", "scheme_call", 4), "waits for the answer to its call to scheme 4 and no server has taken it yet");
    EXPECT_EQ(with("blocked", "scheme_call", 4, 7), "waits for the answer to its call to scheme 4, which thread 7 works on");
    EXPECT_EQ(with("blocked", "scheme_cancel", 4, 7),
              "has cancelled its call to scheme 4, which thread 7 works on, and waits for the server to give it up");
    EXPECT_EQ(with("blocked", "scheme_receive", 4), "waits for calls to scheme 4 (it is a server)");
    EXPECT_EQ(with("blocked", "event", 3), "waits for event 3, an interrupt for one, to happen");
    EXPECT_EQ(with("blocked", "memory_pressure", 0, 2), "waits to be told that of memory less than an eighth is free");
    EXPECT_EQ(with("blocked", "stopped", 2), "is stopped by SIGSTOP or its like, until SIGCONT comes");
    EXPECT_EQ(with("blocked", "none"), "sleeps without a recorded reason");
    EXPECT_EQ(with("blocked", "page_in", 4), 
              "waits for a page that scheme 4's server brings (no server has taken this call yet, or another thread has asked for the "
              "same page)");
    EXPECT_EQ(with("blocked", "page_in", 4, 7), "waits for a page that scheme 4's server brings (thread 7 works on it)");
    EXPECT_EQ(with("blocked", "new_reason", 16), "waits (new_reason, object 0x10)");
    Snapshot snapshot;
    snapshot.spaces.push_back({ .id = 2, .name = "ping" });
    with("blocked", "space_end", 2);
    EXPECT_EQ(explain(thread, &snapshot), "waits for space 2 (ping) to end");
}

TEST(Explain, PriorityThatIsLentAndProcessorsThatAreNotAllowed)
{
    ThreadView thread;
    thread.state = "ready";
    thread.priority = thread.own_priority = 16;
    thread.allowed_cpus = 0b10;
    Snapshot snapshot;
    snapshot.cpus = { { .number = 0 }, { .number = 1 } };
    EXPECT_EQ(explain(thread, &snapshot), "can run, and waits for a CPU; it may run on CPU 1 only");
    thread.allowed_cpus = 0b11;
    EXPECT_EQ(explain(thread, &snapshot), "can run, and waits for a CPU");
    thread.priority = 20;
    EXPECT_EQ(explain(thread, &snapshot),
              "can run, and waits for a CPU, with priority 20 instead of its own 16: callers that wait for it have lent it theirs");
}

TEST(Explain, SomeWaitsAreNotEndedBySignals)
{
    ThreadView thread;
    thread.state = "blocked";
    thread.signals.registered = true;
    thread.signals.pending = thread.signals.allowset = abi::signal_mask64(2);
    const auto with = [&thread](const char* reason) {
        thread.wait_reason = reason;
        return explain_signal(thread, 2);
    };
    EXPECT_THAT(with("scheme_call"), HasSubstr("about to be woken"));
    EXPECT_THAT(with("scheme_cancel"), HasSubstr("takes it when the server has answered the call or given it up"));
    EXPECT_THAT(with("page_in"), HasSubstr("takes it when its page has come"));
    EXPECT_THAT(with("stopped"), HasSubstr("takes it when SIGCONT comes"));
}

TEST(Explain, WhatASpaceIsChargedWith)
{
    AccountView account;
    EXPECT_EQ(explain(account), "");
    account.known = true;
    account.charged = 43;
    account.objects = 30;
    EXPECT_EQ(explain(account),
              "is charged with 43 pages of memory, 30 of them in memory objects of its own, and has no limit of its own");
    account.charged_above = 180;
    account.limit_above = 200;
    EXPECT_EQ(explain(account),
              "is charged with 43 pages of memory, 30 of them in memory objects of its own, and has no limit of its own; a space "
              "above it has used 180 of the 200 pages that all below it share");
    account.limit_above.reset();
    account.limit = 600;
    EXPECT_EQ(explain(account), "is charged with 43 pages of memory, 30 of them in memory objects of its own, and may have 600 "
                                "pages, with the spaces that it makes");
    account.limit = 43;
    EXPECT_EQ(explain(account), "is charged with 43 pages of memory, 30 of them in memory objects of its own, and has reached its "
                                "limit of 43 pages: the next one is refused (limit_reached)");
}

TEST(Explain, HowMuchMemoryTheMachineHasLeft)
{
    MachineMemoryView memory;
    EXPECT_EQ(explain(memory), "");
    memory = { .known = true, .total = 1000, .free = 120, .pressure = {} };
    EXPECT_EQ(explain(memory), "120 of the machine's 1000 pages are free");
    memory.pressure = abi::MemoryPressure::medium;
    EXPECT_EQ(explain(memory), "120 of the machine's 1000 pages are free; memory pressure: medium, less than an eighth is free");
}

TEST(Texts, ASignalGoesToAThreadOrToAProcess)
{
    Snapshot snapshot;
    snapshot.spaces.push_back({ .id = 3, .name = "ping" });
    EXPECT_EQ(argument_text(abi::Phase::signal_raised, 0, 3, &snapshot), "3");
    EXPECT_EQ(argument_text(abi::Phase::signal_raised, 0, abi::target_is_space | 3, &snapshot), "space 3 (ping)");
}

TEST(Texts, NamesOfSignalsAndSets)
{
    EXPECT_EQ(signal_text(10), "SIGUSR1");
    EXPECT_EQ(signal_text(35), "SIGRT35");
    EXPECT_EQ(signal_text(32), "SIG32");
    EXPECT_EQ(signal_text(99), "99");
    EXPECT_EQ(signal_set_text(0), "none");
    EXPECT_EQ(signal_set_text(abi::signal_mask64(2) | abi::signal_mask64(64)), "SIGINT SIGRT64");
    EXPECT_EQ(exit_text({ 3, 0 }), "exited with status 3");
    EXPECT_EQ(exit_text({ 0, 11 }), "was ended by SIGSEGV");
}

TEST(Texts, ArgumentsOfPhases)
{
    EXPECT_EQ(argument_text(abi::Phase::signal_raised, 1, 10), "SIGUSR1");
    EXPECT_EQ(argument_text(abi::Phase::signal_diverted, 1, 0), "none");
    EXPECT_EQ(argument_text(abi::Phase::signal_noticed, 1, abi::signal_mask64(2)), "SIGINT");
    EXPECT_EQ(argument_text(abi::Phase::signal_noticed, 2, 16), "0x10");
    EXPECT_EQ(argument_text(abi::Phase::ring_slept, 1, 1), "consumer");
    EXPECT_EQ(argument_text(abi::Phase::ring_pushed, 1, 77), "77");
    EXPECT_EQ(argument_text(abi::Phase::space_ended, 1, abi::ExitStatus { 2, 0 }.word()), "exited with status 2");
    EXPECT_EQ(argument_text(abi::Phase::count, 0, 16), "0x10");
    EXPECT_EQ(argument_text(abi::Phase::thread_switched, 0, 0), "idle");
    EXPECT_EQ(argument_text(abi::Phase::thread_woken, 1, 0), "woken");
    EXPECT_EQ(argument_text(abi::Phase::thread_woken, 1, static_cast<std::uint64_t>(abi::Error::timed_out)), "timed_out");
    Snapshot snapshot;
    snapshot.wait_reasons = { "none", "futex" };
    EXPECT_EQ(argument_text(abi::Phase::thread_blocked, 1, 1, &snapshot), "futex");
    EXPECT_EQ(argument_text(abi::Phase::thread_blocked, 1, 2, &snapshot), "2");
}

} // namespace
} // namespace orrery::inspector
