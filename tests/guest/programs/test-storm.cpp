// The system call storm: one process after the other makes random calls from several threads, while its memory is taken away under
// their hands. Whatever happens to it, a bystander keeps its memory and its turns, and the kernel works and loses nothing.
//
// Arguments: how many storms (3 if none is named), how long each may last in ms, the first one's seed. For an hour by hand:
//     build/test/bin/guest_storm --hours 1      (tests/guest/guest_storm.cpp)
#include "storm.h"

#include <algorithm>
#include <array>
#include <bit>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <pthread.h>
#include <span>

#include "abi/memory.h"
#include "abi/scheduling.h"
#include "pages_to_be_had.h"
#include "scheme_process.h"

namespace {

using namespace orrery;
using namespace orrery::test;
namespace raw = orrery::runtime::raw;

// The bystander: a thread of the supervisor, of ordinary priority, whose memory nobody else has a handle of.
constexpr std::uint64_t watched_words = 32 * page / 8;
std::uint64_t* watched;
std::atomic<std::uint64_t> rounds { 0 };
std::atomic<bool> over { false };

void* stand_by(void*)
{
    for (std::uint64_t value = 1; !over; ++value) {
        for (std::uint64_t index = 0; index < watched_words; ++index) watched[index] = value + index;
        for (std::uint64_t index = 0; index < watched_words; ++index) CHECK_EQUAL(watched[index], value + index);
        ++rounds;
    }
    return nullptr;
}

struct Ends {
    std::uint64_t killed = 0;       // by the supervisor, when its time was up
    std::uint64_t by_signal[64] {}; // by a fault, or by what it sent itself
    std::uint64_t by_itself = 0;
};

// Until the space or the time ends. Meanwhile the date jumps a little to and fro, and with it who sleeps until one.
std::int64_t wait_and_set_the_date(std::uint64_t space, std::uint64_t end)
{
    const std::uint64_t hardware = auxiliary(abi::Auxiliary::hardware_handle);
    constexpr std::uint64_t most = 1'000'000; // ns
    for (;;) {
        const std::uint64_t now = must(raw::clock_now(abi::Clock::since_start), "clock_now");
        const std::int64_t result = raw::space_wait(space, std::min(end, now + 20'000'000));
        if (result >= 0 || now >= end) return result;
        const std::uint64_t date = must(raw::clock_now(abi::Clock::since_1970), "clock_now");
        must(raw::clock_set(hardware, date - most / 2 + date % most), "clock_set");
    }
}

void storm_once(std::uint64_t seed, std::uint64_t milliseconds, std::uint64_t figures, Ends& ends)
{
    const auto initrd = process::map_initrd();
    CHECK(initrd.has_value());
    const auto file = common::UstarArchive(*initrd).find("test-storm");
    CHECK(file.has_value());
    const auto prepared = process::PreparedProcess::prepare(*file, static_cast<std::uint32_t>(seed % 100'000 + 10), "storm");
    CHECK(prepared.has_value());
    // One program can't starve the rest.
    const std::pair<abi::SpaceLimit, std::uint64_t> limits[] = { { abi::SpaceLimit::priority, abi::priority_normal },
        { abi::SpaceLimit::threads, 16 }, { abi::SpaceLimit::handles, 512 }, { abi::SpaceLimit::mappings, 512 },
        { abi::SpaceLimit::memory, 1024 } };
    for (const auto& [limit, value] : limits) must(raw::space_limit(prepared->space(), limit, value), "space_limit");
    char number[32];
    std::snprintf(number, sizeof(number), "%llu", static_cast<unsigned long long>(seed));
    const std::array<const char*, 3> arguments { "test-storm", "rage", number };
    const std::array<process::GivenHandle, 1> handles { {
        { abi::Auxiliary::scheme_handle, static_cast<abi::Handle>(figures), abi::right_read | abi::right_write },
    } };
    const auto storm = prepared->start({ .file = *file, .arguments = arguments, .environment = {}, .handles = handles,
        .auxiliary = {}, .process_id = prepared->process_id() });
    CHECK(storm.has_value());
    const std::uint64_t before = rounds;
    const std::uint64_t end = must(raw::clock_now(0), "clock_now") + milliseconds * 1'000'000;
    const std::int64_t early = wait_and_set_the_date(storm->space, end);
    (void)orrery_kill(storm->space, SIGKILL); // refused if it has just ended by itself
    const auto status = process::wait_for_end(*storm);
    CHECK(status.has_value());
    if (early < 0) ++ends.killed;
    else if (status->signal != 0) ++ends.by_signal[status->signal % 64];
    else ++ends.by_itself;
    while (rounds == before) raw::thread_yield(); // not starved
}

void print(const storm::Figures& figures, const Ends& ends, std::uint64_t storms)
{
    std::uint64_t made = 0, refused = 0;
    for (std::size_t index = 0; index < std::size(figures.made); ++index) {
        const std::uint64_t count = figures.made[index], bad = figures.refused[index];
        std::printf("%-24s %12llu made, %12llu refused\n", abi::name(static_cast<abi::Syscall>(index)),
            static_cast<unsigned long long>(count), static_cast<unsigned long long>(bad));
        made += count;
        refused += bad;
        // Else the storm would only knock at the door of what matters most.
        if (static_cast<abi::Syscall>(index) == abi::Syscall::scheme_call) CHECK(count > bad);
    }
    std::printf("storms %llu, calls %llu, refused %llu, changes of their memory %llu\n",
        static_cast<unsigned long long>(storms), static_cast<unsigned long long>(made),
        static_cast<unsigned long long>(refused), static_cast<unsigned long long>(figures.changes.load()));
    std::printf("ended: %llu killed when their time was up, %llu by themselves", static_cast<unsigned long long>(ends.killed),
        static_cast<unsigned long long>(ends.by_itself));
    for (std::size_t signal = 1; signal < std::size(ends.by_signal); ++signal)
        if (ends.by_signal[signal] != 0)
            std::printf(", %llu by signal %zu", static_cast<unsigned long long>(ends.by_signal[signal]), signal);
    std::printf("\nrounds of the bystander %llu\n", static_cast<unsigned long long>(rounds.load()));
}

} // namespace

int main(int count, char** arguments)
{
    if (count > 2 && std::strcmp(arguments[1], "rage") == 0) storm::rage(std::strtoull(arguments[2], nullptr, 10));
    const std::uint64_t storms = count > 1 ? std::strtoull(arguments[1], nullptr, 10) : 3;
    const std::uint64_t milliseconds = count > 2 ? std::strtoull(arguments[2], nullptr, 10) : 300;
    const std::uint64_t first_seed = count > 3 ? std::strtoull(arguments[3], nullptr, 10) : 1;

    const std::uint64_t memory = must(raw::memory_create(watched_words * 8, 0), "memory_create");
    watched = reinterpret_cast<std::uint64_t*>(
        must(raw::memory_map(own_space(), memory, 0, 0, watched_words * 8, read_write), "memory_map"));
    const std::uint64_t shared = must(raw::memory_create(sizeof(storm::Figures), 0), "memory_create");
    const auto* const figures = reinterpret_cast<const storm::Figures*>(
        must(raw::memory_map(own_space(), shared, 0, 0, sizeof(storm::Figures), abi::protection_read), "memory_map"));
    pthread_t bystander;
    CHECK_EQUAL(pthread_create(&bystander, nullptr, stand_by, nullptr), 0);
    Ends ends;
    std::uint64_t before = 0, after = 0;
    std::pair<std::uint64_t, std::uint64_t> looks[65]; // after how many storms, how many pages were to be had
    std::size_t look_count = 0;
    for (std::uint64_t index = 0; index < storms; ++index) {
        storm_once(first_seed + index, milliseconds, shared, ends);
        if (!std::has_single_bit(index + 1) && index + 1 != storms) continue; // a leak grows; what is kept for later does not
        after = pages_to_be_had();
        if (index == 0) before = after; // the first leaves stacks and heap blocks for the others
        looks[look_count++] = { index + 1, after };
    }
    over = true;
    CHECK_EQUAL(pthread_join(bystander, nullptr), 0);
    print(*figures, ends, storms);
    for (const auto& [done, pages] : std::span(looks).first(look_count))
        std::printf("pages to be had after %llu: %llu\n", static_cast<unsigned long long>(done),
            static_cast<unsigned long long>(pages));
    CHECK_EQUAL(figures->broken_promises.load(), 0);
    // Some kernel stacks and partly used heap blocks are kept for the next one.
    constexpr std::uint64_t kept_for_later = 64;
    CHECK(after + kept_for_later >= before);
    return 0;
}
