// ELF files from hell, starting from a sound one: an accepted plan must be mappable as it stands.
#include "common/elf_image.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <elf.h>
#include <iterator>

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

namespace {

using namespace orrery;

void require(bool condition)
{
    if (!condition)
        std::abort();
}

// Text, data and thread-local storage, in 64 + 3 * 56 bytes of headers and a few of contents.
struct SoundFile {
    Elf64_Ehdr header {};
    Elf64_Phdr segments[3] {};
    std::uint8_t contents[64] {};

    SoundFile()
    {
        constexpr std::uint64_t base = 0x400000;
        std::copy_n("\x7f" "ELF\x02\x01\x01", 7, header.e_ident);
        header.e_type = ET_EXEC;
        header.e_machine = EM_X86_64;
        header.e_version = EV_CURRENT;
        header.e_entry = base + sizeof header + sizeof segments;
        header.e_phoff = sizeof header;
        header.e_ehsize = sizeof header;
        header.e_phentsize = sizeof(Elf64_Phdr);
        header.e_phnum = 3;
        segments[0] = { PT_LOAD, PF_R | PF_X, 0, base, base, sizeof(SoundFile), sizeof(SoundFile), 4096 };
        segments[1] = { PT_LOAD, PF_R | PF_W, 240, base + 0x10000 + 240, 0, 32, 0x3000, 4096 };
        segments[2] = { PT_TLS, PF_R, 240, base + 0x10000 + 240, 0, 16, 64, 16 };
    }
};

} // namespace

// A parser that refuses everything is safe and useless.
extern "C" int LLVMFuzzerInitialize(int*, char***)
{
    const SoundFile sound;
    const auto image = common::parse_elf(std::as_bytes(std::span(&sound, 1)));
    require(image && image->segment_count == 2 && image->thread_storage);
    return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::span file(reinterpret_cast<const std::byte*>(data), size);
    const auto image = common::parse_elf(file);
    if (!image) {
        require(std::strlen(sentence(image.error())) > 10);
        return 0;
    }
    require(image->segment_count >= 1 && image->segment_count <= common::elf_max_segments);
    std::uint64_t free_from = abi::user_begin;
    std::uint64_t total = 0;
    bool entry_found = false;
    for (const common::ElfSegment& segment : image->segments()) {
        require(segment.memory_size > 0 && segment.file_size <= segment.memory_size);
        require(segment.file_offset <= size && segment.file_size <= size - segment.file_offset);
        require(segment.first_page() >= free_from && segment.end_page() > segment.first_page());
        require(segment.end_page() <= abi::user_end);
        require((segment.file_offset ^ segment.address) % abi::page_size == 0);
        constexpr std::uint32_t both = abi::protection_write | abi::protection_execute;
        require((segment.protection & both) != both);
        entry_found |= (segment.protection & abi::protection_execute) != 0 && image->entry >= segment.address
            && image->entry < segment.address + segment.memory_size;
        free_from = segment.end_page();
        total += segment.end_page() - segment.first_page();
    }
    require(entry_found && total <= common::elf_max_memory);
    if (image->thread_storage) {
        require(image->thread_storage->file_size <= image->thread_storage->memory_size);
        require(image->thread_storage->memory_size <= common::elf_max_memory);
        require(std::has_single_bit(image->thread_storage->alignment));
        require(image->thread_storage->alignment <= abi::page_size);
    }
    return 0;
}

// Most inputs stay close to a sound file: blind mutation would hardly get past the magic number.
extern "C" std::size_t LLVMFuzzerCustomMutator(
    std::uint8_t* data, std::size_t size, std::size_t max_size, unsigned int seed)
{
    if (size < sizeof(SoundFile) && max_size >= sizeof(SoundFile)) {
        const SoundFile sound;
        std::memcpy(data, &sound, sizeof sound);
        size = sizeof sound;
    }
    if (seed % 3 == 0 || size < sizeof(SoundFile))
        return LLVMFuzzerMutate(data, size, max_size);
    // One field of the headers, to a value at which arithmetic goes wrong.
    const std::uint64_t values[] { 0, 1, 7, 0xfff, 0x1000, 0x1001, size, size - 1, size + 1, abi::user_end,
        abi::user_end - 1, abi::user_end - 0x1000, abi::user_begin - 1, common::elf_max_memory,
        common::elf_max_memory + 1, 1ull << 31, 1ull << 32, 1ull << 63, ~0ull, ~0ull - 0xfff, 0x400000, 0x410000 };
    const std::uint64_t value = values[seed / 3 % std::size(values)];
    const std::size_t width = std::size_t { 1 } << (seed >> 12) % 4;
    const std::size_t headers = sizeof(Elf64_Ehdr) + 3 * sizeof(Elf64_Phdr);
    const std::size_t offset = (seed >> 16) % (headers / width) * width;
    std::memcpy(data + offset, &value, width);
    return size;
}
