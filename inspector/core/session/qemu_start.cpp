// What stands between a command line and a running QEMU: its version, and the reasons why it does not start.
#include <array>
#include <charconv>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "inspector/core/session/console.h"
#include "inspector/core/session/keeper.h"
#include "inspector/core/session/qemu_command.h"
#include "inspector/core/text.h"

namespace orrery::inspector {

namespace {
struct KnownFailure {
    std::string_view words; // of QEMU
    std::string_view sentence;
};
constexpr std::array known_failures = {
    KnownFailure { "qboot.rom", "QEMU finds no firmware qboot.rom; install it with `apt install qemu-system-data`" },
    KnownFailure { "Address already in use",
        "the debug address is in use: another program listens there; end it, or choose another port" },
    KnownFailure {
        "Cannot assign requested address", "the debug address is not one of this machine; choose 127.0.0.1" },
    KnownFailure { "Cannot allocate memory",
        "the host has not enough memory for the guest; give it less (-m), or end other programs" },
    KnownFailure { "No space left on device",
        "the host has no room for the guest's memory; give it less, or make room in /dev/shm" },
    KnownFailure { "without PVH ELF Note",
        "the kernel file is an ELF without PVH entry, so QEMU can't boot it; it is no Orrery kernel" },
    KnownFailure { "invalid kernel header", "the kernel file is no kernel that QEMU knows; build it anew" },
    KnownFailure { "could not load kernel", "QEMU can't read the kernel file; build it anew" },
    KnownFailure { "error loading", "QEMU can't load the kernel or initrd; build them anew" },
    KnownFailure { "error reading initrd", "QEMU can't read the initrd; build it anew" },
    KnownFailure { "not supported for 'smp'", "recording and replay need a guest with one CPU; use cpus = 1" },
};

std::string last_line(std::string text)
{
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' '))
        text.pop_back();
    const auto start = text.rfind('\n');
    return printable(start == std::string::npos ? text : text.substr(start + 1), 300);
}
} // namespace

std::optional<std::string> complaint_about_version(int major, int minor)
{
    if (std::pair(major, minor) >= std::pair(oldest_qemu_major, oldest_qemu_minor)) return std::nullopt;
    return "QEMU " + std::to_string(major) + "." + std::to_string(minor)
        + " is too old: 7.2 or newer is needed; install "
          "it with `apt install qemu-system-x86` on Debian 12 or newer";
}

Result<std::string> qemu_version(const std::filesystem::path& program)
{
    // stdout goes where stderr goes, and into a file: nobody has to drain it.
    Descriptor output { ::memfd_create("orrery-version", MFD_CLOEXEC) };
    if (!output) return failure(ErrorCode::system, "can't make a memory file");
    const auto shell_free = std::vector<std::string> { program.string(), "--version" };
    auto keeper = TRY(Keeper::start({ .arguments = shell_free,
        .inherited = {},
        .standard_error = output.get(),
        .files = {},
        .standard_output_too = true }));
    const auto exit = keeper->wait(deadline_in(std::chrono::seconds { 5 }));
    const auto text = Console(std::move(output)).text(0, 4096);
    static constexpr std::string_view mark = "QEMU emulator version ";
    const auto at = text.find(mark);
    if (!exit || exit->by_signal || exit->number != 0 || at == std::string::npos)
        return failure(ErrorCode::unsupported,
            program.string() + " is no QEMU: it does not tell its version (\"" + last_line(text) + "\")");
    auto version = text.substr(at + mark.size());
    version.resize(std::min(version.find_first_not_of("0123456789."), version.size()));
    return version;
}

std::string explain_failed_start(const std::filesystem::path& program, const LaunchOptions& options,
    const std::string& standard_error, const std::string& exit_sentence)
{
    for (const auto& known : known_failures)
        if (standard_error.find(known.words) != std::string::npos)
            return std::string(known.sentence) + " (QEMU says: " + last_line(standard_error) + ")";
    // An old QEMU dies of options that it does not know.
    const auto version = qemu_version(program);
    if (!version) return version.error().sentence;
    const auto parts = split(*version, '.');
    int major = 0, minor = 0;
    std::from_chars(parts[0].data(), parts[0].data() + parts[0].size(), major);
    if (parts.size() > 1) std::from_chars(parts[1].data(), parts[1].data() + parts[1].size(), minor);
    if (auto complaint = complaint_about_version(major, minor)) return *complaint;
    return "QEMU did not start the kernel " + options.kernel.string() + ": " + exit_sentence;
}

} // namespace orrery::inspector
