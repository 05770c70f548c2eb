// Reads the files of a lesson or a submission, which may come from anyone: bounded, regular, and inside their folder.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

#include "inspector/core/result.h"

namespace orrery::inspector::lessons {

inline constexpr std::size_t maximum_file_size = std::size_t { 1 } << 20; // bytes

// Text of a regular file. Errors: missing, not a regular file, too large, unreadable.
Result<std::string> read_text_file(const std::filesystem::path& file);

// `name` inside `folder`, symbolic links resolved. Errors: `name` is absolute, leads out of the folder (by ".." or by a
// link), or does not exist.
Result<std::filesystem::path> inside(const std::filesystem::path& folder, std::string_view name);

// As inside, and a regular file or a folder.
Result<std::filesystem::path> file_inside(const std::filesystem::path& folder, std::string_view name);
Result<std::filesystem::path> folder_inside(const std::filesystem::path& folder, std::string_view name);

} // namespace orrery::inspector::lessons
