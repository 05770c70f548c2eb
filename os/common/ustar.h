// Reads files out of a POSIX ustar archive that may be hostile: the initial RAM disk.
//
// Source: POSIX.1-2024, pax, "ustar Interchange Format". Nothing is copied or allocated: names and contents are views
// into the archive. A header that is damaged ends the archive there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>

namespace orrery::common {

// One regular file. `directory` is the header's prefix field, empty for most archives: the full name is
// directory + "/" + name.
struct UstarEntry {
    std::string_view directory;
    std::string_view name;
    std::span<const std::byte> contents;
};

class UstarArchive {
public:
    // `bytes` must outlive the archive and everything that it gives out.
    explicit UstarArchive(std::span<const std::byte> bytes)
        : bytes_(bytes)
    {
    }

    // The first regular file of this name ("hello"; a leading "./" in the archive or in the question does not matter),
    // or nothing.
    [[nodiscard]] std::optional<std::span<const std::byte>> find(std::string_view name) const
    {
        name = without_dot(name);
        std::optional<std::span<const std::byte>> found;
        for_each([&](const UstarEntry& entry) {
            if (!matches(entry, name)) return true;
            found = entry.contents;
            return false;
        });
        return found;
    }

    // Calls visit(const UstarEntry&) for each regular file until it returns false.
    template <typename Visit>
    void for_each(Visit visit) const
    {
        std::uint64_t offset = 0;
        while (const auto header = header_at(offset)) {
            const std::uint64_t contents = offset + block_size;
            if (header->regular
                && !visit(UstarEntry { header->directory, header->name, bytes_.subspan(contents, header->size) }))
                return;
            // Cannot overflow: header_at checked that size lies inside the archive.
            offset = contents + (header->size + block_size - 1) / block_size * block_size;
        }
    }

private:
    static constexpr std::uint64_t block_size = 512;
    struct Field {
        std::size_t offset;
        std::size_t size;
    };
    static constexpr Field name_field { 0, 100 };
    static constexpr Field size_field { 124, 12 };
    static constexpr Field checksum_field { 148, 8 };
    static constexpr Field type_field { 156, 1 };
    static constexpr Field magic_field { 257, 5 };
    static constexpr Field prefix_field { 345, 155 };

    struct Header {
        std::string_view directory;
        std::string_view name;
        std::uint64_t size;
        bool regular;
    };

    static std::string_view without_dot(std::string_view name)
    {
        return name.starts_with("./") ? name.substr(2) : name;
    }

    static bool matches(const UstarEntry& entry, std::string_view name)
    {
        const std::string_view directory = without_dot(entry.directory);
        if (directory.empty() || directory == ".") return without_dot(entry.name) == name;
        return name.size() == directory.size() + 1 + entry.name.size() && name.starts_with(directory)
            && name[directory.size()] == '/' && name.ends_with(entry.name);
    }

    // Text up to the field's end or its first NUL.
    static std::string_view text(const std::byte* block, Field field)
    {
        const auto* begin = reinterpret_cast<const char*>(block + field.offset);
        const void* end = std::memchr(begin, 0, field.size);
        return { begin, end == nullptr ? field.size : static_cast<std::size_t>(static_cast<const char*>(end) - begin) };
    }

    // Octal digits, padded by spaces or NULs; anything else (such as GNU's base-256) is not ustar.
    static std::optional<std::uint64_t> octal(const std::byte* block, Field field)
    {
        std::uint64_t value = 0;
        bool any = false;
        for (std::size_t i = 0; i < field.size; i++) {
            const auto digit = static_cast<unsigned char>(block[field.offset + i]);
            if (digit >= '0' && digit <= '7') {
                value = value * 8 + (digit - '0'); // 12 digits are 36 bits: no overflow
                any = true;
            } else if (digit == ' ' || digit == 0) {
                if (any) break;
            } else {
                return std::nullopt;
            }
        }
        if (!any) return std::nullopt;
        return value;
    }

    std::optional<Header> header_at(std::uint64_t offset) const
    {
        if (offset > bytes_.size() || bytes_.size() - offset < block_size) return std::nullopt;
        const std::byte* block = bytes_.data() + offset;
        if (text(block, magic_field) != "ustar") return std::nullopt; // also the zero block that ends every archive

        // The checksum is taken with its own field as spaces.
        std::uint64_t sum = 0;
        for (std::size_t i = 0; i < block_size; i++) {
            const bool own = i >= checksum_field.offset && i < checksum_field.offset + checksum_field.size;
            sum += own ? ' ' : static_cast<unsigned char>(block[i]);
        }
        const auto checksum = octal(block, checksum_field);
        const auto size = octal(block, size_field);
        if (!checksum || *checksum != sum || !size || *size > bytes_.size() - offset - block_size) return std::nullopt;

        const auto type = static_cast<char>(block[type_field.offset]);
        return Header {
            .directory = text(block, prefix_field),
            .name = text(block, name_field),
            .size = *size,
            .regular = type == '0' || type == '\0',
        };
    }

    std::span<const std::byte> bytes_;
};

} // namespace orrery::common
