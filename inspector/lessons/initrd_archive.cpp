// Copies a ustar archive member by member, and appends one.
#include "inspector/lessons/initrd_archive.h"

#include <cstdio>
#include <cstring>
#include <optional>

#include "inspector/lessons/compose.h"

namespace orrery::inspector::lessons {

namespace {

constexpr std::size_t block = 512;

struct Header { // one block, texts NUL-padded, numbers in octal
    char name[100], mode[8], user[8], group[8], size[12], time[12], checksum[8], type, link[100], magic[6], version[2],
        user_name[32], group_name[32], major[8], minor[8], prefix[155], padding[12];
};
static_assert(sizeof(Header) == block);

std::optional<std::uint64_t> octal(std::string_view digits)
{
    std::uint64_t value = 0;
    for (const char c : digits) {
        if (c == '\0' || c == ' ') break;
        if (c < '0' || c > '7') return std::nullopt;
        value = value * 8 + static_cast<std::uint64_t>(c - '0');
    }
    return value;
}

// The sum of all bytes, the checksum field itself counted as spaces.
unsigned checksum(Header header)
{
    std::memset(header.checksum, ' ', sizeof header.checksum);
    unsigned char bytes[block];
    std::memcpy(bytes, &header, block);
    unsigned sum = 0;
    for (const auto byte : bytes)
        sum += byte;
    return sum;
}

std::size_t padded(std::uint64_t size) { return (size + block - 1) / block * block; }

std::string member(std::string_view name, std::string_view contents)
{
    Header header {};
    std::memcpy(header.name, name.data(), name.size());
    std::memcpy(header.mode, "0000755", 8);
    std::memcpy(header.user, "0000000", 8);
    std::memcpy(header.group, "0000000", 8);
    std::snprintf(header.size, sizeof header.size, "%011llo", static_cast<unsigned long long>(contents.size()));
    std::memcpy(header.time, "00000000000", 12);
    header.type = '0';
    std::memcpy(header.magic, "ustar", 6);
    std::memcpy(header.version, "00", 2);
    std::snprintf(header.checksum, sizeof header.checksum, "%06o", checksum(header));
    header.checksum[7] = ' ';
    std::string bytes(reinterpret_cast<const char*>(&header), block);
    bytes += contents;
    bytes.resize(block + padded(contents.size()));
    return bytes;
}

} // namespace

Result<std::string> with_file(std::string_view archive, std::string_view name, std::string_view contents)
{
    if (name.empty() || name.size() > sizeof(Header::name))
        return failure(compose("the name \"{}\" does not fit a ustar header", name));
    if (contents.size() > 077777777777ull) return failure("the file does not fit a ustar archive");
    std::string result;
    for (std::size_t at = 0; at + block <= archive.size();) {
        Header header;
        std::memcpy(&header, archive.data() + at, block);
        if (header.name[0] == '\0') break; // the zero blocks at the end
        const auto size = octal({ header.size, sizeof header.size });
        const auto sum = octal({ header.checksum, sizeof header.checksum });
        if (std::memcmp(header.magic, "ustar", 5) != 0 || !size || sum != checksum(header))
            return failure(compose("the initrd is not a ustar archive: its member at byte {} has a bad header", at));
        // Compared before it is rounded up, so that a size near 2^64 can't wrap round.
        if (*size > archive.size() - at - block)
            return failure(compose("the initrd is cut off in its member at byte {}", at));
        const auto whole = block + padded(*size);
        const std::string_view member_name(header.name, ::strnlen(header.name, sizeof header.name));
        const bool is_replaced =
            member_name == name || (member_name.starts_with("./") && member_name.substr(2) == name);
        if (!is_replaced) result += archive.substr(at, whole);
        result.resize((result.size() + block - 1) / block * block);
        at += whole;
    }
    result += member(name, contents);
    result.append(2 * block, '\0');
    return result;
}

} // namespace orrery::inspector::lessons
