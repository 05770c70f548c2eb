// The operations that are measured: the one table from which the guest's programs, the printed table and its check are
// made. Figures are guest instructions, counted by QEMU's -icount (one TSC tick an instruction).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace orrery::bench {

// What is known of an operation besides our own figure. "linux" is Linux 6.1 (amd64, glibc static, mitigations off)
// in the same QEMU; "floor" is the same work on the bare machine without an operating system, with the loop around it.
struct Operation {
    std::string_view name;     // as the guest prints it
    std::string_view sentence; // for people
    std::optional<std::uint64_t> budget;
    std::optional<std::uint64_t> linux_figure;
    std::optional<std::uint64_t> floor;
};

inline constexpr std::array operations {
    Operation { "null_syscall", "system call that does nothing", 80, 338, 21 },
    Operation { "sigprocmask_pair", "sigprocmask: block and unblock", 140, 874, 103 },
    Operation { "sigpending", "sigpending", {}, 387, 12 },
    Operation { "sigaction_set", "sigaction: set", {}, 478, 27 },
    Operation { "raise_handler", "raise, handler with siginfo, return", 500, 4564, 128 },
    Operation { "block_raise_unblock", "block, raise, unblock: handler runs", {}, 5314, 230 },
    Operation { "sigill_skip", "illegal instruction, skipped by its handler", 700, 3297, 86 },
    Operation { "ring_push_pop", "ring: push and pop 16 bytes, nobody sleeps", 40, 29, 29 },
    Operation { "ring_push_pop_64", "ring: push and pop 64 bytes, nobody sleeps", {}, {}, {} },
    Operation { "ring_push_pop_traced", "the same 16 bytes with the phases compiled in, recorder off", {}, {}, {} },
    Operation { "futex_wake_none", "futex wake, nobody sleeps", {}, 1030, {} },
    Operation { "demand_zero_fault", "first touch of a page", 1200, 3114, 566 },
    Operation { "map_touch64_unmap", "map, touch 64 pages, unmap", 120'000, 278'709, {} },
    Operation { "futex_ping_pong", "two threads: futex there and back, both sleep", 3500, 8605, 92 },
    Operation { "thread_create_join", "thread: create and join", 12'000, 39'050, {} },
    // The budgets of a thousand are those of ten, but for the steps of a binary search: the cost stays flat.
    Operation { "wake_one_of_10", "ten threads asleep: wake one, until it sleeps again", 2500, {}, {} },
    Operation { "wake_one_of_1000", "a thousand threads asleep: the same", 2500, {}, {} },
    Operation { "raise_at_one_of_10", "ten threads: pthread_kill of one", 650, {}, {} },
    Operation { "raise_at_one_of_1000", "a thousand threads: the same", 650, {}, {} },
    Operation { "map_page_beside_10", "ten threads: map and unmap a page", 2500, {}, {} },
    Operation { "map_page_beside_1000", "a thousand threads, each with its stack: the same", 3300, {}, {} },
    Operation { "scheme_round_trip", "two processes: call to a scheme and back (Linux: a pipe)", 3000, 10'509, 136 },
    Operation { "signal_round_trip", "two processes: signal there and back, both sleep", {}, 13558, 334 },
    Operation { "ring_round_trip", "two processes: ring there and back, both sleep", {}, 7896, 136 },
};

} // namespace orrery::bench
