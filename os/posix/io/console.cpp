// File descriptors, as far as there are any yet: 0 is at end-of-file, 1 and 2 are the console. Everything else is
// EBADF, and there is no file system, so open() fails with ENOENT for every name.
#include "posix/runtime/syscall.h"
#include "posix/runtime/thread.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace {

using namespace orrery;

int fail(int error)
{
    errno = error;
    return -1;
}

constexpr bool is_standard(int descriptor) { return descriptor >= 0 && descriptor <= 2; }

} // namespace

extern "C" {

ssize_t write(int descriptor, const void* buffer, size_t size)
{
    if (descriptor != 1 && descriptor != 2) return fail(EBADF);
    if (runtime::process_state.console == 0) return fail(EIO);
    const auto* bytes = static_cast<const char*>(buffer);
    size_t done = 0;
    while (done < size) {
        const std::int64_t result =
            runtime::raw::console_write(runtime::process_state.console, bytes + done, size - done);
        if (result < 0) return done != 0 ? static_cast<ssize_t>(done) : runtime::posix_result(result);
        // A console that takes nothing would keep us here for ever.
        if (result == 0) break;
        done += static_cast<size_t>(result);
    }
    return static_cast<ssize_t>(done);
}

ssize_t read(int descriptor, void*, size_t) { return descriptor == 0 ? 0 : fail(EBADF); }

int close(int descriptor) { return is_standard(descriptor) ? 0 : fail(EBADF); }

off_t lseek(int descriptor, off_t, int) { return is_standard(descriptor) ? fail(ESPIPE) : fail(EBADF); }

int fstat(int descriptor, struct stat* status)
{
    if (!is_standard(descriptor)) return fail(EBADF);
    std::memset(status, 0, sizeof *status);
    status->st_mode = S_IFCHR | S_IRUSR | S_IWUSR;
    status->st_blksize = 1024;
    return 0;
}

int isatty(int descriptor)
{
    if (is_standard(descriptor)) return 1;
    errno = EBADF;
    return 0;
}

int open(const char*, int, ...) { return fail(ENOENT); }

int unlink(const char*) { return fail(ENOENT); }

int link(const char*, const char*) { return fail(ENOENT); }

int stat(const char*, struct stat*) { return fail(ENOENT); }

} // extern "C"
