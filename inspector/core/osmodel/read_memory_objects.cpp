// The memory objects that spaces map: what became of each of their pages, so that an absent page can be explained.
#include "inspector/core/osmodel/field_places.h"
#include "inspector/core/osmodel/object_pages.h"

namespace orrery::inspector {

namespace {

constexpr std::size_t maximum_objects = 16384;        // in one picture
constexpr std::size_t maximum_nodes_of_object = 1024; // 2 GiB of touched memory at most
constexpr std::size_t maximum_nodes = 4096;           // of one picture

// Of kernel::MemoryObject, in the order of `paths`.
enum Field : std::size_t { number, size, resident, root, top_level, pager, origin, registers, hole_0_begin, hole_0_end, hole_1_begin, hole_1_end };
constexpr std::initializer_list<const char*> paths = { "number", "size_", "resident_", "slots_.root_", "slots_.top_level_", "pager_", "origin_",
    "registers_", "holes_[0].begin", "holes_[0].end", "holes_[1].begin", "holes_[1].end" };
static_assert(paths.size() == hole_1_end + 1);

void read_object(ReadContext& context, FieldPlaces& fields, MemoryObjectView& view, const FrameArray& frames, std::size_t& budget)
{
    if (!fields.complete()) {
        view.problem = "this kernel's memory objects have another shape than this Inspector knows";
        return;
    }
    if (!fields.fetch(view.address)) {
        context.transient_problem = true;
        view.problem = "the memory object at " + hex(view.address) + " can't be read";
        return;
    }
    view.number = static_cast<std::uint32_t>(fields.value(number));
    view.size = fields.value(size);
    view.resident_pages = fields.value(resident);
    view.paged = fields.value(pager) != 0 || fields.value(origin) != 0;
    view.registers = fields.value(registers);
    for (const auto hole : { hole_0_begin, hole_1_begin })
        if (view.registers != 0 && fields.value(hole) < fields.value(hole + 1))
            view.holes.push_back({ fields.value(hole), fields.value(hole + 1) });
    auto own_budget = std::min(budget, maximum_nodes_of_object);
    const auto before = own_budget;
    const SlotTree tree { fields.value(root), static_cast<std::uint32_t>(fields.value(top_level)), fields.value(size) };
    const auto extent = ObjectPages(context, tree, frames).collect(view.leaves, own_budget);
    budget -= before - own_budget;
    view.complete = extent == ObjectPages::Extent::whole;
    if (extent != ObjectPages::Extent::broken) return;
    context.transient_problem = true;
    view.problem = "the pages of " + view.label + " can't be read";
}

} // namespace

void read_memory_objects(ReadContext& context)
{
    std::unordered_map<std::uint64_t, std::string> labels; // by address
    for (const auto& space : context.snapshot.spaces)
        for (const auto& mapping : space.mappings)
            if (mapping.object_address != 0 && labels.size() < maximum_objects)
                labels.try_emplace(mapping.object_address, mapping.object);
    if (labels.empty()) return;
    const auto frames = FrameArray::read(context, view::memory);
    FieldPlaces fields(context, view::memory, "orrery::kernel::MemoryObject", paths);
    auto budget = maximum_nodes;
    for (const auto& [address, label] : labels) {
        MemoryObjectView view;
        view.address = address;
        view.label = label;
        read_object(context, fields, view, frames, budget);
        context.snapshot.memory_objects.push_back(std::move(view));
    }
}

} // namespace orrery::inspector
