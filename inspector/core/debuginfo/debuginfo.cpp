// Opens an ELF file and hands out what the other parts of this folder read from it.
#include "inspector/core/debuginfo/debuginfo.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "inspector/core/debuginfo/implementation.h"
#include "inspector/core/text.h"

namespace orrery::inspector {

namespace {

constexpr std::uintmax_t maximum_file_size = std::uintmax_t { 1 } << 30;

// Read whole: a file that is rebuilt while we look at it must not pull the pages from under a mapping.
Result<std::vector<char>> read_file(const std::filesystem::path& path)
{
    std::error_code error;
    const auto status = std::filesystem::status(path, error);
    if (!std::filesystem::exists(status)) return failure("there is no file " + path.string());
    if (!std::filesystem::is_regular_file(status)) return failure(path.string() + " is not a file");
    const auto size = std::filesystem::file_size(path, error);
    if (error) return failure("the size of " + path.string() + " can't be read: " + error.message());
    if (size > maximum_file_size) return failure(path.string() + " is larger than 1 GiB, so it is not a guest program");
    std::ifstream stream(path, std::ios::binary);
    std::vector<char> contents(size);
    if (!stream || !stream.read(contents.data(), static_cast<std::streamsize>(size)))
        return failure(path.string() + " can't be read: " + std::strerror(errno));
    return contents;
}

} // namespace

DebugInfo::DebugInfo(std::unique_ptr<Implementation> implementation) : implementation_(std::move(implementation)) { }
DebugInfo::~DebugInfo() = default;

DebugInfo::Implementation::~Implementation()
{
    if (eh_frame != nullptr) dwarf_cfi_end(eh_frame);
    if (dwarf != nullptr) dwarf_end(dwarf);
    if (elf != nullptr) elf_end(elf);
}

Result<void> DebugInfo::Implementation::open()
{
    auto read = read_file(path);
    if (!read) return std::unexpected(read.error());
    contents = std::move(*read);
    elf_version(EV_CURRENT);
    if (contents.size() < EI_NIDENT || std::memcmp(contents.data(), ELFMAG, SELFMAG) != 0)
        return failure(path.string() + " is not an ELF file");
    elf = elf_memory(contents.data(), contents.size());
    GElf_Ehdr header;
    if (elf == nullptr || elf_kind(elf) != ELF_K_ELF || gelf_getehdr(elf, &header) == nullptr)
        return failure(path.string() + " is a damaged ELF file: " + elf_errmsg(-1));
    if (header.e_machine != EM_X86_64 || gelf_getclass(elf) != ELFCLASS64)
        return failure(path.string() + " is not a 64-bit x86 program");
    entry = header.e_entry;
    std::size_t count = 0;
    if (elf_getphdrnum(elf, &count) != 0) return {};
    for (std::size_t i = 0; i < count; ++i) {
        GElf_Phdr segment;
        if (gelf_getphdr(elf, static_cast<int>(i), &segment) == nullptr || segment.p_type != PT_LOAD) continue;
        if (segment.p_offset > contents.size()) segment.p_offset = contents.size();
        const auto in_file = std::min<std::uint64_t>({ segment.p_filesz, segment.p_memsz, contents.size() - segment.p_offset });
        segments.push_back({ segment.p_vaddr, segment.p_memsz, segment.p_paddr, segment.p_offset, in_file });
    }
    return {};
}

Result<std::shared_ptr<const DebugInfo>> DebugInfo::load(const std::filesystem::path& path)
{
    auto inside = std::make_unique<Implementation>();
    inside->path = path;
    if (auto opened = inside->open(); !opened) return std::unexpected(opened.error());
    inside->read_sections_and_symbols();
    inside->read_probes();
    const bool has_dwarf = std::ranges::any_of(inside->sections, [](const Implementation::Section& section) {
        return section.name == ".debug_info";
    });
    if (!has_dwarf) inside->dwarf_problem = inside->file_name() + " has no debug information; build it with -g";
    return std::shared_ptr<const DebugInfo>(new DebugInfo(std::move(inside)));
}

void DebugInfo::Implementation::read_dwarf()
{
    eh_frame = dwarf_getcfi_elf(elf);
    if (!dwarf_problem.empty()) return;
    dwarf = dwarf_begin_elf(elf, DWARF_C_READ, nullptr);
    if (dwarf == nullptr) return;
    debug_frame = dwarf_getcfi(dwarf);
    read_lines();
    index_types();
}

const std::filesystem::path& DebugInfo::path() const { return implementation_->path; }
const std::string& DebugInfo::dwarf_problem() const { return implementation_->dwarf_problem; }
std::uint64_t DebugInfo::entry() const { return implementation_->entry; }
const std::vector<Symbol>& DebugInfo::symbols() const { return implementation_->symbols; }
const std::vector<Probe>& DebugInfo::probes() const { return implementation_->probes; }
const std::string& DebugInfo::probe_problem() const { return implementation_->probe_problem; }

std::optional<std::uint64_t> DebugInfo::physical_address(std::uint64_t address) const
{
    for (const auto& segment : implementation_->segments)
        if (address >= segment.begin && address - segment.begin < segment.size)
            return segment.physical + (address - segment.begin);
    return std::nullopt;
}

bool DebugInfo::read_image(std::uint64_t address, std::span<std::byte> target) const
{
    for (const auto& segment : implementation_->segments) {
        if (address < segment.begin || address - segment.begin > segment.size) continue;
        const auto offset = address - segment.begin;
        if (target.size() > segment.size - offset) continue;
        std::ranges::fill(target, std::byte {});
        if (offset < segment.file_size) {
            const auto count = std::min<std::uint64_t>(target.size(), segment.file_size - offset);
            std::memcpy(target.data(), implementation_->contents.data() + segment.file_offset + offset, count);
        }
        return true;
    }
    return false;
}

void DebugInfo::Implementation::read_probes()
{
    std::uint64_t base = 0;
    for (const auto& section : sections)
        if (section.name == ".stapsdt.base") base = section.begin;
    Elf_Scn* section = nullptr;
    while ((section = elf_nextscn(elf, section)) != nullptr) {
        const auto index = elf_ndxscn(section);
        if (index >= sections.size() || sections[index].name != ".note.stapsdt") continue;
        const Elf_Data* data = elf_rawdata(section, nullptr);
        if (data == nullptr || data->d_buf == nullptr) continue;
        auto found = parse_probe_notes({ static_cast<const std::byte*>(data->d_buf), data->d_size }, base, &probe_problem);
        std::move(found.begin(), found.end(), std::back_inserter(probes));
    }
    std::ranges::sort(probes, {}, &Probe::address);
}

} // namespace orrery::inspector
