// Implementation of the hostile-input ELF reader.
#include "elf_image.h"

#include <bit>
#include <cstring>
#include <utility>

namespace orrery::common {

namespace {

// ELF64 file header and program header, System V ABI figures 4-3 and 5-1.
struct FileHeader {
    std::uint8_t ident[16];
    std::uint16_t type;
    std::uint16_t machine;
    std::uint32_t version;
    std::uint64_t entry;
    std::uint64_t program_header_offset;
    std::uint64_t section_header_offset;
    std::uint32_t flags;
    std::uint16_t header_size;
    std::uint16_t program_header_size;
    std::uint16_t program_header_count;
    std::uint16_t section_header_size;
    std::uint16_t section_header_count;
    std::uint16_t section_name_index;
};
static_assert(sizeof(FileHeader) == 64);

struct ProgramHeader {
    std::uint32_t type;
    std::uint32_t flags;
    std::uint64_t offset;
    std::uint64_t address;
    std::uint64_t physical_address;
    std::uint64_t file_size;
    std::uint64_t memory_size;
    std::uint64_t alignment;
};
static_assert(sizeof(ProgramHeader) == 56);

constexpr std::uint8_t class_64 = 2;
constexpr std::uint8_t data_little_endian = 1;
constexpr std::uint32_t version_current = 1;
constexpr std::uint16_t type_executable = 2;
constexpr std::uint16_t machine_x86_64 = 62;
constexpr std::uint32_t segment_load = 1;
constexpr std::uint32_t segment_interpreter = 3;
constexpr std::uint32_t segment_thread_storage = 7;
constexpr std::uint32_t flag_execute = 1;
constexpr std::uint32_t flag_write = 2;
constexpr std::uint32_t flag_read = 4;

// The file may lie at any address, so headers are copied out instead of being read in place.
template <typename T>
T read_at(std::span<const std::byte> file, std::uint64_t offset)
{
    T value;
    std::memcpy(&value, file.data() + offset, sizeof value);
    return value;
}

// [offset, offset + size) inside [0, limit), with no overflow on the way.
constexpr bool inside(std::uint64_t offset, std::uint64_t size, std::uint64_t limit)
{
    return offset <= limit && size <= limit - offset;
}

std::expected<ElfSegment, ElfProblem> parse_segment(const ProgramHeader& header, std::uint64_t file_size)
{
    if (header.file_size > header.memory_size) return std::unexpected(ElfProblem::segment_larger_in_file);
    if (!inside(header.offset, header.file_size, file_size)) return std::unexpected(ElfProblem::segment_outside_file);
    if ((header.offset ^ header.address) % abi::page_size != 0) return std::unexpected(ElfProblem::segment_misaligned);
    if (header.address < abi::user_begin || !inside(header.address, header.memory_size, abi::user_end))
        return std::unexpected(ElfProblem::segment_outside_memory);
    if ((header.flags & flag_write) != 0 && (header.flags & flag_execute) != 0)
        return std::unexpected(ElfProblem::writable_and_executable);

    std::uint32_t protection = abi::protection_none;
    if ((header.flags & flag_read) != 0) protection |= abi::protection_read;
    if ((header.flags & flag_write) != 0) protection |= abi::protection_write;
    if ((header.flags & flag_execute) != 0) protection |= abi::protection_execute;
    return ElfSegment {
        .file_offset = header.offset,
        .file_size = header.file_size,
        .memory_size = header.memory_size,
        .address = header.address,
        .protection = protection,
    };
}

std::expected<FileHeader, ElfProblem> parse_file_header(std::span<const std::byte> file)
{
    constexpr std::array<std::uint8_t, 4> magic { 0x7f, 'E', 'L', 'F' };
    if (file.size() < magic.size()) return std::unexpected(ElfProblem::too_short);
    if (std::memcmp(file.data(), magic.data(), magic.size()) != 0) return std::unexpected(ElfProblem::bad_magic);
    if (file.size() < sizeof(FileHeader)) return std::unexpected(ElfProblem::too_short);

    const auto header = read_at<FileHeader>(file, 0);
    if (header.ident[4] != class_64 || header.ident[5] != data_little_endian)
        return std::unexpected(ElfProblem::not_64_bit);
    if (header.ident[6] != version_current || header.version != version_current)
        return std::unexpected(ElfProblem::bad_version);
    if (header.machine != machine_x86_64) return std::unexpected(ElfProblem::wrong_machine);
    if (header.type != type_executable) return std::unexpected(ElfProblem::not_static);
    if (header.program_header_size != sizeof(ProgramHeader)
        || !inside(header.program_header_offset, std::uint64_t { header.program_header_count } * sizeof(ProgramHeader),
            file.size()))
        return std::unexpected(ElfProblem::bad_header_table);
    return header;
}

// The thread image must lie in what is loaded, because every thread's start reads it from memory.
bool is_loaded(const ElfImage& image, std::uint64_t address, std::uint64_t size)
{
    for (const ElfSegment& segment : image.segments()) {
        if (address >= segment.address && inside(address - segment.address, size, segment.file_size)) return true;
    }
    return false;
}

std::expected<ElfThreadStorage, ElfProblem> parse_thread_storage(const ElfImage& image, const ProgramHeader& header)
{
    const std::uint64_t alignment = header.alignment == 0 ? 1 : header.alignment;
    const bool sound = header.file_size <= header.memory_size && header.memory_size <= elf_max_memory
        && std::has_single_bit(alignment) && alignment <= abi::page_size
        && (header.file_size == 0 || is_loaded(image, header.address, header.file_size));
    if (!sound) return std::unexpected(ElfProblem::bad_thread_storage);
    return ElfThreadStorage {
        .address = header.address,
        .file_size = header.file_size,
        .memory_size = header.memory_size,
        .alignment = alignment,
    };
}

} // namespace

std::expected<ElfImage, ElfProblem> parse_elf(std::span<const std::byte> file)
{
    const auto file_header = parse_file_header(file);
    if (!file_header) return std::unexpected(file_header.error());

    ElfImage image;
    image.entry = file_header->entry;
    std::optional<ProgramHeader> thread_storage;
    std::uint64_t previous_end = 0;
    std::uint64_t total = 0;
    bool entry_is_executable = false;

    for (std::uint16_t i = 0; i < file_header->program_header_count; i++) {
        const auto header =
            read_at<ProgramHeader>(file, file_header->program_header_offset + i * sizeof(ProgramHeader));
        if (header.type == segment_interpreter) return std::unexpected(ElfProblem::needs_interpreter);
        if (header.type == segment_thread_storage) {
            if (thread_storage) return std::unexpected(ElfProblem::bad_thread_storage);
            thread_storage = header;
        }
        if (header.type != segment_load || header.memory_size == 0) continue;

        const auto segment = parse_segment(header, file.size());
        if (!segment) return std::unexpected(segment.error());
        if (segment->first_page() < previous_end) return std::unexpected(ElfProblem::segments_overlap);
        if (image.segment_count == elf_max_segments) return std::unexpected(ElfProblem::too_many_segments);
        total += segment->end_page() - segment->first_page();
        if (total > elf_max_memory) return std::unexpected(ElfProblem::too_large);

        previous_end = segment->end_page();
        if ((segment->protection & abi::protection_execute) != 0 && image.entry >= segment->address
            && image.entry - segment->address < segment->memory_size)
            entry_is_executable = true;
        // The header table is at its file offset's place in whichever segment holds it.
        const std::uint64_t table = file_header->program_header_offset;
        const std::uint64_t table_size = std::uint64_t { file_header->program_header_count } * sizeof(ProgramHeader);
        if (table >= segment->file_offset && inside(table - segment->file_offset, table_size, segment->file_size))
            image.program_headers = segment->address + (table - segment->file_offset);
        image.segment_table[image.segment_count++] = *segment;
    }

    if (image.segment_count == 0) return std::unexpected(ElfProblem::no_segments);
    if (!entry_is_executable) return std::unexpected(ElfProblem::bad_entry);
    if (thread_storage) {
        const auto parsed = parse_thread_storage(image, *thread_storage);
        if (!parsed) return std::unexpected(parsed.error());
        image.thread_storage = *parsed;
    }
    image.program_header_count = file_header->program_header_count;
    image.program_header_size = file_header->program_header_size;
    return image;
}

} // namespace orrery::common
