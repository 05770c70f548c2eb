// Where phases happen: the SDT probes of the kernel and of every program, and their arguments at a stop.
#pragma once

#include <array>
#include <set>
#include <vector>

#include "inspector/core/osmodel/snapshot_reader.h"
#include "inspector/core/phases/phase_set.h"

namespace orrery::inspector {

struct PhasePlace {
    abi::Phase phase {};
    std::uint64_t address = 0;
    std::string program; // name of the space that it is filtered by; "" = kernel, which is the same in all spaces
    DebugInfoPointer file;
    Probe probe;
    bool in_kernel() const { return program.empty(); }
};

struct PhaseArguments {
    std::array<std::uint64_t, 3> values {};
    std::optional<std::uint64_t> cause; // if the probe carries it, as its fourth argument
};

class PhaseCatalog {
public:
    PhaseCatalog() = default;
    PhaseCatalog(const DebugInfoPointer& kernel, const ProgramMap& programs);

    const std::vector<PhasePlace>& places() const { return places_; }
    // Probes that are no phase, or whose arguments are not understood; and phases of the table that have no probe.
    const std::vector<std::string>& problems() const { return problems_; }
    // All at this address, of the kernel and of every program (programs share addresses).
    std::vector<const PhasePlace*> at(std::uint64_t address) const;
    // Addresses of the phases, ascending and each once: the kernel's, and those of the programs named; of all without.
    std::vector<std::uint64_t> addresses(const PhaseSet& phases,
                                         const std::optional<std::set<std::string>>& programs = {}) const;

    // `memory`: the address space in which it stopped. Errors: an argument lies in memory that can't be read.
    static Result<PhaseArguments> arguments(const PhasePlace& place, const RegisterFile& registers,
                                            const VirtualMemory& memory);

private:
    void add(const DebugInfoPointer& file, const std::string& program);
    std::vector<PhasePlace> places_;
    std::vector<std::string> problems_;
};

} // namespace orrery::inspector
