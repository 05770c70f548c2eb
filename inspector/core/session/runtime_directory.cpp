#include "inspector/core/session/runtime_directory.h"

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace orrery::inspector {

namespace {
constexpr std::string_view prefix = "orrery-";
// A unix socket's path has 107 bytes: what is left must hold "/orrery-1234567-XXXXXX/console".
constexpr std::size_t longest_base = 70;

void remove_stale(const std::filesystem::path& base)
{
    std::error_code error;
    for (std::filesystem::directory_iterator entry(base, error), end; !error && entry != end; entry.increment(error)) {
        const auto name = entry->path().filename().string();
        if (!name.starts_with(prefix)) continue;
        long pid = 0;
        const auto* begin = name.data() + prefix.size();
        const auto [stop, status] = std::from_chars(begin, name.data() + name.size(), pid);
        if (status != std::errc {} || stop == name.data() + name.size() || *stop != '-' || pid <= 0) continue;
        if (::kill(static_cast<pid_t>(pid), 0) == 0 || errno != ESRCH) continue;
        struct stat facts {};
        if (::lstat(entry->path().c_str(), &facts) != 0 || !S_ISDIR(facts.st_mode) || facts.st_uid != ::geteuid())
            continue;
        std::error_code ignored;
        std::filesystem::remove_all(entry->path(), ignored);
    }
}
} // namespace

Result<std::filesystem::path> make_runtime_directory()
{
    std::vector<std::filesystem::path> bases;
    if (const char* runtime = std::getenv("XDG_RUNTIME_DIR"); runtime && *runtime) bases.emplace_back(runtime);
    bases.emplace_back("/tmp");
    std::string reasons;
    for (const auto& base : bases) {
        if (base.native().size() > longest_base) continue;
        remove_stale(base);
        auto name = (base / (std::string(prefix) + std::to_string(::getpid()) + "-XXXXXX")).string();
        if (::mkdtemp(name.data())) return std::filesystem::path(name);
        reasons += (reasons.empty() ? "" : ", ") + base.string() + ": " + std::strerror(errno);
    }
    return failure(ErrorCode::system,
        "can't make a directory for the guest's sockets (" + reasons
            + "); make room there, or point XDG_RUNTIME_DIR to a directory that can be written");
}

} // namespace orrery::inspector
