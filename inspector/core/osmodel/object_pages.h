// The pages of one memory object of the guest, from its tree of slots (os/kernel/memory/slot_table.h).
#pragma once

#include "inspector/core/osmodel/memory_values.h"
#include "inspector/core/osmodel/read_context.h"

namespace orrery::inspector {

// Where the kernel describes its frames; the same for all objects of a picture.
struct FrameArray {
    std::uint64_t address = 0, frame_size = 0; // 0 = it can't be read

    static FrameArray read(ReadContext& context, const char* view);
};

// What kernel::MemoryObject says of its tree: the fields slots_.root_, slots_.top_level_ and size_.
struct SlotTree {
    std::uint64_t root = 0;
    std::uint32_t top_level = 0;
    std::uint64_t size = 0; // bytes
};

class ObjectPages {
public:
    ObjectPages(ReadContext& context, const SlotTree& tree, const FrameArray& frames)
        : context_(context)
        , frames_(frames)
        , tree_(tree)
    {
    }

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
    std::uint64_t page_count() const { return tree_.size / abi::page_size + (tree_.size % abi::page_size != 0 ? 1 : 0); }
    bool usable() const { return frames_.address != 0 && frames_.frame_size != 0 && tree_.top_level <= highest_level; }
    std::optional<ObjectPage> page_at(std::uint64_t number);
    ObjectPage page_of(std::uint64_t slot) const;
    std::optional<std::vector<std::byte>> node(std::uint64_t address, std::uint64_t entries);
    Extent collect_below(std::uint64_t address, unsigned level, std::uint64_t first_page, std::vector<MemoryObjectView::Leaf>& leaves,
                         std::size_t& node_budget);

    static constexpr unsigned highest_level = 4; // half of what a program can address needs no more
    ReadContext& context_;
    FrameArray frames_;
    SlotTree tree_;
};

} // namespace orrery::inspector
