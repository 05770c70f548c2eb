// The keeper: a small process between us and QEMU that ends QEMU and removes its files when we die, however we die.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

#include "inspector/core/cancellation.h"
#include "inspector/core/descriptor.h"
#include "inspector/core/result.h"

namespace orrery::inspector {

// Why a process of its own: QEMU must die with us even by SIGKILL. PR_SET_PDEATHSIG alone fires when the *thread* that
// forked ends, which in a program with a worker thread is not our end; and nothing else would remove the sockets. The
// keeper has one thread, so QEMU's PR_SET_PDEATHSIG on it is exact, and it sees our end as the end of a pipe.
class Keeper {
public:
    struct Order {
        std::vector<std::string> arguments {}; // [0] = path of the program
        std::vector<int> inherited {}; // descriptors that it gets under the same numbers
        int standard_error = -1;
        std::vector<std::string> files {}; // removed afterwards, in order; directories too, if empty
        bool standard_output_too = false; // joins standard error; else it is thrown away
    };
    struct Exit {
        bool by_signal = false;
        int number = 0;
        int execute_error = 0; // errno, if the program could not even be executed
    };

    // Errors: system.
    static Result<std::unique_ptr<Keeper>> start(const Order& order);
    // terminate(), if that has not been done.
    ~Keeper();
    Keeper(const Keeper&) = delete;
    Keeper& operator=(const Keeper&) = delete;

    pid_t child() const { return child_; } // QEMU's process id
    // Readable once it has ended.
    int descriptor() const { return status_.get(); }
    // Waits for its end. nullopt: it still runs at the deadline.
    std::optional<Exit> wait(Deadline deadline);
    // SIGTERM, after two seconds SIGKILL; returns when process and files are gone.
    Exit terminate();

private:
    Keeper(pid_t keeper, Descriptor lifeline, Descriptor status)
        : keeper_(keeper)
        , lifeline_(std::move(lifeline))
        , status_(std::move(status))
    {
    }
    struct Message;
    std::optional<Message> receive(Deadline deadline);
    void reap();

    pid_t keeper_ = -1, child_ = -1;
    Descriptor lifeline_, status_;
    std::optional<Exit> exit_;
};

} // namespace orrery::inspector
