// Where the kernel's symbols lie in guest physical memory, from its ELF file alone. The harness reads the verdict of a
// guest with this and nothing of the Inspector's OS model, so that a fault there can't hide one in the guest.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "inspector/core/result.h"

namespace orrery::guest_test {

class KernelImage {
public:
    // Errors: the file is missing, or no ELF64 with a symbol table.
    static inspector::Result<KernelImage> load(const std::filesystem::path& path);

    // Virtual address of a symbol, as linked. Error: there is none of this name.
    inspector::Result<std::uint64_t> address(const std::string& symbol) const;
    // Physical address that QEMU loaded a virtual one to (p_paddr). Error: it lies in no loaded segment.
    inspector::Result<std::uint64_t> physical(std::uint64_t address) const;

private:
    struct Segment {
        std::uint64_t address, physical, size;
    };
    std::vector<Segment> segments_;
    std::map<std::string, std::uint64_t> symbols_;
};

} // namespace orrery::guest_test
