// Sets of phases, and how people write them.
#pragma once

#include <bitset>
#include <optional>
#include <string>
#include <string_view>

#include "abi/phase.h"
#include "inspector/core/result.h"

namespace orrery::inspector {

using PhaseSet = std::bitset<abi::phase_count>;

inline PhaseSet all_phases() { return PhaseSet {}.set(); }
inline PhaseSet only(abi::Phase phase) { return PhaseSet {}.set(static_cast<std::size_t>(phase)); }
inline bool contains(const PhaseSet& set, abi::Phase phase)
{
    return phase < abi::Phase::count && set.test(static_cast<std::size_t>(phase));
}
inline const abi::PhaseDescription& describe(abi::Phase phase)
{
    return abi::phase_table[static_cast<std::size_t>(phase)];
}

// "signal.raised" -> phase; nothing if there is no such phase.
std::optional<abi::Phase> phase_named(std::string_view step_name);
// "signal.raised,ring.*", "signal", "any". Errors: a name that matches nothing, with the names there are.
Result<PhaseSet> parse_phases(std::string_view text);
// "signal.raised, ring.pushed"; "any" for all.
std::string phases_text(const PhaseSet& set);

} // namespace orrery::inspector
