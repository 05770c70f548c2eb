// Events: counts that are not lost, waiters that are served one after the other, time-outs, signals and rights.
#include <array>
#include <atomic>
#include <csignal>
#include <pthread.h>
#include <sys/time.h>

#include "check.h"

namespace {

using namespace orrery;
using namespace orrery::test;
namespace raw = orrery::runtime::raw;

std::uint64_t event, done;
std::atomic<std::uint64_t> total { 0 };
constexpr std::uint64_t rounds = 3000;

void* take(void*)
{
    while (total.load() < rounds) {
        const std::int64_t count = raw::event_wait(event, abi::no_deadline);
        CHECK(count > 0);
        total += static_cast<std::uint64_t>(count);
    }
    raw::event_signal(event); // the next one shall look as well
    total += 0;
    raw::event_signal(done);
    return nullptr;
}

void test_counts()
{
    std::array<pthread_t, 3> threads {};
    for (auto& thread : threads) CHECK_EQUAL(pthread_create(&thread, nullptr, take, nullptr), 0);
    for (std::uint64_t round = 0; round < rounds; ++round) CHECK_EQUAL(raw::event_signal(event), 0);
    for (auto thread : threads) CHECK_EQUAL(pthread_join(thread, nullptr), 0);
    CHECK(total.load() >= rounds);
    CHECK(total.load() <= rounds + threads.size());
    CHECK_EQUAL(raw::event_wait(done, abi::no_deadline), threads.size());
}

volatile sig_atomic_t alarms = 0;
void on_alarm(int) { alarms = alarms + 1; }

void test_what_ends_a_wait()
{
    const std::uint64_t quiet = must(raw::event_create(), "event_create");
    const std::uint64_t now = must(raw::clock_now(), "clock_now");
    CHECK_EQUAL(raw::event_wait(quiet, now + 1'000'000), error(abi::Error::timed_out));
    struct sigaction action {};
    action.sa_handler = on_alarm;
    CHECK_EQUAL(sigaction(SIGALRM, &action, nullptr), 0);
    itimerval timer {};
    timer.it_value.tv_usec = 5000;
    CHECK_EQUAL(setitimer(ITIMER_REAL, &timer, nullptr), 0);
    CHECK_EQUAL(raw::event_wait(quiet, abi::no_deadline), error(abi::Error::interrupted));
    CHECK_EQUAL(alarms, 1);
    raw::event_signal(quiet);
    raw::event_signal(quiet);
    CHECK_EQUAL(raw::event_wait(quiet, 0), 2); // what is there already needs no wait
    raw::handle_close(quiet);
}

void test_rights()
{
    const std::uint64_t deaf = must(raw::handle_duplicate(event, abi::right_signal), "handle_duplicate");
    const std::uint64_t mute = must(raw::handle_duplicate(event, abi::right_wait), "handle_duplicate");
    CHECK_EQUAL(raw::event_wait(deaf, 0), error(abi::Error::access_denied));
    CHECK_EQUAL(raw::event_signal(mute), error(abi::Error::access_denied));
    CHECK_EQUAL(raw::event_signal(own_space()), error(abi::Error::wrong_kind));
    CHECK_EQUAL(raw::event_signal(999), error(abi::Error::bad_handle));
}

} // namespace

int main()
{
    event = must(raw::event_create(), "event_create");
    done = must(raw::event_create(), "event_create");
    test_counts();
    test_what_ends_a_wait();
    test_rights();
    return 0;
}
