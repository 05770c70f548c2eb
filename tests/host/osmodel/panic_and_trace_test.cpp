// The flight recorder while it is written, and the record of a panic.
#include <cstddef>
#include <gmock/gmock.h>

#include "abi/trace.h"
#include "synthetic_guest.h"

namespace orrery::inspector {
namespace {

using abi::TraceBuffer;
using abi::TraceRecord;
using testing::ElementsAre;

class TraceTest : public testing::Test {
protected:
    SyntheticGuest guest { GUEST_PATH };
    TraceTest() { guest.describe(2); }

    std::uint64_t buffer(unsigned cpu) { return guest.address_of("orrery::kernel::trace_buffers") + cpu * sizeof(TraceBuffer); }
    void record(unsigned cpu, std::uint64_t number, std::uint64_t time, abi::Phase phase, std::uint64_t cause = 0)
    {
        const auto at = buffer(cpu) + offsetof(TraceBuffer, records) + number % abi::trace_capacity * sizeof(TraceRecord);
        guest.put(at + offsetof(TraceRecord, sequence), number + 1);
        guest.put(at + offsetof(TraceRecord, time), time);
        guest.put(at + offsetof(TraceRecord, phase), static_cast<std::uint16_t>(phase));
        guest.put(at + offsetof(TraceRecord, thread), std::uint32_t { 7 });
        guest.put(at + offsetof(TraceRecord, cause), cause);
        guest.put(at + offsetof(TraceRecord, arguments) + 8, std::uint64_t { 10 });
        guest.put(buffer(cpu) + offsetof(TraceBuffer, next), number + 1);
    }
    std::vector<std::uint64_t> times(Freshness freshness = Freshness::stopped)
    {
        std::vector<std::uint64_t> result;
        for (const auto& event : guest.reader().take(freshness)->trace) result.push_back(event.time);
        return result;
    }
};

TEST_F(TraceTest, EventsOfAllCpusAreMergedByTime)
{
    record(0, 0, 100, abi::Phase::signal_raised, 5);
    record(0, 1, 300, abi::Phase::signal_noticed);
    record(1, 0, 200, abi::Phase::thread_woken);
    const auto snapshot = guest.reader().take(Freshness::stopped);
    ASSERT_EQ(snapshot->trace.size(), 3u);
    EXPECT_THAT(times(), ElementsAre(100, 200, 300));
    const auto& first = snapshot->trace[0];
    EXPECT_EQ(first.phase, abi::Phase::signal_raised);
    EXPECT_EQ(first.cpu, 0);
    EXPECT_EQ(first.thread, 7u);
    EXPECT_EQ(first.cause, 5u);
    EXPECT_EQ(first.arguments[1], 10u);
    EXPECT_EQ(snapshot->trace[1].cpu, 1);
}

TEST_F(TraceTest, UserRecordsStandAmongThem)
{
    record(0, 0, 100, abi::Phase::signal_raised);
    record(0, 1, 300, abi::Phase::signal_noticed);
    const auto thread = guest.add_thread(9, guest.add_space(1, "p"), "ready", 0);
    const auto pages = guest.register_signals(thread);
    const auto put = [&](std::size_t slot, std::uint64_t sequence, std::uint64_t time, std::uint32_t phase) {
        const auto at = pages.control + offsetof(abi::ThreadControl, user_trace) + slot * sizeof(abi::UserTraceRecord);
        guest.put(at + offsetof(abi::UserTraceRecord, sequence), sequence);
        guest.put(at + offsetof(abi::UserTraceRecord, time), time);
        guest.put(at + offsetof(abi::UserTraceRecord, phase), phase);
    };
    put(0, 1, 200, static_cast<std::uint32_t>(abi::Phase::signal_framed));
    put(1, 0, 210, static_cast<std::uint32_t>(abi::Phase::signal_framed)); // being written
    put(2, 4, 220, static_cast<std::uint32_t>(abi::Phase::signal_framed)); // not the number of this slot
    put(3, 4, 230, 9999);                                                  // no such phase
    const auto snapshot = guest.reader().take(Freshness::stopped);
    EXPECT_THAT(times(), ElementsAre(100, 200, 300));
    EXPECT_EQ(snapshot->trace[1].cpu, -1);
    EXPECT_EQ(snapshot->trace[1].thread, 9u);
}

TEST_F(TraceTest, AfterWrapAroundOnlyTheNewestRemain)
{
    for (std::uint64_t number = 0; number < abi::trace_capacity + 10; ++number)
        record(0, number, 1000 + number, abi::Phase::thread_switched);
    const auto found = times();
    ASSERT_EQ(found.size(), abi::trace_capacity);
    EXPECT_EQ(found.front(), 1010u);
    EXPECT_EQ(found.back(), 1000 + abi::trace_capacity + 9);
}

TEST_F(TraceTest, ARecordThatIsBeingWrittenIsLeftOut)
{
    record(0, 0, 100, abi::Phase::signal_raised);
    record(0, 1, 200, abi::Phase::signal_noticed);
    const auto at = buffer(0) + offsetof(TraceBuffer, records) + sizeof(TraceRecord);
    guest.put(at + offsetof(TraceRecord, sequence), std::uint64_t { 0 });
    EXPECT_THAT(times(), ElementsAre(100));
}

TEST_F(TraceTest, WhatTheWriterMayHaveOverwrittenMeanwhileIsLeftOut)
{
    for (std::uint64_t number = 0; number < abi::trace_capacity; ++number)
        record(0, number, 1000 + number, abi::Phase::thread_switched);
    // While the buffer is copied, the writer goes three records on: 0, 1, 2 and the one it may be at now are not safe.
    const auto next = *guest.kernel()->physical_address(buffer(0) + offsetof(TraceBuffer, next));
    int copies = 0;
    guest.on_read = [&](std::uint64_t address) {
        if (address == next && ++copies % 2 == 0) guest.put(buffer(0), std::uint64_t { abi::trace_capacity + 3 });
        if (address == next && copies % 2 == 1) guest.put(buffer(0), std::uint64_t { abi::trace_capacity });
    };
    EXPECT_EQ(times(Freshness::live).front(), 1004u);
}

TEST_F(TraceTest, GarbageInTheRecorderIsNoEvent)
{
    record(0, 0, 100, static_cast<abi::Phase>(999));
    record(0, 1, 100, abi::Phase::thread_ended);
    guest.put(buffer(1) + offsetof(TraceBuffer, next), ~std::uint64_t { 0 });
    EXPECT_THAT(times(), ElementsAre(100));
}

TEST(Panic, HasMessageAndNamedBacktrace)
{
    SyntheticGuest guest(GUEST_PATH);
    guest.describe(1);
    const auto record = guest.address_of("orrery::kernel::panic_record");
    const std::string type = "orrery::kernel::PanicRecord";
    const auto fault = guest.address_of("orrery::kernel::fail_deep") + 4;
    guest.set_text(record, type, "message", "a pointer was \x1b[31mwild");
    guest.set(record, type, "cpu", 1);
    guest.set(record, type, "depth", 2);
    guest.set(record, type, "rip", fault);
    guest.set(record, type, "addresses[0]", fault);
    guest.set(record, type, "addresses[1]", guest.address_of("_start") + 5);
    EXPECT_FALSE(guest.reader().take(Freshness::stopped)->panic) << "it runs";
    guest.put(guest.address_of("orrery_descriptor") + offsetof(abi::Descriptor, machine_state),
              static_cast<std::uint32_t>(abi::MachineState::panicked));
    const auto snapshot = guest.reader().take(Freshness::stopped);
    ASSERT_TRUE(snapshot->panic);
    EXPECT_EQ(snapshot->panic->message, "a pointer was ?[31mwild") << "control bytes never reach a terminal";
    EXPECT_EQ(snapshot->panic->cpu, 1u);
    ASSERT_EQ(snapshot->panic->backtrace.size(), 2u);
    EXPECT_EQ(snapshot->panic->backtrace[0].function, "orrery::kernel::fail_deep");
    EXPECT_EQ(snapshot->panic->backtrace[1].function, "_start");
    EXPECT_GT(snapshot->panic->backtrace[0].line, 0);
}

TEST(Panic, BeforeTheDescriptorIsFilledIsFoundBySymbol)
{
    SyntheticGuest guest(GUEST_PATH);
    guest.describe(0);
    guest.set_descriptor(offsetof(abi::Descriptor, direct_map), 0);
    guest.set_descriptor(offsetof(abi::Descriptor, panic), 0);
    guest.put(guest.address_of("orrery_descriptor") + offsetof(abi::Descriptor, machine_state),
              static_cast<std::uint32_t>(abi::MachineState::panicked));
    guest.set_text(guest.address_of("orrery::kernel::panic_record"), "orrery::kernel::PanicRecord", "message", "no memory map");
    const auto snapshot = guest.reader().take(Freshness::stopped);
    ASSERT_TRUE(snapshot->panic);
    EXPECT_EQ(snapshot->panic->message, "no memory map");
}

} // namespace
} // namespace orrery::inspector
