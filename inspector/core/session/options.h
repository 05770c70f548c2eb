// How a guest is started, or which one is joined.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace orrery::inspector {

struct LaunchOptions {
    std::filesystem::path kernel {}; // ELF with a PVH note
    std::optional<std::filesystem::path> initrd {}; // one module
    std::string command_line {};
    unsigned memory_mebibytes = 128;
    unsigned cpus = 2;
    std::optional<unsigned> icount_shift {}; // deterministic: 2^shift ns of guest time an instruction
    bool icount_sleep = false; // idle time passes at wall-clock speed
    bool stopped_at_start = false; // -S: the first instruction waits for run()
    std::vector<std::string> extra_arguments {}; // to QEMU, last
    std::optional<std::string> tcp_debug_address {}; // "127.0.0.1:1234": the stub listens here and not on a private
                                                     // socket, for another debugger; this session then takes no control
    std::filesystem::path qemu = "qemu-system-x86_64"; // found through PATH if without '/'
    std::chrono::milliseconds start_timeout { 15000 };
};

struct AttachTarget {
    std::string address {}; // "HOST:PORT", ":PORT" or the path of a unix socket, of the debug stub
    std::optional<std::string> qmp_path {}; // of QEMU's QMP socket, if there is one: then its events rule the run state
    std::chrono::milliseconds timeout { 5000 };
};

} // namespace orrery::inspector
