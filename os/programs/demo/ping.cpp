// demo-ping: pushes requests into the submission ring, takes answers from the completion ring, and now and then signals
// the other side. For some time in every round it blocks SIGUSR2, so that the signal can be seen waiting.
//
// count=N ends after N requests (default: never). pace=MS is the rest between requests, in milliseconds (default 40).
#include "posix/ring/ring.h"
#include "programs/demo/trade.h"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <unistd.h>

namespace {

using namespace orrery;
using namespace orrery::demo;

constexpr std::uint64_t signal_every = 8; // requests
constexpr std::uint64_t round_length = 64; // requests: in the second half of a round SIGUSR2 is blocked
constexpr std::uint64_t handler_rest = 60; // ms: long enough to be seen

volatile sig_atomic_t answers_announced = 0;
volatile sig_atomic_t nested_runs = 0;
std::uint64_t handler_pace = handler_rest;

// Runs inside the other handler: two frames on the stack.
void on_nested(int)
{
    nested_runs = nested_runs + 1;
    rest(handler_pace);
}

void on_announcement(int)
{
    answers_announced = answers_announced + 1;
    rest(handler_pace);
    raise(SIGWINCH);
}

void install(int number, void (*handler)(int))
{
    struct sigaction action {};
    action.sa_handler = handler;
    action.sa_flags = SA_RESTART;
    sigemptyset(&action.sa_mask);
    sigaction(number, &action, nullptr);
}

void hold_back_announcements(bool hold)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    sigprocmask(hold ? SIG_BLOCK : SIG_UNBLOCK, &set, nullptr);
}

[[noreturn]] void give_up(const char* what, abi::Error error)
{
    std::printf("demo-ping: %s: %s\n", what, abi::sentence(error));
    std::exit(1);
}

} // namespace

int main(int argc, char** argv)
{
    const std::uint64_t count = option(argc, argv, "count", 0);
    const std::uint64_t pace = option(argc, argv, "pace", 40);
    if (pace == 0) handler_pace = 0;
    orrery_trace_enable(1);
    install(SIGUSR2, on_announcement);
    install(SIGWINCH, on_nested);

    auto submissions = ring::attach<ring::Producer<abi::Sqe>, abi::Sqe>(ring_handle(0), submission_capacity);
    auto completions = ring::attach<ring::Consumer<abi::Cqe>, abi::Cqe>(ring_handle(1), completion_capacity);
    if (!submissions || !completions) give_up("no rings", !submissions ? submissions.error() : completions.error());

    std::uint64_t answered = 0;
    const auto take = [&](const abi::Cqe& answer) {
        const std::uint64_t number = answered++;
        if (answer.tag != static_cast<std::uint32_t>(number) || answer.result != number * number) {
            std::printf("demo-ping: answer %llu is wrong\n", static_cast<unsigned long long>(number));
            std::exit(1);
        }
    };

    for (std::uint64_t number = 0; count == 0 || number < count; number++) {
        const abi::Sqe request { .opcode = static_cast<std::uint8_t>(Operation::square),
            .flags = 0,
            .priority = 0,
            .tag = static_cast<std::uint32_t>(number),
            .arguments = { number, 0, 0, 0, 0, 0 },
            .caller = 0 };
        if (const auto error = submissions->push_wait(request, abi::no_deadline, 0); error != abi::Error::none)
            give_up("pushing", error);
        // Not before the first answers have come: they tell that the other has installed its handler.
        if (answered != 0 && number % signal_every == 0) kill(peer_number(), SIGUSR1);
        if (number % round_length == round_length / 2) hold_back_announcements(true);
        if (number % round_length == 0) {
            hold_back_announcements(false);
            if (pace != 0)
                std::printf("demo-ping: %llu requests, %d announcements\n", static_cast<unsigned long long>(number),
                    static_cast<int>(answers_announced));
        }

        // Answers may pile up a little, so that the ring is seen to fill; then all are taken.
        if (number % 4 == 3) {
            while (answered <= number) {
                abi::Cqe answer;
                if (const auto error = completions->pop_wait(answer, abi::no_deadline, 0); error != abi::Error::none)
                    give_up("popping", error);
                take(answer);
            }
        }
        if (pace != 0) rest(pace);
    }

    hold_back_announcements(false);
    const abi::Sqe last { .opcode = static_cast<std::uint8_t>(Operation::finish) };
    if (const auto error = submissions->push_wait(last, abi::no_deadline, 0); error != abi::Error::none)
        give_up("pushing", error);
    while (answered < count) {
        abi::Cqe answer;
        if (const auto error = completions->pop_wait(answer, abi::no_deadline, 0); error != abi::Error::none)
            give_up("popping", error);
        take(answer);
    }
    std::printf("demo-ping: %llu requests answered, %d announcements, %d nested handlers\n",
        static_cast<unsigned long long>(answered), static_cast<int>(answers_announced), static_cast<int>(nested_runs));
    return nested_runs == answers_announced ? EXIT_SUCCESS : EXIT_FAILURE;
}
