// Reads the guest's kernel structures into a Snapshot: bounded, checked, and never disturbing the guest.
#pragma once

#include <filesystem>
#include <map>
#include <mutex>
#include <span>
#include <string>

#include "inspector/core/debuginfo/debuginfo.h"
#include "inspector/core/osmodel/snapshot.h"
#include "inspector/core/ram/physical_memory.h"

namespace orrery::inspector {

// By the name of the address space that runs it, which is the file's name in the initrd.
using ProgramMap = std::map<std::string, DebugInfoPointer>;

// Every file of a folder whose name has no suffix. What can't be loaded is left out, with its sentence in `problems`.
ProgramMap load_programs(const std::filesystem::path& folder, std::vector<std::string>* problems = nullptr);

class SnapshotReader {
public:
    // `memory` must outlive the reader. One thread at a time takes; the result may be shared freely.
    SnapshotReader(DebugInfoPointer kernel, ProgramMap programs, const ram::PhysicalMemory& memory);

    // `freshness`: live while the guest runs, stopped while it stands. `cpu_registers`: of vCPU 0, 1, ... while stopped,
    // else empty. There are no errors: what can't be read leaves its view empty and a sentence in `problems`; if the
    // guest changed its lists under every attempt, freshness is torn.
    SnapshotPointer take(Freshness freshness, std::span<const RegisterFile> cpu_registers = {});

    const DebugInfoPointer& kernel() const { return kernel_; }
    const ProgramMap& programs() const { return programs_; }
    // The program that runs in a space of this name; null if its file is not known.
    DebugInfoPointer program(std::string_view space_name) const;

private:
    DebugInfoPointer kernel_;
    ProgramMap programs_;
    const ram::PhysicalMemory& memory_;
    std::uint64_t taken_ = 0;
};

} // namespace orrery::inspector
