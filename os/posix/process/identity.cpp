// Who a process is: POSIX.1-2024 getpid, getppid, getpgrp, getuid and its family. Numbers come from whoever made the
// process; they are names, not authority.
#include "posix/runtime/thread.h"

#include "abi/startup.h"

#include <orrery/orrery.h>
#include <unistd.h>

extern "C" {

char** environ = nullptr;

pid_t getpid() { return static_cast<pid_t>(orrery::runtime::process_state.process_id); }

// 0 if the maker did not introduce itself.
pid_t getppid()
{
    return static_cast<pid_t>(
        orrery_auxiliary(static_cast<std::uint64_t>(orrery::abi::Auxiliary::parent_process_id), 0, 0));
}

// Every process is its own group: there is no process manager yet that could say otherwise.
pid_t getpgrp() { return getpid(); }

uid_t getuid() { return 0; }
uid_t geteuid() { return 0; }
gid_t getgid() { return 0; }
gid_t getegid() { return 0; }

} // extern "C"
