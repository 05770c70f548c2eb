// The stub's own description of its registers (target.xml with its includes), turned into a RegisterLayout.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "inspector/core/result.h"
#include "inspector/core/rsp/registers.h"

namespace orrery::inspector::rsp {

// Fetches one annex: the text of "target.xml" or of a file that it includes.
using AnnexReader = std::function<Result<std::string>(const std::string& annex)>;

// Follows xi:include (at most 8 deep, 32 files), skips what is commented out, numbers registers as GDB does: `regnum`
// where given, else one more than the one before. Source: GDB manual, "Target Description Format".
// Errors: those of the reader; protocol for malformed XML, no register at all, sizes that are no whole bytes or above
// 1024, numbers that are used twice or above 4096.
Result<RegisterLayout> read_target_description(const AnnexReader& reader);

} // namespace orrery::inspector::rsp
