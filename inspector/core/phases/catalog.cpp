// Matches probes with the table of phases.
#include "inspector/core/phases/catalog.h"

#include <algorithm>
#include <set>

namespace orrery::inspector {

namespace {
constexpr const char* provider = "orrery";
} // namespace

PhaseCatalog::PhaseCatalog(const DebugInfoPointer& kernel, const ProgramMap& programs)
{
    add(kernel, "");
    for (const auto& [name, file] : programs) add(file, name);
    for (std::size_t i = 0; i < abi::phase_count; ++i) {
        const auto& description = abi::phase_table[i];
        const bool in_kernel = std::ranges::any_of(places_, [i](const PhasePlace& place) {
            return place.in_kernel() && place.phase == static_cast<abi::Phase>(i);
        });
        if (description.where == abi::PhaseWhere::kernel && !in_kernel)
            problems_.push_back("the kernel has no probe for the phase " + std::string(description.step_name));
    }
}

void PhaseCatalog::add(const DebugInfoPointer& file, const std::string& program)
{
    if (!file) return;
    const auto file_name = file->path().filename().string();
    if (!file->probe_problem().empty()) problems_.push_back(file_name + ": " + file->probe_problem());
    for (const auto& probe : file->probes()) {
        if (probe.provider != provider) continue;
        const auto* description = std::ranges::find(abi::phase_table, probe.name, [](const abi::PhaseDescription& known) {
            return std::string_view(known.probe_name);
        });
        if (description == std::end(abi::phase_table)) {
            problems_.push_back(file_name + " has the probe " + probe.name + ", which is no phase");
            continue;
        }
        if (!probe.problem.empty()) problems_.push_back(file_name + ": " + probe.name + ": " + probe.problem);
        places_.push_back({ static_cast<abi::Phase>(description - abi::phase_table), probe.address, program, file, probe });
    }
}

std::vector<const PhasePlace*> PhaseCatalog::at(std::uint64_t address) const
{
    std::vector<const PhasePlace*> found;
    for (const auto& place : places_)
        if (place.address == address) found.push_back(&place);
    return found;
}

std::vector<std::uint64_t> PhaseCatalog::addresses(const PhaseSet& phases,
                                                   const std::optional<std::set<std::string>>& programs) const
{
    std::set<std::uint64_t> found;
    for (const auto& place : places_)
        if (contains(phases, place.phase) && (place.in_kernel() || !programs || programs->contains(place.program)))
            found.insert(place.address);
    return { found.begin(), found.end() };
}

Result<PhaseArguments> PhaseCatalog::arguments(const PhasePlace& place, const RegisterFile& registers,
                                               const VirtualMemory& memory)
{
    PhaseArguments result;
    const auto resolve = [&place](std::string_view name) -> std::optional<std::uint64_t> {
        const auto symbol = place.file->symbol_named(name);
        return symbol ? std::optional(symbol->address) : std::nullopt;
    };
    for (std::size_t i = 0; i < place.probe.arguments.size() && i < 4; ++i) {
        const auto value = TRY(evaluate(place.probe.arguments[i], place.address, registers, memory, resolve));
        if (i < 3) result.values[i] = value;
        else result.cause = value;
    }
    return result;
}

} // namespace orrery::inspector
