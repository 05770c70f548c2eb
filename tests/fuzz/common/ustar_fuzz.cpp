// Archives from hell, starting from a sound one: every name and every content lies inside the archive, and the walk
// ends.
#include "common/ustar.h"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

namespace {

using namespace orrery;

constexpr std::size_t block_size = 512;

void require(bool condition)
{
    if (!condition)
        std::abort();
}

// POSIX.1-2024, pax, "ustar Interchange Format": the sum of all bytes with the field itself as spaces.
void repair_checksum(std::uint8_t* block)
{
    std::memset(block + 148, ' ', 8);
    unsigned sum = 0;
    for (std::size_t i = 0; i < block_size; ++i)
        sum += block[i];
    std::snprintf(reinterpret_cast<char*>(block + 148), 8, "%06o", sum);
}

void add_file(std::uint8_t* block, const char* directory, const char* name, unsigned size)
{
    std::memset(block, 0, 2 * block_size);
    std::snprintf(reinterpret_cast<char*>(block), 100, "%s", name);
    std::snprintf(reinterpret_cast<char*>(block + 124), 12, "%011o", size);
    block[156] = '0';
    std::memcpy(block + 257, "ustar\00000", 8);
    std::snprintf(reinterpret_cast<char*>(block + 345), 155, "%s", directory);
    std::memset(block + block_size, 'x', size);
    repair_checksum(block);
}

constexpr std::size_t sound_size = 5 * block_size;
void make_sound_archive(std::uint8_t* data)
{
    std::memset(data, 0, sound_size);
    add_file(data, "", "./init", 11);
    add_file(data + 2 * block_size, "bin", "hello", 400);
}

} // namespace

// A parser that refuses everything is safe and useless.
extern "C" int LLVMFuzzerInitialize(int*, char***)
{
    std::array<std::uint8_t, sound_size> sound {};
    make_sound_archive(sound.data());
    const common::UstarArchive archive(std::as_bytes(std::span(sound)));
    require(archive.find("init") && archive.find("init")->size() == 11);
    require(archive.find("bin/hello") && archive.find("bin/hello")->size() == 400);
    return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::span bytes(reinterpret_cast<const std::byte*>(data), size);
    const common::UstarArchive archive(bytes);
    const auto is_inside = [&](const void* address, std::size_t length) {
        const auto* begin = static_cast<const std::uint8_t*>(address);
        return length == 0 || (begin >= data && length <= size && begin <= data + size - length);
    };
    std::size_t files = 0;
    archive.for_each([&](const common::UstarEntry& entry) {
        require(is_inside(entry.name.data(), entry.name.size()) && entry.name.size() <= 100);
        require(is_inside(entry.directory.data(), entry.directory.size()) && entry.directory.size() <= 155);
        require(is_inside(entry.contents.data(), entry.contents.size()));
        require(++files <= size / block_size);
        // The first file of a name is the one that is found.
        if (entry.directory.empty() && files == 1) {
            const auto found = archive.find(entry.name);
            require(found && found->data() == entry.contents.data());
        }
        return true;
    });
    for (const char* name : { "init", "./init", "bin/hello", "", "/", "." })
        if (const auto found = archive.find(name))
            require(is_inside(found->data(), found->size()));
    return 0;
}

// Keeps the checksums right in most inputs: otherwise every change ends the archive.
extern "C" std::size_t LLVMFuzzerCustomMutator(
    std::uint8_t* data, std::size_t size, std::size_t max_size, unsigned int seed)
{
    if (size < sound_size && max_size >= sound_size) {
        make_sound_archive(data);
        size = sound_size;
    }
    if (size >= sound_size && seed % 2 == 0) {
        constexpr std::array<const char*, 8> sizes { "00000000000", "00000001000", "00000000777", "77777777777",
            "777777777777", "00000002001", "  1 ", "8" };
        std::uint8_t* const block = data + (seed >> 8) % (size / block_size) * block_size;
        std::memcpy(block + 124, sizes[seed / 2 % sizes.size()], std::strlen(sizes[seed / 2 % sizes.size()]));
    } else if (size >= sound_size && seed % 16 == 3) {
        // A name and a prefix that fill their fields, so that no NUL ends them.
        std::uint8_t* const block = data + (seed >> 8) % (size / block_size) * block_size;
        std::memset(block, 'n', 100);
        std::memset(block + 345, 'd', (seed & 0x10000) != 0 ? 155 : 0);
    } else {
        size = LLVMFuzzerMutate(data, size, max_size);
    }
    if (seed % 16 != 1)
        for (std::size_t offset = 0; offset + block_size <= size; offset += block_size)
            if (std::memcmp(data + offset + 257, "ustar", 5) == 0)
                repair_checksum(data + offset);
    return size;
}
