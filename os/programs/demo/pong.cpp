// demo-pong: takes requests from the submission ring, answers into the completion ring, and announces answers with
// SIGUSR2. It sleeps on the ring when there is nothing to do.
#include "posix/ring/ring.h"
#include "programs/demo/trade.h"

#include <csignal>
#include <cstdio>
#include <cstdlib>

namespace {

using namespace orrery;
using namespace orrery::demo;

constexpr std::uint64_t announce_every = 8; // answers

volatile sig_atomic_t knocks = 0;
void on_knock(int) { knocks = knocks + 1; }

[[noreturn]] void give_up(const char* what, abi::Error error)
{
    std::printf("demo-pong: %s: %s\n", what, abi::sentence(error));
    std::exit(1);
}

} // namespace

int main()
{
    orrery_trace_enable(1);
    struct sigaction action {};
    action.sa_handler = on_knock;
    action.sa_flags = SA_RESTART;
    sigemptyset(&action.sa_mask);
    sigaction(SIGUSR1, &action, nullptr);

    auto submissions = ring::attach<ring::Consumer<abi::Sqe>, abi::Sqe>(ring_handle(0), submission_capacity);
    auto completions = ring::attach<ring::Producer<abi::Cqe>, abi::Cqe>(ring_handle(1), completion_capacity);
    if (!submissions || !completions) give_up("no rings", !submissions ? submissions.error() : completions.error());

    for (std::uint64_t answered = 0;; answered++) {
        abi::Sqe request;
        if (const auto error = submissions->pop_wait(request, abi::no_deadline, 0); error != abi::Error::none)
            give_up("popping", error);
        if (static_cast<Operation>(request.opcode) == Operation::finish) break;
        const abi::Cqe answer {
            .flags = 0, .extra = {}, .tag = request.tag, .result = request.arguments[0] * request.arguments[0]
        };
        if (const auto error = completions->push_wait(answer, abi::no_deadline, 0); error != abi::Error::none)
            give_up("pushing", error);
        if (answered % announce_every == announce_every - 1) kill(peer_number(), SIGUSR2);
    }
    std::printf("demo-pong: done, %d knocks\n", static_cast<int>(knocks));
    return EXIT_SUCCESS;
}
