// Landlock (Linux's Documentation/userspace-api/landlock.rst), by its three system calls: glibc has no functions for them.
#include "inspector/lessons/confinement.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstdint>
#include <cstring>

#include "inspector/lessons/compose.h"

namespace orrery::inspector::lessons {

namespace {

constexpr std::uint64_t reading
    = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
// What the first version of Landlock knows; later rights stay unhandled, which allows them within these.
constexpr std::uint64_t everything = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1;
constexpr std::uint64_t of_files
    = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE;

void allow(int rules, const std::filesystem::path& path, std::uint64_t access)
{
    const Descriptor place(::open(path.c_str(), O_PATH | O_CLOEXEC));
    struct stat status {};
    if (!place || ::fstat(place.get(), &status) != 0) return;
    if (!S_ISDIR(status.st_mode)) access &= of_files;
    const landlock_path_beneath_attr rule { .allowed_access = access, .parent_fd = place.get() };
    // A rule that the kernel does not take allows less, never more.
    ::syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
}

} // namespace

std::string confinement_problem()
{
    if (::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION) >= 1) return {};
    return compose("this Linux can't confine programs (Landlock: {}), so hand-ins are compiled with all rights of your "
                   "account; grade strangers' work in a container",
        std::strerror(errno));
}

Descriptor prepare_confinement(const Confinement& confinement)
{
    const landlock_ruleset_attr handled { .handled_access_fs = everything };
    Descriptor rules(
        static_cast<int>(::syscall(SYS_landlock_create_ruleset, &handled, sizeof handled.handled_access_fs, 0)));
    if (!rules) return {};
    for (const auto& path : confinement.readable) allow(rules.get(), path, reading);
    for (const auto& path : confinement.writable) allow(rules.get(), path, everything);
    return rules;
}

bool enter_confinement(int rules)
{
    return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && ::syscall(SYS_landlock_restrict_self, rules, 0) == 0;
}

} // namespace orrery::inspector::lessons
