// Reads the kernel's program headers and symbol table with libelf.
#include "support/kernel_image.h"

#include <fcntl.h>
#include <gelf.h>
#include <memory>

#include "inspector/core/descriptor.h"

namespace orrery::guest_test {

using inspector::failure;

inspector::Result<KernelImage> KernelImage::load(const std::filesystem::path& path)
{
    inspector::Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) return failure("Can't open the kernel " + path.string() + ": build the guest first (./orrery build)");
    elf_version(EV_CURRENT);
    const std::unique_ptr<Elf, decltype(&elf_end)> elf(elf_begin(file.get(), ELF_C_READ, nullptr), elf_end);
    std::size_t headers = 0;
    if (!elf || elf_kind(elf.get()) != ELF_K_ELF || elf_getphdrnum(elf.get(), &headers) != 0)
        return failure(path.string() + " is not an ELF file");

    KernelImage image;
    for (std::size_t i = 0; i < headers; ++i) {
        GElf_Phdr header;
        if (gelf_getphdr(elf.get(), static_cast<int>(i), &header) != nullptr && header.p_type == PT_LOAD)
            image.segments_.push_back({ header.p_vaddr, header.p_paddr, header.p_memsz });
    }
    for (Elf_Scn* section = nullptr; (section = elf_nextscn(elf.get(), section)) != nullptr;) {
        GElf_Shdr header;
        if (gelf_getshdr(section, &header) == nullptr || header.sh_type != SHT_SYMTAB || header.sh_entsize == 0) continue;
        Elf_Data* const data = elf_getdata(section, nullptr);
        for (std::size_t i = 0; data != nullptr && i < header.sh_size / header.sh_entsize; ++i) {
            GElf_Sym symbol;
            if (gelf_getsym(data, static_cast<int>(i), &symbol) == nullptr) break;
            const char* const name = elf_strptr(elf.get(), header.sh_link, symbol.st_name);
            if (name != nullptr && *name != '\0') image.symbols_.emplace(name, symbol.st_value);
        }
    }
    if (image.symbols_.empty()) return failure(path.string() + " has no symbol table");
    return image;
}

inspector::Result<std::uint64_t> KernelImage::address(const std::string& symbol) const
{
    const auto found = symbols_.find(symbol);
    if (found == symbols_.end()) return failure("The kernel has no symbol " + symbol);
    return found->second;
}

inspector::Result<std::uint64_t> KernelImage::physical(std::uint64_t address) const
{
    for (const auto& segment : segments_)
        if (address >= segment.address && address - segment.address < segment.size)
            return address - segment.address + segment.physical;
    return failure("The address lies in no segment of the kernel");
}

} // namespace orrery::guest_test
