// Schemes between processes: answers, buffers, handles, a signal that cancels, many callers, and both sides' deaths.
#include <array>
#include <atomic>
#include <csignal>
#include <cstring>
#include <ctime>
#include <iterator>
#include <pthread.h>
#include <sys/time.h>
#include <unistd.h>

#include "scheme_process.h"

namespace {

using namespace orrery;
using namespace orrery::test;
namespace raw = orrery::runtime::raw;

// The server's protocol.
enum Request : std::uint8_t { twice = abi::first_free_opcode, reverse, keep, map_gift, die };

std::uint64_t answer(const abi::Sqe& entry, std::uint64_t scheme)
{
    switch (entry.opcode) {
    case twice: return entry.arguments[0] * 2;
    case reverse: {
        static char bytes[abi::scheme_copy_maximum];
        const std::uint64_t length = entry.arguments[abi::buffer_argument + 1];
        if (raw::scheme_copy(scheme, entry.tag, 0, bytes, length, abi::SchemeCopy::from_caller) != 0)
            return abi::result_word(abi::Error::bad_address);
        for (std::uint64_t low = 0, high = length; low + 1 < high; ++low)
            std::swap(bytes[low], bytes[--high]);
        return static_cast<std::uint64_t>(
            raw::scheme_copy(scheme, entry.tag, 0, bytes, length, abi::SchemeCopy::to_caller));
    }
    case map_gift: { // writes into the memory that the caller has passed
        const auto gift = abi::HandleGift::from_word(entry.arguments[abi::gift_argument]);
        const std::int64_t place = raw::memory_map(
            own_space(), gift.handle, 0, 0, page, abi::protection_read | abi::protection_write);
        if (place < 0) return static_cast<std::uint64_t>(place);
        std::strcpy(reinterpret_cast<char*>(place), "from the server");
        raw::memory_unmap(own_space(), place, page);
        raw::handle_close(gift.handle);
        return 0;
    }
    default: return abi::result_word(abi::Error::unsupported);
    }
}

// `keep` is answered when its caller cancels it, `die` never.
[[noreturn]] void serve()
{
    const std::uint64_t scheme = auxiliary(abi::Auxiliary::scheme_handle);
    abi::Sqe entry {};
    abi::Cqe completion {};
    bool has_answer = false;
    for (;;) {
        must(raw::scheme_receive(scheme, has_answer ? &completion : nullptr, &entry, abi::no_deadline), "scheme_receive");
        has_answer = true;
        completion = { .flags = 0, .extra = {}, .tag = entry.tag, .result = 0 };
        if (entry.opcode == die) _exit(3);
        if (entry.opcode == keep) has_answer = false;
        else if (entry.opcode == static_cast<std::uint8_t>(abi::SchemeOpcode::cancel))
            completion.result = abi::result_word(abi::Error::interrupted);
        else completion.result = answer(entry, scheme);
    }
}

constexpr const char* program = "test-scheme";

abi::Sqe entry_of(Request request, std::uint64_t argument = 0)
{
    abi::Sqe entry {};
    entry.opcode = request;
    entry.arguments[0] = argument;
    return entry;
}

std::int64_t call(std::uint64_t scheme, const abi::Sqe& entry, abi::Cqe& completion, std::uint64_t deadline = abi::no_deadline)
{
    return raw::scheme_call(scheme, &entry, &completion, deadline);
}

void test_answers(const Server& server)
{
    abi::Cqe completion {};
    for (std::uint64_t value = 0; value < 100; ++value) {
        CHECK_EQUAL(call(server.scheme, entry_of(twice, value), completion), 0);
        CHECK_EQUAL(completion.result, 2 * value);
    }
    abi::Sqe entry = entry_of(twice);
    entry.opcode = 15; // below are the kernel's own
    CHECK_EQUAL(call(server.scheme, entry, completion), error(abi::Error::invalid_argument));
    CHECK_EQUAL(raw::scheme_call(server.scheme, 0, &completion, 0), error(abi::Error::bad_address));
    CHECK_EQUAL(raw::scheme_call(server.scheme, &entry, 0, 0), error(abi::Error::invalid_argument));
    entry = entry_of(twice, 4);
    CHECK_EQUAL(raw::scheme_call(server.scheme, &entry, 0, abi::no_deadline), error(abi::Error::bad_address));
    CHECK_EQUAL(raw::scheme_receive(server.scheme, 0, &entry, 0), error(abi::Error::access_denied));
    CHECK_EQUAL(raw::scheme_call(own_space(), &entry, &completion, 0), error(abi::Error::wrong_kind));
}

void test_buffers(const Server& server)
{
    abi::Cqe completion {};
    static char text[3 * page];
    for (std::size_t i = 0; i < sizeof(text); ++i) text[i] = static_cast<char>(i * 7);
    abi::Sqe entry = entry_of(reverse);
    entry.arguments[abi::buffer_argument] = reinterpret_cast<std::uint64_t>(text) + 11;
    entry.arguments[abi::buffer_argument + 1] = 2 * page + 5;
    CHECK_EQUAL(call(server.scheme, entry, completion), 0);
    CHECK_EQUAL(completion.result, abi::result_word(abi::Error::bad_address)); // not offered
    entry.flags = abi::sqe_readable_buffer | abi::sqe_writable_buffer;
    CHECK_EQUAL(call(server.scheme, entry, completion), 0);
    CHECK_EQUAL(completion.result, 0);
    const std::size_t begin = 11, end = 11 + 2 * page + 5;
    for (std::size_t i = 0; i < sizeof(text); ++i) {
        const std::size_t origin = i >= begin && i < end ? begin + end - 1 - i : i;
        CHECK_EQUAL(text[i], static_cast<char>(origin * 7));
    }
    entry.arguments[abi::buffer_argument] = 0x1000; // nobody's
    CHECK_EQUAL(call(server.scheme, entry, completion), 0);
    CHECK_EQUAL(completion.result, abi::result_word(abi::Error::bad_address));
}

void test_handles(const Server& server)
{
    abi::Cqe completion {};
    const std::uint64_t memory = must(raw::memory_create(page, 0), "memory_create");
    const auto* bytes = reinterpret_cast<const char*>(
        must(raw::memory_map(own_space(), memory, 0, 0, page, abi::protection_read), "memory_map"));
    abi::Sqe entry = entry_of(map_gift);
    entry.flags = abi::sqe_passes_handle;
    entry.arguments[abi::gift_argument]
        = abi::HandleGift { static_cast<abi::Handle>(memory), abi::right_read | abi::right_write }.word();
    CHECK_EQUAL(call(server.scheme, entry, completion), 0);
    CHECK_EQUAL(completion.result, 0);
    CHECK(std::strcmp(bytes, "from the server") == 0);
    entry.arguments[abi::gift_argument] = abi::HandleGift { 4000, abi::right_read }.word();
    CHECK_EQUAL(call(server.scheme, entry, completion), error(abi::Error::bad_handle));
    entry.arguments[abi::gift_argument]
        = abi::HandleGift { static_cast<abi::Handle>(server.scheme), abi::right_serve }.word();
    CHECK_EQUAL(call(server.scheme, entry, completion), error(abi::Error::access_denied)); // more than it has
}

volatile sig_atomic_t alarms = 0;
void count_alarm(int) { alarms = alarms + 1; }

void test_signals_and_time(const Server& server)
{
    struct sigaction action {};
    action.sa_handler = count_alarm;
    CHECK_EQUAL(sigaction(SIGALRM, &action, nullptr), 0);
    itimerval timer {};
    timer.it_value.tv_usec = 20'000;
    abi::Cqe completion {};
    CHECK_EQUAL(setitimer(ITIMER_REAL, &timer, nullptr), 0);
    CHECK_EQUAL(call(server.scheme, entry_of(keep), completion), 0);
    CHECK_EQUAL(completion.result, abi::result_word(abi::Error::interrupted));
    CHECK_EQUAL(alarms, 1);
    const std::uint64_t now = must(raw::clock_now(), "clock_now");
    CHECK_EQUAL(call(server.scheme, entry_of(keep), completion, now + 10'000'000), error(abi::Error::timed_out));
    CHECK_EQUAL(call(server.scheme, entry_of(twice, 8), completion), 0); // the server is none the worse
    CHECK_EQUAL(completion.result, 16);
}

std::uint64_t shared_scheme;
std::atomic<int> wrong { 0 };
void* call_often(void*)
{
    abi::Cqe completion {};
    for (std::uint64_t value = 0; value < 500; ++value)
        if (call(shared_scheme, entry_of(twice, value), completion) != 0 || completion.result != 2 * value) ++wrong;
    return nullptr;
}

void test_many_callers(const Server& server)
{
    shared_scheme = server.scheme;
    std::array<pthread_t, 8> threads {};
    for (auto& thread : threads) CHECK_EQUAL(pthread_create(&thread, nullptr, call_often, nullptr), 0);
    for (const auto thread : threads) CHECK_EQUAL(pthread_join(thread, nullptr), 0);
    CHECK_EQUAL(wrong.load(), 0);
}

std::atomic<int> refused { 0 };
void* call_in_vain(void* request)
{
    abi::Cqe completion {};
    if (call(shared_scheme, entry_of(static_cast<Request>(reinterpret_cast<std::uintptr_t>(request))), completion)
        == error(abi::Error::peer_closed))
        ++refused;
    return nullptr;
}

// The server ends by itself in the middle of a call, or is killed over several: each caller hears of it.
void test_dying_servers()
{
    for (const bool killed : { false, true }) {
        const Server server = start_server(program);
        shared_scheme = server.scheme;
        refused = 0;
        std::array<pthread_t, 4> threads {};
        for (auto& thread : threads) CHECK_EQUAL(pthread_create(&thread, nullptr, call_in_vain, reinterpret_cast<void*>(keep)), 0);
        abi::Cqe completion {};
        CHECK_EQUAL(call(server.scheme, entry_of(twice, 1), completion), 0); // all kept calls may be there by now, or not
        if (killed) CHECK_EQUAL(orrery_kill(server.process.space, SIGKILL), 0);
        else CHECK_EQUAL(call(server.scheme, entry_of(die), completion), error(abi::Error::peer_closed));
        for (const auto thread : threads) CHECK_EQUAL(pthread_join(thread, nullptr), 0);
        CHECK_EQUAL(refused.load(), 4);
        CHECK_EQUAL(call(server.scheme, entry_of(twice, 1), completion), error(abi::Error::peer_closed));
        stop_server(server, 0);
    }
}

// A process that is killed while its call is with the server.
void test_dying_callers(const Server& server)
{
    for (int round = 0; round < 5; ++round) {
        const auto caller = start(program, "call-and-wait", server.scheme, abi::right_call);
        const timespec time { .tv_sec = 0, .tv_nsec = round * 3'000'000 };
        nanosleep(&time, nullptr); // at whatever point of it
        CHECK_EQUAL(orrery_kill(caller.space, SIGKILL), 0);
        const auto status = process::wait_for_end(caller);
        CHECK(status.has_value());
        CHECK_EQUAL(status->signal, SIGKILL);
        abi::Cqe completion {};
        CHECK_EQUAL(call(server.scheme, entry_of(twice, 3), completion), 0);
        CHECK_EQUAL(completion.result, 6);
    }
}

} // namespace

int main(int count, char** arguments)
{
    if (count > 1 && std::strcmp(arguments[1], "serve") == 0) serve();
    if (count > 1) { // call-and-wait
        abi::Cqe completion {};
        call(auxiliary(abi::Auxiliary::scheme_handle), entry_of(keep), completion);
        return 1;
    }
    const Server server = start_server(program);
    test_answers(server);
    test_buffers(server);
    test_handles(server);
    test_signals_and_time(server);
    test_many_callers(server);
    test_dying_callers(server);
    stop_server(server, SIGTERM);
    test_dying_servers();
    return 0;
}
