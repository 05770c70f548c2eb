// The pages of one memory object of the guest, from its tree of slots (os/kernel/memory/slot_table.h).
#pragma once

#include "inspector/core/osmodel/memory_values.h"
#include "inspector/core/osmodel/read_context.h"

namespace orrery::inspector {

class ObjectPages {
public:
    // Problems are told to `view`.
    ObjectPages(ReadContext& context, const char* view, std::uint64_t memory_object);

    // Zeroes where the object has no page yet (it would read so). False: its tree makes no sense.
    bool read(std::uint64_t offset, std::span<std::byte> target);
    enum class Extent {
        whole,
        partly, // there was no budget for more nodes
        broken, // the tree makes no sense
    };
    // The leaves that exist, ascending.
    Extent collect(std::vector<MemoryObjectView::Leaf>& leaves, std::size_t& node_budget);

private:
    std::uint64_t page_count() const { return size_ / abi::page_size + (size_ % abi::page_size != 0 ? 1 : 0); }
    bool usable() const { return frames_ != 0 && frame_size_ != 0 && top_level_ <= highest_level; }
    std::optional<ObjectPage> page_at(std::uint64_t number);
    ObjectPage page_of(std::uint64_t slot) const;
    std::optional<std::vector<std::byte>> node(std::uint64_t address, std::uint64_t entries);
    Extent collect_below(std::uint64_t address, unsigned level, std::uint64_t first_page, std::vector<MemoryObjectView::Leaf>& leaves,
                         std::size_t& node_budget);

    static constexpr unsigned highest_level = 4; // half of what a program can address needs no more
    ReadContext& context_;
    std::uint64_t frame_size_ = 0, frames_ = 0;
    std::uint64_t root_ = 0, size_ = 0;
    std::uint32_t top_level_ = 0;
};

} // namespace orrery::inspector
