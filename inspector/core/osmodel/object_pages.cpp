// Follows nodes and slots; every pointer is checked before it is used, and the level falls with every step.
#include "inspector/core/osmodel/object_pages.h"

namespace orrery::inspector {

namespace {

constexpr std::uint64_t slot_size = 8;
constexpr unsigned bits_per_level = 9;
static_assert(pages_per_leaf == 1u << bits_per_level);

constexpr std::uint64_t pages_below(unsigned level) { return std::uint64_t { 1 } << bits_per_level * level; } // an entry of that level

} // namespace

FrameArray FrameArray::read(ReadContext& context, const char* view)
{
    const auto allocator = context.kernel.variable("orrery::kernel::frame_allocator");
    const auto frame = context.shape(view, "orrery::kernel::Frame");
    if (!frame || !allocator) return {};
    const auto owner = context.object(view, "orrery::kernel::FrameAllocator", allocator->address);
    if (!owner) return {};
    const auto reader = owner->reader();
    return { Fields(context, view, reader).get<std::uint64_t>("frames_"), frame->size };
}

ObjectPage ObjectPages::page_of(std::uint64_t slot) const
{
    ObjectPage page;
    page.flags = static_cast<std::uint32_t>(slot & abi::slot_flags);
    const auto frame = slot & ~std::uint64_t { abi::slot_flags };
    if (frame == 0) { // only a dropped page has a flag without a frame
        page.sound = page.flags == 0 || page.flags == abi::slot_discarded;
        return page;
    }
    page.sound = frame >= frames_.address && (frame - frames_.address) % frames_.frame_size == 0 && !page.has(abi::slot_discarded);
    if (page.sound) page.frame = (frame - frames_.address) / frames_.frame_size * abi::page_size;
    return page;
}

std::optional<ObjectPage> ObjectPages::page_at(std::uint64_t number)
{
    if (!usable() || number >= page_count()) return std::nullopt;
    auto node = tree_.root;
    for (auto level = tree_.top_level + 1; level > 0 && node != 0; --level) {
        const auto place = node + (number / pages_below(level - 1)) % pages_per_leaf * slot_size;
        const auto next = context_.memory.holds_objects(place) ? context_.memory.value<std::uint64_t>(place) : std::nullopt;
        if (!next) return std::nullopt;
        if (level == 1) return page_of(*next);
        node = *next;
    }
    return ObjectPage {};
}

std::optional<std::vector<std::byte>> ObjectPages::node(std::uint64_t address, std::uint64_t entries)
{
    std::vector<std::byte> bytes(entries * slot_size);
    if (!context_.memory.holds_objects(address, bytes.size()) || !context_.memory.read(address, bytes)) return std::nullopt;
    return bytes;
}

ObjectPages::Extent ObjectPages::collect(std::vector<MemoryObjectView::Leaf>& leaves, std::size_t& node_budget)
{
    if (!usable()) return Extent::broken;
    return tree_.root == 0 ? Extent::whole : collect_below(tree_.root, tree_.top_level, 0, leaves, node_budget);
}

ObjectPages::Extent ObjectPages::collect_below(std::uint64_t address, unsigned level, std::uint64_t first_page,
                                               std::vector<MemoryObjectView::Leaf>& leaves, std::size_t& node_budget)
{
    if (first_page >= page_count()) return Extent::broken; // the object has no such pages
    if (node_budget == 0) return Extent::partly;
    --node_budget;
    // Only a leaf that is the whole tree may be shorter.
    const auto entries = level == 0 && tree_.top_level == 0 ? std::min(pages_per_leaf, page_count()) : pages_per_leaf;
    const auto bytes = node(address, entries);
    if (!bytes) return Extent::broken;
    if (level == 0) {
        MemoryObjectView::Leaf leaf { first_page / pages_per_leaf, {} };
        const auto count = std::min(entries, page_count() - first_page);
        for (std::uint64_t i = 0; i < count; ++i) leaf.pages.push_back(page_of(value_at<std::uint64_t>(*bytes, i * slot_size)));
        leaves.push_back(std::move(leaf));
        return Extent::whole;
    }
    for (std::uint64_t i = 0; i < entries; ++i) {
        const auto below = value_at<std::uint64_t>(*bytes, i * slot_size);
        if (below == 0) continue;
        const auto extent = collect_below(below, level - 1, first_page + i * pages_below(level), leaves, node_budget);
        if (extent != Extent::whole) return extent;
    }
    return Extent::whole;
}

bool ObjectPages::read(std::uint64_t offset, std::span<std::byte> target)
{
    while (!target.empty()) {
        const auto in_page = offset % abi::page_size;
        const auto part = target.first(std::min<std::uint64_t>(abi::page_size - in_page, target.size()));
        const auto page = page_at(offset / abi::page_size);
        if (!page || !page->sound) return false;
        if (page->frame == 0) std::ranges::fill(part, std::byte {});
        else if (!context_.memory.physical().read_physical(page->frame + in_page, part)) return false;
        offset += part.size();
        target = target.subspan(part.size());
    }
    return true;
}

} // namespace orrery::inspector
