// Clones of memory that the kernel itself writes to meanwhile, for another thread: both come to an end.
#include <atomic>
#include <pthread.h>

#include "abi/ring.h"
#include "abi/scheme.h"
#include "check.h"

namespace {

using namespace orrery;
using namespace orrery::test;
namespace raw = orrery::runtime::raw;

constexpr std::uint64_t pages = 160; // more than the kernel clones in one go
constexpr int calls = 8000;

std::uint64_t memory, scheme;
std::atomic<bool> over { false };

void* clone_on_and_on(void*)
{
    while (!over) {
        const std::uint64_t clone = must(raw::memory_clone(memory, 0, pages * page), "memory_clone");
        must(raw::handle_close(clone), "handle_close");
    }
    return nullptr;
}

void* serve(void*)
{
    abi::Sqe entry {};
    abi::Cqe completion {};
    for (bool first = true; !over; first = false) {
        must(raw::scheme_receive(scheme, first ? nullptr : &completion, &entry, abi::no_deadline), "scheme_receive");
        completion = { .flags = 0, .extra = {}, .tag = entry.tag, .result = entry.arguments[0] };
    }
    must(raw::scheme_receive(scheme, &completion, 0u, abi::no_deadline), "the last answer");
    return nullptr;
}

} // namespace

int main()
{
    memory = must(raw::memory_create(pages * page, 0), "memory_create");
    const std::uint64_t place = must(raw::memory_map(own_space(), memory, 0, 0, pages * page, read_write), "memory_map");
    for (std::uint64_t index = 0; index < pages; ++index) *reinterpret_cast<volatile char*>(place + index * page) = 1;
    scheme = must(raw::scheme_create(), "scheme_create");
    pthread_t cloner, server;
    CHECK_EQUAL(pthread_create(&server, nullptr, serve, nullptr), 0);
    CHECK_EQUAL(pthread_create(&cloner, nullptr, clone_on_and_on, nullptr), 0);
    abi::Sqe entry {};
    entry.opcode = abi::first_free_opcode;
    for (int index = 0; index < calls; ++index) {
        // The kernel writes the answer into a page that is shared with the clones, or being shared at this moment.
        auto* const completion = reinterpret_cast<abi::Cqe*>(place + static_cast<std::uint64_t>(index * 7) % pages * page);
        entry.arguments[0] = static_cast<std::uint64_t>(index);
        CHECK_EQUAL(raw::scheme_call(scheme, &entry, completion, abi::no_deadline), 0);
        CHECK_EQUAL(completion->result, index);
    }
    over = true;
    abi::Cqe last {};
    must(raw::scheme_call(scheme, &entry, &last, abi::no_deadline), "the last call"); // so that the server sees that it is over
    CHECK_EQUAL(pthread_join(server, nullptr), 0);
    CHECK_EQUAL(pthread_join(cloner, nullptr), 0);
    return 0;
}
