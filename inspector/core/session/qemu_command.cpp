#include "inspector/core/session/qemu_command.h"

#include <cstdlib>
#include <unistd.h>

#include "inspector/core/text.h"

namespace orrery::inspector {

namespace {
constexpr const char* cpu_model =
    "qemu64,enforce,-svm,+ssse3,+sse4.1,+sse4.2,+popcnt,+fsgsbase,+smep,+smap,+umip,+rdtscp,+pdpe1gb,+xsave,"
    "+xsaveopt,+rdrand,+erms,+arat";

// A comma separates options; a doubled one is a comma.
std::string value(std::string_view text)
{
    std::string result;
    for (const char c : text)
        result.append(c == ',' ? 2 : 1, c);
    return result;
}

std::string inherited(int descriptor) { return "/proc/self/fd/" + std::to_string(descriptor); }
} // namespace

std::vector<std::string> qemu_arguments(
    const std::filesystem::path& program, const LaunchOptions& options, const QemuPlumbing& plumbing)
{
    const auto memory = std::to_string(options.memory_mebibytes) + "M";
    std::vector<std::string> arguments = { program.string(), "-nodefaults", "-no-user-config", "-display", "none",
        "-no-reboot", "-device", "isa-debug-exit,iobase=0xf4,iosize=4", "-M", "q35,memory-backend=ram", "-bios",
        "qboot.rom", "-cpu", cpu_model, "-accel", "tcg", "-m", memory, "-smp", std::to_string(options.cpus), "-object",
        "memory-backend-file,id=ram,size=" + memory + ",mem-path=" + inherited(plumbing.memory_file) + ",share=on",
        "-chardev",
        "socket,id=console,path=" + value(plumbing.console_socket)
            + ",server=on,wait=off,logfile=" + inherited(plumbing.console_file),
        "-serial", "chardev:console", "-chardev", "socket,id=monitor,fd=" + std::to_string(plumbing.monitor_socket),
        "-mon", "chardev=monitor,mode=control" };
    const auto add = [&](std::initializer_list<std::string> more) { arguments.insert(arguments.end(), more); };
    if (options.tcp_debug_address) {
        add({ "-gdb", "tcp:" + value(*options.tcp_debug_address) });
    } else {
        add({ "-chardev", "socket,id=debug,path=" + value(plumbing.debug_socket) + ",server=on,wait=off" });
        add({ "-gdb", "chardev:debug" });
    }
    if (options.icount_shift)
        add({ "-icount",
            "shift=" + std::to_string(*options.icount_shift) + ",sleep=" + (options.icount_sleep ? "on" : "off") });
    if (options.stopped_at_start) add({ "-S" });
    add({ "-kernel", options.kernel.string() });
    if (!options.command_line.empty()) add({ "-append", options.command_line });
    if (options.initrd) add({ "-initrd", options.initrd->string() });
    arguments.insert(arguments.end(), options.extra_arguments.begin(), options.extra_arguments.end());
    return arguments;
}

Result<std::filesystem::path> find_program(const std::filesystem::path& name)
{
    const auto runnable = [](const std::filesystem::path& path) {
        std::error_code error;
        return std::filesystem::is_regular_file(path, error) && ::access(path.c_str(), X_OK) == 0;
    };
    if (name.native().find('/') != std::string::npos) {
        std::error_code error;
        if (runnable(name)) return std::filesystem::absolute(name, error);
    } else if (const char* list = std::getenv("PATH")) {
        for (const auto part : split(list, ':'))
            if (const auto path = std::filesystem::path(part.empty() ? "." : part) / name; runnable(path)) return path;
    }
    return failure(ErrorCode::cannot_connect,
        "QEMU is not installed: there is no program " + name.string()
            + "; install it with `apt install qemu-system-x86` (7.2 or newer)");
}

} // namespace orrery::inspector
