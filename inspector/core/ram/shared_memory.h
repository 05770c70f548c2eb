// The guest's RAM as a read-only shared mapping of QEMU's memory backend file: free to read while the guest runs.
#pragma once

#include <filesystem>
#include <memory>

#include "inspector/core/descriptor.h"
#include "inspector/core/ram/physical_memory.h"

namespace orrery::inspector::ram {

// Where q35 puts RAM: RAM up to `below_4g` starts at 0, the rest at 4 GiB. QEMU (hw/i386/pc_q35.c): if RAM is 2.75 GiB
// or more, 2 GiB lie below, else all.
struct RamSplit {
    std::uint64_t below_4g = 0;
    std::uint64_t above_4g = 0;
    static RamSplit for_q35(std::uint64_t ram_bytes);
};

// Any thread may read at any time, also after QEMU has ended: the last picture stays. What the guest writes meanwhile
// may be seen half: words that are aligned and up to 8 bytes are copied whole, nothing larger is promised.
class SharedMemory final : public PhysicalMemory {
public:
    static Result<std::unique_ptr<SharedMemory>> map(const std::filesystem::path& file, std::uint64_t ram_bytes);
    static Result<std::unique_ptr<SharedMemory>> map(const Descriptor& file, std::uint64_t ram_bytes);
    ~SharedMemory() override;
    SharedMemory(const SharedMemory&) = delete;
    SharedMemory& operator=(const SharedMemory&) = delete;

    Result<void> read(std::uint64_t address, std::span<std::byte> into) const override;
    std::uint64_t physical_size() const override; // end of the highest RAM
    // The bytes themselves, for a reader that copes with their changing under it; empty if the range is not all RAM or
    // crosses the hole.
    std::span<const std::byte> view(std::uint64_t address, std::uint64_t size) const;
    const RamSplit& split() const { return split_; }

private:
    SharedMemory(const std::byte* base, std::uint64_t size);

    const std::byte* base_;
    std::uint64_t size_;
    RamSplit split_;
};

} // namespace orrery::inspector::ram
