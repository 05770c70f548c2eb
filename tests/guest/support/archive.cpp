// Lays out ustar headers and ELF files.
#include "support/archive.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <unistd.h>

namespace orrery::guest_test {

Archive& Archive::add(std::string_view name, std::string_view contents)
{
    char block[512] = {};
    std::memcpy(block, name.data(), std::min<std::size_t>(name.size(), 100));
    std::memcpy(block + 100, "0000755", 8);
    std::memcpy(block + 108, "0000000", 8);
    std::memcpy(block + 116, "0000000", 8);
    std::snprintf(block + 124, 12, "%011zo", contents.size());
    std::memcpy(block + 136, "00000000000", 12);
    std::memset(block + 148, ' ', 8);
    block[156] = '0';
    std::memcpy(block + 257, "ustar\00000", 8);
    unsigned sum = 0;
    for (const char byte : block)
        sum += static_cast<unsigned char>(byte);
    std::snprintf(block + 148, 8, "%06o", sum);
    bytes_.append(block, sizeof(block)).append(contents).append((512 - contents.size() % 512) % 512, '\0');
    return *this;
}

namespace {
constexpr std::uint64_t code_offset = 0x1000;
constexpr std::uint64_t code_address = 0x400000;
}

Program::Program()
    : code("\x0f\x0b", 2)
{
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_ident[EI_VERSION] = EV_CURRENT;
    header.e_type = ET_EXEC;
    header.e_machine = EM_X86_64;
    header.e_version = EV_CURRENT;
    header.e_entry = code_address;
    header.e_phoff = sizeof(Elf64_Ehdr);
    header.e_ehsize = sizeof(Elf64_Ehdr);
    header.e_phentsize = sizeof(Elf64_Phdr);
    header.e_phnum = 1;
    segments.push_back({ .p_type = PT_LOAD,
        .p_flags = PF_R | PF_X,
        .p_offset = code_offset,
        .p_vaddr = code_address,
        .p_paddr = code_address,
        .p_filesz = 2,
        .p_memsz = 2,
        .p_align = 0x1000 });
}

std::string Program::bytes() const
{
    std::string file(code_offset, '\0');
    std::memcpy(file.data(), &header, sizeof(header));
    for (std::size_t i = 0; i < segments.size(); ++i)
        std::memcpy(file.data() + sizeof(header) + i * sizeof(Elf64_Phdr), &segments[i], sizeof(Elf64_Phdr));
    return file + code;
}

TemporaryFile::TemporaryFile(std::string_view contents)
{
    std::string name = std::filesystem::temp_directory_path() / "orrery-test-XXXXXX";
    const int file = ::mkstemp(name.data());
    if (file < 0) throw std::runtime_error("can't make a temporary file: " + name);
    ::close(file);
    path_ = name;
    std::ofstream(path_, std::ios::binary) << contents;
}

TemporaryFile::~TemporaryFile()
{
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
}

} // namespace orrery::guest_test
