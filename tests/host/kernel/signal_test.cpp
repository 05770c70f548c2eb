// Raising and delivering on threads that do not run, with real control pages: who is marked, woken, chosen, diverted.
#include "machine.h"

#include <gtest/gtest.h>

#include "kernel/cpu/trap_frame.h"
#include "kernel/signal/signal.h"
#include "kernel/thread/scheduler.h"

namespace orrery::kernel::host {
namespace {

constexpr VirtualAddress control_place = 0x40'0000;
constexpr VirtualAddress process_place = 0x50'0000;
constexpr VirtualAddress trampoline = 0x60'0000;
constexpr int sighup = 1, sigkill = 9, sigusr1 = 10, sigsegv = 11, sigusr2 = 12, sigcont = 18, sigstop = 19;

abi::SignalInfo info_of(std::uint64_t value)
{
    abi::SignalInfo info {};
    info.code = -1;
    info.value = value;
    info.cause = 0xbad;
    return info;
}

class Signals : public testing::Test {
protected:
    Signals()
    {
        if (!space_->map(memory_, 0, control_place, 16 * page_size, read_write)) std::abort();
        if (!space_->map(memory_, 16 * page_size, process_place, page_size, read_write)) std::abort();
    }
    ~Signals() override
    {
        threads_.clear();
        space_->end({});
        machine_.run_ready();
        EXPECT_EQ(space_->state, SpaceState::ended);
    }
    Ref<Thread> thread(std::uint32_t allowset, bool registered = true)
    {
        const auto made = *Thread::create(space_, { 0x400000, 0x7000'0000, 0, 0 });
        if (!made->start()) std::abort();
        threads_.push_back(made);
        const VirtualAddress control = control_place + (threads_.size() - 1) * page_size;
        page(control).words[0].initialize(0, allowset);
        page(control).words[1].initialize(0, ~std::uint32_t { 0 });
        if (registered) {
            const ActAs self(*made);
            EXPECT_TRUE(register_signals(control, process_place, trampoline));
            made->hot.attention = 0;
        }
        return made;
    }
    abi::ThreadControl& page(VirtualAddress address)
    {
        return *static_cast<abi::ThreadControl*>(user_memory(*space_, address));
    }
    static Error error_of(const Status& status) { return status ? Error::none : status.error(); }
    static bool is_marked(const Thread& thread) { return thread.hot.attention & attention_signal; }
    Machine machine_;
    Ref<AddressSpace> space_ = machine_.make_space();
    Ref<MemoryObject> memory_ = *MemoryObject::create(17 * page_size);
    std::vector<Ref<Thread>> threads_;
};

TEST_F(Signals, registration_refusals)
{
    const auto one = thread(0, false);
    const ActAs self(*one);
    EXPECT_EQ(error_of(register_signals(control_place + 8, process_place, trampoline)), Error::invalid_argument);
    EXPECT_EQ(error_of(register_signals(control_place, process_place + 8, trampoline)), Error::invalid_argument);
    EXPECT_EQ(error_of(register_signals(control_place, control_place, trampoline)), Error::invalid_argument);
    EXPECT_EQ(error_of(register_signals(control_place, process_place, 0)), Error::invalid_argument);
    EXPECT_EQ(error_of(register_signals(control_place, process_place, abi::user_end)), Error::invalid_argument);
    EXPECT_EQ(error_of(register_signals(control_place, 0x90'0000, trampoline)), Error::bad_address);
    EXPECT_EQ(error_of(register_signals(0x90'0000, process_place, trampoline)), Error::bad_address);
    class SilentPager final : public Pager {
        Status fetch(std::uint64_t, bool) override { return fail(Error::not_found); }
        std::uint32_t number() const override { return 1; }
    };
    const auto paged = *MemoryObject::create_paged(page_size, std::make_unique<SilentPager>());
    constexpr VirtualAddress paged_place = 0xa0'0000;
    ASSERT_TRUE(space_->map(paged, 0, paged_place, page_size, read_write));
    EXPECT_EQ(error_of(register_signals(paged_place, process_place, trampoline)), Error::invalid_argument);
    EXPECT_EQ(error_of(register_signals(control_place, paged_place, trampoline)), Error::invalid_argument);
    EXPECT_EQ(space_->process_page.load(), nullptr) << "what failed has bound nothing";
    ASSERT_TRUE(space_->protect(process_place, page_size, abi::protection_read));
    EXPECT_EQ(error_of(register_signals(control_place, process_place, trampoline)), Error::bad_address);
    ASSERT_TRUE(space_->protect(process_place, page_size, read_write));
    EXPECT_EQ(error_of(register_signals(control_place, process_place, trampoline)), Error::none);
    EXPECT_EQ(error_of(register_signals(control_place, process_place, trampoline)), Error::already_exists);
    const auto two = thread(0, false);
    const ActAs other(*two);
    EXPECT_EQ(error_of(register_signals(control_place + page_size, control_place + 9 * page_size, trampoline)),
        Error::invalid_argument)
        << "one process page a space";
    EXPECT_EQ(two->control_page, nullptr);
}

TEST_F(Signals, thread_directed)
{
    const auto one = thread(abi::signal_bit(sigusr1));
    abi::ThreadControl& control = page(control_place);
    EXPECT_EQ(error_of(raise_to_thread(*one, 0, {})), Error::none);
    EXPECT_EQ(error_of(raise_to_thread(*one, -1, {})), Error::invalid_argument);
    EXPECT_EQ(error_of(raise_to_thread(*one, 65, {})), Error::invalid_argument);
    EXPECT_EQ(error_of(raise_to_thread(*one, 33, {})), Error::unsupported);
    EXPECT_EQ(error_of(raise_to_thread(*this_cpu().idle_thread, sigusr1, {})), Error::invalid_argument);
    EXPECT_FALSE(is_marked(*one));

    EXPECT_EQ(error_of(raise_to_thread(*one, sigusr2, info_of(1))), Error::none);
    EXPECT_EQ(control.words[0].pending(), abi::signal_bit(sigusr2));
    EXPECT_FALSE(is_marked(*one)) << "blocked: the owner's next mask change will return the bit";
    EXPECT_EQ(error_of(raise_to_thread(*one, sigusr2, info_of(2))), Error::none);
    EXPECT_EQ(control.slots[sigusr2 - 1].value, 1u) << "merged: the first one's information stays";
    EXPECT_NE(control.slots[sigusr2 - 1].cause, 0xbadu) << "the cause is the kernel's";

    EXPECT_EQ(error_of(raise_to_thread(*one, sigusr1, info_of(3))), Error::none);
    EXPECT_TRUE(is_marked(*one));
    EXPECT_EQ(control.slots[sigusr1 - 1].value, 3u);

    one->hot.attention = 0;
    one->process_page->ignored = abi::signal_mask64(sighup);
    control.words[0].change_allowset(abi::signal_bit(sigusr1), ~std::uint32_t { 0 });
    EXPECT_EQ(error_of(raise_to_thread(*one, sighup, {})), Error::none);
    EXPECT_FALSE(control.words[0].pending() & abi::signal_bit(sighup)) << "ignored: discarded at once";
    EXPECT_FALSE(is_marked(*one));

    const auto bare = thread(0, false);
    EXPECT_EQ(error_of(raise_to_thread(*bare, sigusr1, {})), Error::unsupported);
}

TEST_F(Signals, sleepers)
{
    std::vector<Error> results;
    const auto sleeper = [&](VirtualAddress control, std::uint32_t allowset, bool inhibit) {
        const auto made = machine_.spawn(space_, [&, control, allowset, inhibit] {
            page(control).words[0].initialize(0, allowset);
            EXPECT_TRUE(register_signals(control, process_place, trampoline));
            current_thread().hot.attention = 0;
            page(control).inhibit = inhibit;
            const Status status = wait_for_signal(abi::no_deadline);
            results.push_back(status ? Error::none : status.error());
        });
        machine_.run_ready();
        return made;
    };
    const auto open = sleeper(control_place, abi::signal_bit(sigusr1), false);
    EXPECT_EQ(error_of(raise_to_thread(*open, sigusr2, {})), Error::none);
    machine_.run_ready();
    EXPECT_TRUE(results.empty()) << "a blocked signal wakes nobody";
    EXPECT_EQ(error_of(raise_to_thread(*open, sigusr1, {})), Error::none);
    machine_.run_ready();
    EXPECT_EQ(results, (std::vector { Error::interrupted }));

    space_ = machine_.make_space();
    ASSERT_TRUE(space_->map(memory_, 0, control_place, 16 * page_size, read_write));
    ASSERT_TRUE(space_->map(memory_, 16 * page_size, process_place, page_size, read_write));
    static_cast<abi::ProcessControl*>(user_memory(*space_, process_place))->pending = 0;
    const auto inhibiting = sleeper(control_place + page_size, abi::signal_bit(sigusr1), true);
    EXPECT_EQ(error_of(raise_to_space(*space_, sigusr1, {})), Error::none);
    machine_.run_ready();
    EXPECT_EQ(results.size(), 2u) << "who inhibits delivery must be woken all the same";
}

TEST_F(Signals, a_pending_signal_forbids_sleep)
{
    Error seen = Error::none;
    machine_.spawn(space_, [&] {
        page(control_place).words[0].initialize(0, abi::signal_bit(sigusr1));
        EXPECT_TRUE(register_signals(control_place, process_place, trampoline));
        page(control_place).words[0].raise(abi::signal_bit(sigusr1)); // raise() of the runtime: no system call
        seen = error_of(wait_for_signal(abi::no_deadline));
    });
    machine_.run_ready();
    EXPECT_EQ(seen, Error::interrupted);
}

// A thread that was chosen for a signal and has blocked it since must hand it on before it sleeps.
TEST_F(Signals, a_hand_on_that_is_due_forbids_sleep)
{
    Error seen = Error::none;
    machine_.spawn(space_, [&] {
        page(control_place).words[0].initialize(0, 0);
        EXPECT_TRUE(register_signals(control_place, process_place, trampoline));
        current_thread().hot.attention = attention_signal;
        seen = error_of(wait_for_signal(abi::no_deadline));
    });
    machine_.run_ready();
    EXPECT_EQ(seen, Error::interrupted);
    space_->end({});
    machine_.run_ready();
}

TEST_F(Signals, process_directed_choice)
{
    const auto blocked = thread(0);
    const auto inhibiting = thread(abi::signal_bit(sigusr1));
    const auto ready = thread(abi::signal_bit(sigusr1) | abi::signal_bit(sighup));
    page(control_place + page_size).inhibit = 1;
    auto& process = *static_cast<abi::ProcessControl*>(user_memory(*space_, process_place));

    EXPECT_EQ(error_of(raise_to_space(*space_, sigusr1, info_of(1))), Error::none);
    EXPECT_EQ(process.pending, abi::signal_mask64(sigusr1));
    EXPECT_EQ(process.slots[sigusr1 - 1].value, 1u);
    EXPECT_TRUE(is_marked(*ready)) << "one that can be diverted at once";
    EXPECT_FALSE(is_marked(*inhibiting));
    EXPECT_FALSE(is_marked(*blocked));
    ready->hot.attention = 0;
    EXPECT_EQ(error_of(raise_to_space(*space_, sigusr1, info_of(2))), Error::none);
    EXPECT_EQ(process.slots[sigusr1 - 1].value, 1u) << "merged";
    EXPECT_FALSE(is_marked(*ready)) << "it has been told already";

    process.pending = 0;
    page(control_place + 2 * page_size).inhibit = 1;
    EXPECT_EQ(error_of(raise_to_space(*space_, sighup, {})), Error::none);
    EXPECT_TRUE(is_marked(*ready)) << "better one that inhibits than none";
    EXPECT_EQ(error_of(raise_to_space(*space_, sigusr2, {})), Error::none);
    EXPECT_TRUE(process.pending & abi::signal_mask64(sigusr2)) << "nobody allows it: it stays pending";
    process.ignored = abi::signal_mask64(14);
    EXPECT_EQ(error_of(raise_to_space(*space_, 14, {})), Error::none);
    EXPECT_FALSE(process.pending & abi::signal_mask64(14));
}

TEST_F(Signals, delivery_diverts)
{
    const auto one = thread(abi::signal_bit(sigusr1));
    abi::ThreadControl& control = page(control_place);
    TrapFrame frame {};
    frame.rip = 0x1234;
    frame.rsp = 0x5678;
    frame.rflags = 0x40000 | 0x4000 | 0x400 | 0x200 | 0x100 | 0x2 | 0x1;
    deliver_signals(*one, frame);
    EXPECT_EQ(frame.rip, 0x1234u) << "nothing is pending";

    ASSERT_TRUE(raise_to_thread(*one, sigusr1, {}));
    deliver_signals(*one, frame);
    EXPECT_EQ(frame.rip, trampoline);
    EXPECT_EQ(frame.rsp, 0x5678u) << "the stack is not touched";
    EXPECT_EQ(frame.rflags, 0x203u) << "no trap, no direction, no nested task, no alignment check";
    EXPECT_EQ(control.saved_rip, 0x1234u);
    EXPECT_EQ(control.saved_rflags, 0x44703u);
    EXPECT_EQ(control.inhibit, 1u);
    EXPECT_EQ(control.words[0].pending(), abi::signal_bit(sigusr1)) << "the runtime claims it";

    frame.rip = 0x2222;
    deliver_signals(*one, frame);
    EXPECT_EQ(frame.rip, 0x2222u) << "inhibited";
    EXPECT_EQ(control.deferred_at, 0x2222u);
    EXPECT_EQ(control.saved_rip, 0x1234u);
}

TEST_F(Signals, process_directed_signals_are_handed_on)
{
    const auto first = thread(abi::signal_bit(sigusr1));
    const auto second = thread(abi::signal_bit(sigusr1));
    ASSERT_TRUE(raise_to_space(*space_, sigusr1, {}));
    ASSERT_TRUE(is_marked(*first));
    page(control_place).words[0].change_allowset(abi::signal_bit(sigusr1), 0); // blocked meanwhile
    TrapFrame frame {};
    frame.rip = 0x1234;
    first->hot.attention = 0;
    deliver_signals(*first, frame);
    EXPECT_TRUE(is_marked(*second));

    // One that inhibits tells the others once a section, whether they can take the signal now or not,
    page(control_place).words[0].change_allowset(0, abi::signal_bit(sigusr1));
    page(control_place).inhibit = 1;
    page(control_place + page_size).inhibit = 1;
    second->hot.attention = 0;
    deliver_signals(*first, frame);
    EXPECT_TRUE(is_marked(*second));
    // but two that inhibit do not interrupt each other for ever,
    second->hot.attention = 0;
    deliver_signals(*first, frame);
    EXPECT_FALSE(is_marked(*second));
    page(control_place + page_size).inhibit = 0;
    deliver_signals(*first, frame);
    EXPECT_TRUE(is_marked(*second)) << "this one can take it now";
    page(control_place + page_size).inhibit = 1;
    second->hot.attention = 0;
    // and one that ends finds an heir in any case.
    hand_on_process_signals(*first, true);
    EXPECT_TRUE(is_marked(*second));
}

TEST_F(Signals, early_signals_wait_for_the_pages)
{
    EXPECT_EQ(error_of(raise_to_space(*space_, sigusr1, {})), Error::none);
    const auto one = thread(~std::uint32_t { 0 }, false);
    EXPECT_EQ(error_of(raise_to_space(*space_, sigusr2, {})), Error::none);
    const ActAs self(*one);
    one->hot.attention = 0;
    ASSERT_TRUE(register_signals(control_place, process_place, trampoline));
    EXPECT_EQ(space_->process_page.load()->pending, abi::signal_mask64(sigusr1) | abi::signal_mask64(sigusr2));
    EXPECT_TRUE(is_marked(*one)) << "the way back from this very call must deliver them";
}

struct FaultCase {
    const char* what;
    bool registered;
    std::uint32_t allowset;
    bool inhibit;
    bool ignored;
};
class Faults : public Signals, public testing::WithParamInterface<FaultCase> {};

TEST_P(Faults, that_cannot_be_taken_end_the_space)
{
    const FaultCase& each = GetParam();
    const auto one = thread(each.allowset, each.registered);
    if (each.registered) {
        page(control_place).inhibit = each.inhibit;
        if (each.ignored) one->process_page->ignored = abi::signal_mask64(sigsegv);
    }
    TrapFrame frame {};
    frame.rip = 0x1234;
    deliver_fault(*one, frame, { sigsegv, abi::SignalCode::fault_1, 0x42 });
    EXPECT_EQ(frame.rip, 0x1234u);
    EXPECT_EQ(space_->state, SpaceState::ending);
    EXPECT_EQ(abi::ExitStatus::from_word(space_->exit_status).signal, sigsegv);
    EXPECT_TRUE(must_end(*one));
}

INSTANTIATE_TEST_SUITE_P(All, Faults,
    testing::Values(FaultCase { "no pages", false, ~0u, false, false }, FaultCase { "blocked", true, 0, false, false },
        FaultCase { "inhibited", true, ~0u, true, false }, FaultCase { "ignored", true, ~0u, false, true }));

TEST_F(Signals, a_fault_diverts_with_its_record)
{
    const auto one = thread(abi::signal_bit(sigsegv));
    TrapFrame frame {};
    frame.rip = 0x1234;
    frame.vector = 14;
    frame.error_code = 6;
    deliver_fault(*one, frame, { sigsegv, abi::SignalCode::fault_2, 0x42 });
    const abi::ThreadControl& control = page(control_place);
    EXPECT_EQ(frame.rip, trampoline);
    EXPECT_EQ(control.saved_rip, 0x1234u);
    EXPECT_EQ(control.fault.signal, static_cast<std::uint32_t>(sigsegv));
    EXPECT_EQ(control.fault.address, 0x42u);
    EXPECT_EQ(control.fault.trap, 14u);
    EXPECT_EQ(control.fault.error_code, 6u);
    EXPECT_EQ(control.inhibit, 1u);
    EXPECT_EQ(space_->state, SpaceState::alive);
}

TEST_F(Signals, kill_ends_whoever_it_is_aimed_at)
{
    const auto one = thread(0, false);
    EXPECT_EQ(error_of(raise_to_thread(*one, sigkill, {})), Error::none);
    EXPECT_EQ(abi::ExitStatus::from_word(space_->exit_status).signal, sigkill);
    EXPECT_EQ(error_of(raise_to_thread(*one, 0, {})), Error::terminated);
    EXPECT_EQ(error_of(raise_to_space(*space_, sigusr1, {})), Error::terminated);
    const auto late = *Thread::create(space_, { 0x400000, 0x7000'0000, 0, 0 });
    EXPECT_EQ(error_of(late->start()), Error::terminated);
}

TEST_F(Signals, stop_and_continue)
{
    int steps = 0;
    const auto walker = machine_.spawn(space_, [&] {
        for (int step = 0; step < 4; ++step) {
            ++steps;
            schedule();
            user_point();
        }
    });
    ASSERT_TRUE(raise_to_space(*space_, sigstop, {}));
    machine_.run_ready();
    EXPECT_EQ(steps, 0) << "stopped before its first instruction";
    EXPECT_EQ(walker->wait.reason, WaitReason::stopped);
    wake(*walker, Error::interrupted); // as a signal would
    machine_.run_ready();
    EXPECT_EQ(steps, 0);
    const auto late = thread(0, false);
    EXPECT_TRUE(late->hot.attention & attention_stop) << "who joins a stopped space stops, too";
    (void)raise_to_space(*space_, sigcont, {});
    EXPECT_FALSE(space_->stopped);
    ASSERT_TRUE(raise_to_space(*space_, sigstop, {}));
    ASSERT_TRUE(raise_to_space(*space_, sigkill, {}));
    threads_.clear();
    machine_.run_ready();
    EXPECT_EQ(space_->state, SpaceState::ended) << "the end reaches the stopped, too";
    EXPECT_EQ(steps, 0);
}

TEST_F(Signals, stop_and_continue_discard_each_other)
{
    constexpr int sigtstp = 20, sigttin = 21;
    const auto one = thread(0);
    const auto two = thread(0);
    const auto pending = [&](unsigned index) { return page(control_place + index * page_size).words[0].pending(); };
    const auto of_process = [&] { return space_->process_page.load()->pending.load(); };
    ASSERT_TRUE(raise_to_thread(*one, sigtstp, {}));
    ASSERT_TRUE(raise_to_thread(*one, sigusr1, {}));
    ASSERT_TRUE(raise_to_space(*space_, sigttin, {}));
    ASSERT_TRUE(raise_to_thread(*two, sigcont, {})) << "directed at the other thread";
    EXPECT_EQ(pending(0), abi::signal_bit(sigusr1)) << "and nothing else was discarded";
    EXPECT_EQ(pending(1), abi::signal_bit(sigcont));
    EXPECT_EQ(of_process(), 0u);
    ASSERT_TRUE(raise_to_space(*space_, sigtstp, {}));
    EXPECT_EQ(pending(1), 0u);
    EXPECT_EQ(of_process(), abi::signal_mask64(sigtstp));
}

TEST_F(Signals, a_stop_that_was_overtaken_by_a_continue_is_void)
{
    const auto one = thread(0);
    EXPECT_EQ(space_->process_page.load()->continued, 0u);
    ASSERT_TRUE(raise_to_space(*space_, sigcont, {}));
    EXPECT_EQ(space_->process_page.load()->continued, 1u);
    space_->stop_unless_continued(0);
    EXPECT_FALSE(space_->stopped);
    space_->stop_unless_continued(1);
    EXPECT_TRUE(space_->stopped);
    EXPECT_TRUE(one->hot.attention & attention_stop);
}

TEST_F(Signals, timer_signals_say_that_they_are)
{
    const auto one = thread(~std::uint32_t { 0 });
    set_clock(1000);
    ASSERT_TRUE(set_signal_timer(*one, 1000, 0, sigusr2));
    run_expired_timers();
    const abi::ThreadControl& control = page(control_place);
    EXPECT_EQ(control.words[0].pending(), abi::signal_bit(sigusr2));
    EXPECT_EQ(control.slots[sigusr2 - 1].code, static_cast<std::int32_t>(abi::SignalCode::timer));
    EXPECT_TRUE(is_marked(*one));
}

// Another CPU has taken the expiry out of the queue, and comes to raise the signal only after the timer was disarmed.
TEST_F(Signals, a_disarmed_timer_raises_nothing_late)
{
    const auto one = thread(~std::uint32_t { 0 });
    set_clock(1000);
    ASSERT_TRUE(set_signal_timer(*one, 1000, 0, sigusr2));
    const auto expired = this_cpu().timers.take_expired(2000);
    ASSERT_TRUE(expired);
    const auto reference = Ref<Thread>::adopt(expired->thread);
    ASSERT_TRUE(set_signal_timer(*one, 0, 0, 0));
    raise_timer_signal(*one, expired->sequence);
    EXPECT_EQ(page(control_place).words[0].pending(), 0u);
    ASSERT_TRUE(set_signal_timer(*one, 5000, 0, sigusr2)); // or armed anew
    raise_timer_signal(*one, expired->sequence);
    EXPECT_EQ(page(control_place).words[0].pending(), 0u);
}

} // namespace
} // namespace orrery::kernel::host
