// What a storming process does.
#include "storm.h"

#include <array>
#include <cstdlib>
#include <pthread.h>

#include "abi/memory.h"
#include "abi/scheme.h"
#include "check.h"
#include "fuzz_call.h"
#include "fuzz_values.h"

namespace orrery::storm {
namespace {

using abi::Syscall;
namespace raw = runtime::raw;

using test::page;
using test::read_write;
constexpr std::uint64_t buffers = 0x5000'0000; // where the callers' buffers come and go
constexpr std::uint64_t buffer_pages = 16;
constexpr std::size_t kinds = static_cast<std::size_t>(abi::ObjectKind::device) + 1;
constexpr std::size_t slots_of_a_kind = 6;

Figures* figures;
std::uint64_t own;                                      // its space
// By kind, shared by all of its threads; some name nothing any more.
std::array<std::array<std::atomic<std::uint64_t>, slots_of_a_kind>, kinds> handles;

std::uint64_t any_handle(Random& random, abi::ObjectKind kind)
{
    const std::size_t index = kind == abi::ObjectKind::none || random.one_in(8) ? random.below(kinds) : static_cast<std::size_t>(kind);
    return handles[index][random.below(slots_of_a_kind)].load();
}

void remember(Random& random, std::int64_t handle, abi::ObjectKind kind)
{
    if (handle <= 0) return;
    auto& slot = handles[static_cast<std::size_t>(kind)][random.below(slots_of_a_kind)];
    const std::uint64_t before = slot.exchange(static_cast<std::uint64_t>(handle));
    if (before != 0 && before != own) raw::handle_close(before);
}

void make_handles(Random& random)
{
    using abi::ObjectKind;
    for (int round = 0; round < 8; ++round) {
        remember(random, raw::memory_create((1 + random.below(buffer_pages)) * page, random.below(2)), ObjectKind::memory);
        remember(random, raw::ring_create(16, 8), ObjectKind::ring);
        remember(random, raw::event_create(), ObjectKind::event);
        remember(random, raw::thread_self(), ObjectKind::thread);
        static const char name[] = "storm's child";
        remember(random, raw::space_create(name, sizeof(name) - 1), ObjectKind::space);
        const std::int64_t scheme = raw::scheme_create();
        remember(random, scheme, ObjectKind::scheme);
        // Nobody brings its pages: who touches one waits until the storm is over. So not in every storm.
        if (scheme > 0 && round == 0 && random.one_in(4))
            remember(random, raw::memory_create_paged(scheme, 5, buffer_pages * page), ObjectKind::memory);
    }
    handles[static_cast<std::size_t>(ObjectKind::space)][0] = own;
    handles[static_cast<std::size_t>(ObjectKind::space)][1] = own;
}

// Nearly right, or anything.
std::uint64_t argument(fuzz::Kind kind, abi::ObjectKind object, Random& random)
{
    const std::uint64_t choice = random.below(16);
    switch (kind) {
    case fuzz::Kind::handle:
        if (choice == 0) return random();
        return any_handle(random, object);
    case fuzz::Kind::address:
        if (choice == 0) return random();
        if (choice == 1) return fuzz::kernel_half + random.below(1u << 30);
        if (choice == 2) return buffers + buffer_pages * page - random.below(64); // over the end
        return buffers + random.below(buffer_pages) * page + (choice < 9 ? 0 : random.below(page) & ~7ull);
    case fuzz::Kind::length:
        if (choice == 0) return random();
        return choice < 8 ? (1 + random.below(4)) * page : random.below(256);
    case fuzz::Kind::deadline: {
        if (choice == 0 && random.one_in(40)) return abi::no_deadline;
        if (choice < 8) return 0;
        const auto clock = random.one_in(2) ? abi::Clock::since_1970 : abi::Clock::since_start;
        return abi::deadline_at(clock, static_cast<std::uint64_t>(raw::clock_now(clock)) + random.below(500'000));
    }
    case fuzz::Kind::number: return choice == 0 ? random() : random.below(choice < 12 ? 8 : 70);
    }
    return 0;
}

// What would end the process, or the calling thread, is rare, or all the others would never come to anything.
bool too_deadly(const fuzz::Call& call, const std::uint64_t (&words)[6], Random& random)
{
    switch (call.number) {
    case Syscall::thread_end:
    case Syscall::signal_stop:
    case Syscall::thread_filter: return !random.one_in(4000);
    case Syscall::space_end:
    case Syscall::space_limit: // soon nothing would be granted any more
    case Syscall::handle_install: // nobody would close those
    case Syscall::thread_create: return words[0] == own && !random.one_in(4000);
    case Syscall::signal_raise: return words[1] != 0 && !random.one_in(4000);
    case Syscall::signal_timer: return words[0] != 0 && words[2] - 1 < 64 && !random.one_in(4000);
    // Who ties itself to a busy processor, or puts itself last, has little to say from then on.
    case Syscall::thread_set_priority:
    case Syscall::thread_set_affinity: return !random.one_in(40);
    case Syscall::signal_register: return !random.one_in(50);
    case Syscall::handle_close: return words[0] == own || !random.one_in(10);
    case Syscall::memory_unmap:
    case Syscall::memory_move:
    case Syscall::memory_protect: return words[0] == own && (words[1] < buffers || words[1] > buffers + (1u << 28));
    default: return false;
    }
}

// The kind of handle that a call returns; none if it is none.
abi::ObjectKind what_it_makes(Syscall number)
{
    using abi::ObjectKind;
    switch (number) {
    case Syscall::memory_create:
    case Syscall::memory_clone: return ObjectKind::memory;
    case Syscall::memory_create_paged: return ObjectKind::console; // closed again soon, and touched by nobody
    case Syscall::handle_duplicate: return ObjectKind::power;      // of whatever it was; nothing else is there
    case Syscall::space_create: return ObjectKind::space;
    case Syscall::thread_create:
    case Syscall::thread_self: return ObjectKind::thread;
    case Syscall::ring_create: return ObjectKind::ring;
    case Syscall::scheme_create: return ObjectKind::scheme;
    case Syscall::event_create: return ObjectKind::event;
    default: return ObjectKind::none;
    }
}

// What passes the first checks: a call with buffers and gifts that may be there, and an answer to what may wait.
abi::Sqe likely_entry(Random& random)
{
    abi::Sqe entry {};
    entry.opcode = static_cast<std::uint8_t>(random.one_in(16) ? random() : abi::first_free_opcode + random.below(4));
    entry.flags = static_cast<std::uint8_t>(random.below(abi::all_sqe_flags + (random.one_in(16) ? 2u : 1u)));
    entry.arguments[0] = random();
    const abi::HandleGift gift { static_cast<abi::Handle>(any_handle(random, abi::ObjectKind::none)),
        static_cast<std::uint32_t>(random.below(abi::all_rights + std::uint64_t { 1 })) };
    entry.arguments[abi::gift_argument] = gift.word();
    entry.arguments[abi::buffer_argument] = argument(fuzz::Kind::address, abi::ObjectKind::none, random);
    entry.arguments[abi::buffer_argument + 1] = argument(fuzz::Kind::length, abi::ObjectKind::none, random);
    return entry;
}

abi::Cqe likely_answer(Random& random, std::uint32_t tag)
{
    abi::Cqe answer { .flags = 0, .extra = {}, .tag = tag, .result = random.one_in(2) ? 0 : random() };
    if (random.one_in(4)) {
        const abi::HandleGift gift { static_cast<abi::Handle>(any_handle(random, abi::ObjectKind::none)),
            static_cast<std::uint32_t>(random.below(abi::all_rights + std::uint64_t { 1 })) };
        answer.flags = abi::cqe_passes_handle;
        answer.result = gift.word();
    }
    return answer;
}

void* call_for_ever(void* seed)
{
    Random random(reinterpret_cast<std::uintptr_t>(seed));
    abi::Sqe entry {};
    abi::Cqe answer {};
    for (;;) {
        const fuzz::Call& call = fuzz::calls[random.below(std::size(fuzz::calls))];
        std::uint64_t words[6] = {};
        for (std::size_t index = 0; index < call.arguments.count; ++index)
            words[index] = argument(call.arguments.kinds[index], call.arguments.objects[index], random);
        if (too_deadly(call, words, random)) continue;
        if (call.number == Syscall::scheme_call && !random.one_in(4)) {
            entry = likely_entry(random);
            words[1] = reinterpret_cast<std::uint64_t>(&entry);
        }
        if (call.number == Syscall::scheme_receive && !random.one_in(4)) {
            answer = likely_answer(random, static_cast<std::uint32_t>(random.below(200)));
            words[1] = reinterpret_cast<std::uint64_t>(&answer);
        }
        bool kept = true;
        const std::int64_t result = fuzz::system_call(static_cast<std::uint64_t>(call.number), words, kept);
        const auto index = static_cast<std::size_t>(call.number);
        figures->made[index].fetch_add(1, std::memory_order_relaxed);
        if (result < 0) figures->refused[index].fetch_add(1, std::memory_order_relaxed);
        if (!kept || result < -fuzz::highest_error) figures->broken_promises.fetch_add(1, std::memory_order_relaxed);
        if (const auto kind = what_it_makes(call.number); kind != abi::ObjectKind::none) remember(random, result, kind);
    }
}

// A server that answers calls to any of the schemes, mostly wrongly: who asks for a page gets one, or an error, or an answer and
// no page. Without it the callers would all come to wait for pages that nobody brings.
void* serve_for_ever(void* seed)
{
    Random random(reinterpret_cast<std::uintptr_t>(seed));
    const std::int64_t scratch = raw::memory_create(page, 0);
    for (;;) {
        const std::uint64_t scheme = any_handle(random, abi::ObjectKind::scheme);
        abi::Sqe entry {};
        const std::uint64_t now = static_cast<std::uint64_t>(raw::clock_now(0));
        if (raw::scheme_receive(scheme, 0, &entry, now + 50'000) != 0) continue;
        if (random.one_in(2)) raw::memory_supply(any_handle(random, abi::ObjectKind::console), entry.arguments[1], scratch, 0);
        // What the caller offers, to and from memory that comes and goes.
        if (random.one_in(2))
            raw::scheme_copy(scheme, entry.tag, random.below(64), buffers + random.below(buffer_pages) * page,
                random.below(2 * page), random.one_in(2) ? abi::SchemeCopy::to_caller : abi::SchemeCopy::from_caller);
        if (random.one_in(100)) continue; // never answered
        abi::Cqe answer = likely_answer(random, entry.tag);
        if (random.one_in(4)) answer.result = abi::result_word(random.one_in(2) ? abi::Error::not_found : abi::Error::not_present);
        raw::scheme_receive(scheme, &answer, 0, 0);
    }
}

// Takes the buffers away under the callers' hands, and gives others.
[[noreturn]] void change_for_ever(std::uint64_t seed)
{
    Random random(seed);
    raw::thread_set_priority(raw::thread_self(), 0); // the callers give themselves other priorities, and should not wait behind
    for (;;) {
        const std::uint64_t memory = any_handle(random, abi::ObjectKind::memory);
        const std::uint64_t place = buffers + random.below(buffer_pages) * page;
        const std::uint64_t length = (1 + random.below(6)) * page;
        switch (random.below(10)) {
        case 0:
        case 1: raw::memory_unmap(own, place, length); break;
        case 2:
        case 3:
        case 4: raw::memory_map(own, memory, 0, place, length, random.one_in(4) ? abi::protection_read : read_write); break;
        case 5: raw::memory_protect(own, place, length, random.below(4)); break;
        case 6: raw::memory_move(own, place, length, buffers + (1u << 24) + random.below(buffer_pages) * page); break;
        case 7: raw::memory_advise(own, place, length, random.below(5)); break;
        case 8: raw::memory_replace(memory, random.below(4) * page, any_handle(random, abi::ObjectKind::memory), 0); break;
        default: remember(random, raw::memory_clone(memory, 0, length), abi::ObjectKind::memory); break;
        }
        figures->changes.fetch_add(1, std::memory_order_relaxed);
    }
}

} // namespace

void rage(std::uint64_t seed)
{
    own = test::own_space();
    const std::uint64_t shared = test::auxiliary(abi::Auxiliary::scheme_handle); // the figures' memory, under this name
    figures = reinterpret_cast<Figures*>(
        test::must(raw::memory_map(own, shared, 0, 0, sizeof(Figures), read_write), "memory_map"));
    Random random(seed);
    make_handles(random);
    const std::uint64_t first = test::must(raw::memory_create(buffer_pages * page, 0), "memory_create");
    raw::memory_map(own, first, 0, buffers, buffer_pages * page, read_write);
    for (unsigned index = 0; index < callers; ++index) {
        pthread_t thread;
        CHECK_EQUAL(pthread_create(&thread, nullptr, call_for_ever, reinterpret_cast<void*>(seed * threads_in_all + index)), 0);
    }
    pthread_t server;
    CHECK_EQUAL(pthread_create(&server, nullptr, serve_for_ever, reinterpret_cast<void*>(seed * threads_in_all + callers)), 0);
    change_for_ever(seed * threads_in_all + callers + 1);
}

} // namespace orrery::storm
