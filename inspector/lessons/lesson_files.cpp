// Bounded, contained file access.
#include "inspector/lessons/lesson_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "inspector/core/text.h"
#include "inspector/lessons/compose.h"

namespace orrery::inspector::lessons {

namespace fs = std::filesystem;

namespace {

struct Descriptor {
    explicit Descriptor(int number)
        : number(number)
    {
    }
    ~Descriptor()
    {
        if (number >= 0) ::close(number);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    int number;
};

std::string shown(const fs::path& path) { return printable(path.string(), 200); }

} // namespace

Result<std::string> read_text_file(const fs::path& file)
{
    // O_NONBLOCK: opening a pipe that nobody writes would wait for ever; what is no file is refused below.
    const Descriptor descriptor(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (descriptor.number < 0) return failure(compose("can't open {}: {}", shown(file), std::strerror(errno)));
    struct stat status {};
    if (::fstat(descriptor.number, &status) != 0)
        return failure(compose("can't examine {}: {}", shown(file), std::strerror(errno)));
    if (!S_ISREG(status.st_mode)) return failure(compose("{} is not a regular file", shown(file)));
    std::string text;
    char block[16384];
    // Read to the end and not to st_size: the file may grow meanwhile.
    while (true) {
        const auto count = ::read(descriptor.number, block, sizeof block);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return failure(compose("can't read {}: {}", shown(file), std::strerror(errno)));
        if (count == 0) return text;
        text.append(block, static_cast<std::size_t>(count));
        if (text.size() > maximum_file_size)
            return failure(
                compose("{} is larger than {} bytes, the most that is read", shown(file), maximum_file_size));
    }
}

Result<fs::path> inside(const fs::path& folder, std::string_view name)
{
    const auto display = printable(name, 100);
    if (name.empty() || name.find('\0') != std::string_view::npos)
        return failure(compose("\"{}\" is not a file name", display));
    const fs::path relative { std::string(name) };
    if (relative.is_absolute())
        return failure(compose("\"{}\" is an absolute path; it must be relative to its folder", display));
    for (const auto& part : relative)
        if (part == "..") return failure(compose("\"{}\" leads out of its folder", display));
    std::error_code problem;
    const auto root = fs::canonical(folder, problem);
    if (problem) return failure(compose("can't open the folder {}: {}", shown(folder), problem.message()));
    const auto resolved = fs::canonical(root / relative, problem);
    if (problem) return failure(compose("can't find \"{}\": {}", display, problem.message()));
    const auto [end, ignored] = std::mismatch(root.begin(), root.end(), resolved.begin(), resolved.end());
    if (end != root.end()) return failure(compose("\"{}\" is a link that leads out of its folder", display));
    return resolved;
}

Result<fs::path> file_inside(const fs::path& folder, std::string_view name)
{
    auto path = inside(folder, name);
    std::error_code problem;
    if (path && !fs::is_regular_file(*path, problem))
        return failure(compose("\"{}\" is not a regular file", printable(name, 100)));
    return path;
}

Result<fs::path> folder_inside(const fs::path& folder, std::string_view name)
{
    auto path = inside(folder, name);
    std::error_code problem;
    if (path && !fs::is_directory(*path, problem))
        return failure(compose("\"{}\" is not a folder", printable(name, 100)));
    return path;
}

} // namespace orrery::inspector::lessons
