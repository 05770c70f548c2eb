// The parts of a picture whose rendering has a file of its own.
#pragma once

#include "inspector/core/osmodel/render.h"

namespace orrery::inspector {

std::string schemes_text(const Snapshot& snapshot);
nlohmann::json scheme_json(const SchemeView& scheme, const Snapshot& snapshot);

std::string mappings_text(const SpaceView& space); // with how many pages of each are present, and the page tables
void add_memory(nlohmann::json& object, const SpaceView& space); // fills "mappings" and "page_tables"

} // namespace orrery::inspector
