// What a program can take of the machine's memory when it has a limit: each role tries another way to take all, and tells when it
// is refused; then there must be as much left as the limit promises, and all of it when the role has ended.
#include <cstring>
#include <initializer_list>

#include "abi/memory.h"
#include "abi/scheduling.h"
#include "check.h"
#include "pages_to_be_had.h"
#include "scheme_process.h"

namespace {

using namespace orrery;
using namespace orrery::test;
namespace raw = orrery::runtime::raw;

constexpr std::uint64_t limit = 600; // pages: what a process of the runtime needs, and some hundred
constexpr std::uint64_t handles = 256;
// Frames that are not charged: kernel objects behind handles, far less than a page each.
constexpr std::uint64_t slack = 64;
constexpr std::uint64_t never_so_many = 20'000; // tries: far more than the limit, and the machine has about as many pages

bool is_limit(std::int64_t result) { return result == error(abi::Error::limit_reached); }

std::uint64_t make(std::uint64_t size) { return must(raw::memory_create(size, 0), "memory_create"); }
std::uint64_t map(std::uint64_t memory, std::uint64_t size)
{
    return must(raw::memory_map(own_space(), memory, 0, 0, size, read_write), "memory_map");
}
std::int64_t populate(std::uint64_t address) { return raw::memory_advise(own_space(), address, page, abi::Advice::populate); }

// Each makes one step; what it returns ends the role when it is limit_reached, and must be no other error.
struct Role {
    const char* name;
    std::int64_t (*step)(std::uint64_t number);
};

std::int64_t touch_pages(std::uint64_t number)
{
    static const std::uint64_t place = map(make(never_so_many * page), never_so_many * page);
    return populate(place + number * page);
}

// Keeps no page, but would leave page tables and slots behind.
std::int64_t touch_and_forget(std::uint64_t number)
{
    constexpr std::uint64_t size = std::uint64_t { 1 } << 46, stride = std::uint64_t { 1 } << 32;
    static const std::uint64_t place = map(make(size), size);
    const std::uint64_t address = place + number * stride % size;
    if (const std::int64_t result = populate(address); result != 0) return result;
    return raw::memory_advise(own_space(), address, page, abi::Advice::forget);
}

// One page, mapped far apart: tables alone.
std::int64_t map_one_page_everywhere(std::uint64_t number)
{
    static const std::uint64_t memory = make(page);
    const std::uint64_t address = 0x1000'0000'0000 + number * (std::uint64_t { 1 } << 30);
    if (const std::int64_t result = raw::memory_map(own_space(), memory, 0, address, page, read_write); result < 0) return result;
    // Reads the word, which is not 1: so it has to be in the page table.
    const std::int64_t result = raw::futex_wait(address, 1u, 0u);
    return result == error(abi::Error::would_block) ? 0 : result;
}

// Mappings alone, of which there may be more than pages.
std::int64_t map_without_touching(std::uint64_t number)
{
    static const std::uint64_t memory = make(page);
    return raw::memory_map(own_space(), memory, 0, 0x1000'0000'0000 + number * 2 * page, page, read_write);
}

// Pages go where nothing is mapped.
std::int64_t hide_pages(std::uint64_t number)
{
    static const std::uint64_t hidden = make(never_so_many * page), source = make(page), place = map(source, page);
    if (const std::int64_t result = populate(place); result != 0) return result;
    return raw::memory_replace(hidden, number * page, source, 0u);
}

std::int64_t make_clones(std::uint64_t)
{
    static const std::uint64_t memory = [] {
        const std::uint64_t made = make(64 * page), place = map(made, 64 * page);
        for (std::uint64_t index = 0; index < 64; ++index) must(populate(place + index * page), "populate");
        return made;
    }();
    return raw::memory_clone(memory, 0u, 64 * page);
}

std::int64_t make_rings(std::uint64_t) { return raw::ring_create(64u, 8u); }

// They end at once, but are kept by their handles.
std::int64_t make_threads(std::uint64_t)
{
    static const std::uint64_t stack = map(make(page), page);
    static const auto sleep = [] { raw::futex_wait(stack, 0u, abi::no_deadline); };
    return raw::thread_create(own_space(), reinterpret_cast<std::uint64_t>(+sleep), stack + page - 8, 0u, 0u);
}

std::int64_t make_spaces(std::uint64_t) { return raw::space_create("below", 5u); }

// What a space that the role made may have.
std::int64_t fill_another_space(std::uint64_t number)
{
    static const std::uint64_t space = must(raw::space_create("below", 5u), "space_create");
    static const std::uint64_t memory = make(never_so_many * page);
    static const std::uint64_t place
        = must(raw::memory_map(space, memory, 0, 0, never_so_many * page, read_write), "memory_map");
    return raw::memory_advise(space, place + number * page, page, abi::Advice::populate);
}

constexpr Role roles[] = {
    { "touch pages", touch_pages },
    { "touch and forget", touch_and_forget },
    { "map one page everywhere", map_one_page_everywhere },
    { "map without touching", map_without_touching },
    { "hide pages", hide_pages },
    { "make clones", make_clones },
    { "make rings", make_rings },
    { "make threads", make_threads },
    { "make spaces", make_spaces },
    { "fill another space", fill_another_space },
};

int play(const Role& role)
{
    CHECK_EQUAL(raw::space_limit(own_space(), abi::SpaceLimit::memory, limit), 0);
    CHECK_EQUAL(raw::space_limit(own_space(), abi::SpaceLimit::handles, handles), 0);
    // For its own stack and data, when all else is taken.
    constexpr std::uint64_t reserve_size = 16 * page;
    const std::uint64_t reserve = map(make(reserve_size), reserve_size);
    CHECK_EQUAL(raw::memory_advise(own_space(), reserve, reserve_size, abi::Advice::populate), 0);
    std::uint64_t steps = 0;
    for (; steps < never_so_many; ++steps) {
        const std::int64_t result = role.step(steps);
        if (is_limit(result)) break;
        if (result < 0) std::printf("%s: step %llu: error %lld\n", role.name, static_cast<unsigned long long>(steps), static_cast<long long>(result));
        CHECK(result >= 0);
    }
    CHECK(steps < never_so_many); // nothing has stopped it
    CHECK_EQUAL(raw::memory_advise(own_space(), reserve, reserve_size, abi::Advice::forget), 0);
    // Full now: says so, and stays until the answer comes.
    abi::Sqe entry {};
    entry.opcode = abi::first_free_opcode;
    abi::Cqe completion {};
    CHECK_EQUAL(raw::scheme_call(auxiliary(abi::Auxiliary::scheme_handle), &entry, &completion, abi::no_deadline), 0);
    return 0;
}

void test_role(const Role& role)
{
    static std::uint64_t before = pages_to_be_had();
    const std::uint64_t scheme = must(raw::scheme_create(), "scheme_create");
    const auto process = start("test-limits", role.name, scheme, abi::right_call);
    abi::Sqe entry {};
    const std::uint64_t hang_guard = must(raw::clock_now(), "clock_now") + 60'000'000'000;
    const std::int64_t received = raw::scheme_receive(scheme, 0u, &entry, hang_guard);
    if (received != 0) std::printf("%s: has not said that it was refused\n", role.name);
    CHECK_EQUAL(received, 0);
    const std::uint64_t left = pages_to_be_had();
    if (before - left > limit + slack)
        std::printf("%s: took %lld pages\n", role.name, static_cast<long long>(before - left));
    CHECK(left + limit + slack >= before);
    const abi::Cqe answer { .flags = 0, .extra = {}, .tag = entry.tag, .result = 0 };
    CHECK_EQUAL(raw::scheme_receive(scheme, &answer, 0u, abi::no_deadline), 0);
    const auto status = process::wait_for_end(process);
    CHECK(status.has_value());
    CHECK_EQUAL(status->signal, 0);
    CHECK_EQUAL(status->code, 0);
    CHECK_EQUAL(raw::handle_close(scheme), 0);
    const std::uint64_t after = pages_to_be_had();
    if (after + slack < before) std::printf("%s: %lld pages are lost\n", role.name, static_cast<long long>(before - after));
    CHECK(after + slack >= before);
    before = after;
}

} // namespace

int main(int count, char** arguments)
{
    for (const Role& role : roles) {
        if (count == 1) test_role(role);
        else if (std::strcmp(arguments[1], role.name) == 0) return play(role);
    }
    return count == 1 ? 0 : 2;
}
