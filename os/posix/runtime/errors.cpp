// Kernel errors as errno.
#include "posix/runtime/syscall.h"

#include <cerrno>

namespace orrery::runtime {

int errno_of(abi::Error error)
{
    using abi::Error;
    switch (error) {
    case Error::none: return 0;
    case Error::invalid_argument: return EINVAL;
    case Error::bad_handle: return EBADF;
    case Error::wrong_kind: return EBADF;
    case Error::access_denied: return EPERM;
    case Error::bad_address: return EFAULT;
    case Error::out_of_memory: return ENOMEM;
    case Error::limit_reached: return EAGAIN;
    case Error::would_block: return EAGAIN;
    case Error::interrupted: return EINTR;
    case Error::timed_out: return ETIMEDOUT;
    case Error::not_found: return ENOENT;
    case Error::already_exists: return EEXIST;
    case Error::unsupported: return ENOSYS;
    case Error::terminated: return ESRCH;
    case Error::peer_closed: return EPIPE;
    case Error::broken: return EIO;
    case Error::not_present: return EAGAIN;
    }
    return EIO;
}

long posix_result(std::int64_t returned)
{
    if (returned >= 0) return static_cast<long>(returned);
    errno = errno_of(static_cast<abi::Error>(-returned));
    return -1;
}

} // namespace orrery::runtime
