#include "inspector/core/session/console.h"

#include <algorithm>
#include <sys/stat.h>
#include <unistd.h>

namespace orrery::inspector {

std::uint64_t Console::size() const
{
    struct stat facts {};
    if (!file_ || ::fstat(file_.get(), &facts) != 0) return 0;
    return static_cast<std::uint64_t>(facts.st_size);
}

std::string Console::text(std::uint64_t offset, std::size_t limit) const
{
    const auto end = size();
    if (offset >= end) return {};
    std::string text(std::min<std::uint64_t>(end - offset, limit), '\0');
    std::size_t done = 0;
    while (done < text.size()) {
        const auto count =
            ::pread(file_.get(), text.data() + done, text.size() - done, static_cast<off_t>(offset + done));
        if (count <= 0) break;
        done += static_cast<std::size_t>(count);
    }
    text.resize(done);
    return text;
}

} // namespace orrery::inspector
