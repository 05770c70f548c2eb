// A front end that starts a guest, says where it is, and then waits to be killed (a part of qemu_failures_test).
#include <cstdio>
#include <thread>
#include <unistd.h>

#include "inspector/core/session/session.h"

int main(int count, char** arguments)
{
    using namespace orrery::inspector;
    if (count < 2) return 2;
    LaunchOptions options;
    options.kernel = arguments[1];
    options.memory_mebibytes = 32;
    // In a thread that ends: QEMU must outlive the thread that started it, but not the process.
    std::unique_ptr<Session> session;
    std::thread([&] {
        auto launched = Session::launch(options);
        if (launched) session = std::move(*launched);
    }).join();
    if (!session || session->state() != GuestState::running) return 3;
    std::printf("%s\n", session->debug_address().c_str());
    std::fflush(stdout);
    while (true)
        ::pause();
}
