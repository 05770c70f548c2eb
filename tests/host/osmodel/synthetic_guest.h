// A guest made by hand: physical memory with the kernel image, objects placed by their DWARF shapes, and page tables.
#pragma once

#include <functional>
#include <stdexcept>

#include "inspector/core/debuginfo/struct_reader.h"
#include "inspector/core/osmodel/snapshot_reader.h"

namespace orrery::inspector {

class SyntheticGuest final : public ram::PhysicalMemory {
public:
    static constexpr std::uint64_t direct_map = 0xffff'8000'0000'0000;
    static constexpr std::uint64_t memory_size = 8 << 20;

    explicit SyntheticGuest(const std::string& path);

    Result<void> read(std::uint64_t address, std::span<std::byte> into) const override;
    std::uint64_t physical_size() const override { return memory_size; }

    const DebugInfoPointer& kernel() const { return kernel_; }
    SnapshotReader reader(ProgramMap programs = {}) const { return { kernel_, std::move(programs), *this }; }

    // Zeroed pages; physical address.
    std::uint64_t allocate_pages(std::uint64_t count = 1);
    // A zeroed object of the kernel's type in the direct map; kernel address.
    std::uint64_t make(const std::string& type, std::uint64_t count = 1);
    std::uint64_t size_of(const std::string& type) const { return (*kernel_->structure(type))->size; }
    // Writes a field of an object by its path.
    void set(std::uint64_t object, const std::string& type, std::string_view path, std::uint64_t value);
    void set_text(std::uint64_t object, const std::string& type, std::string_view path, std::string_view text);
    void set_enumerator(std::uint64_t object, const std::string& type, std::string_view path, std::string_view name);
    std::uint64_t address_of(std::string_view symbol) const;

    // At kernel addresses of the image and the direct map.
    void write(std::uint64_t address, const void* data, std::size_t size);
    template <typename T>
    void put(std::uint64_t address, T value)
    {
        write(address, &value, sizeof value);
    }
    // Maps one page in the tree at `root` (physical).
    void map(std::uint64_t root, std::uint64_t address, std::uint64_t physical, bool user);
    // The same with the whole entry of the last level; the tables above allow everything that it does.
    void set_entry(std::uint64_t root, std::uint64_t address, std::uint64_t entry_value);

    // The roots that every guest has; fields of the descriptor may be overwritten afterwards.
    void describe(unsigned cpu_count);
    void set_descriptor(std::size_t offset, std::uint64_t value);

    std::uint64_t add_space(unsigned number, std::string_view name); // linked first in the list
    std::uint64_t add_thread(unsigned number, std::uint64_t space, std::string_view state, unsigned cpu);
    // Gives the thread its two pages; returns their kernel addresses.
    struct Pages {
        std::uint64_t control, process;
    };
    Pages register_signals(std::uint64_t thread);
    std::uint64_t root_of(std::uint64_t space);

    std::vector<std::byte> memory;
    mutable std::function<void(std::uint64_t address)> on_read; // before each read, so that a test can change memory

private:
    std::uint64_t to_physical(std::uint64_t address) const;
    FieldPlace place(const std::string& type, std::string_view path) const;
    std::uint64_t value_at(std::uint64_t address) const;

    DebugInfoPointer kernel_;
    std::uint64_t next_free_ = 4 << 20; // behind the kernel image
};

} // namespace orrery::inspector
