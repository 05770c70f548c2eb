// The memory objects that spaces map: what became of each of their pages, so that an absent page can be explained.
#include "inspector/core/osmodel/object_pages.h"

namespace orrery::inspector {

namespace {

constexpr std::size_t maximum_objects = 16384;        // in one picture
constexpr std::size_t maximum_nodes_of_object = 1024; // 2 GiB of touched memory at most
constexpr std::size_t maximum_nodes = 4096;           // of one picture

// Device registers and where they have holes.
void read_registers(Fields& fields, MemoryObjectView& view)
{
    view.registers = fields.get<std::uint64_t>("registers_");
    for (const char* hole : { "holes_[0]", "holes_[1]" }) {
        if (view.registers == 0) return;
        const MemoryObjectView::Range range { fields.get<std::uint64_t>(std::string(hole) + ".begin"),
                                              fields.get<std::uint64_t>(std::string(hole) + ".end") };
        if (range.begin < range.end) view.holes.push_back(range);
    }
}

void read_object(ReadContext& context, MemoryObjectView& view, std::size_t& budget)
{
    const auto object = context.object(view::memory, "orrery::kernel::MemoryObject", view.address);
    if (!object) {
        view.problem = "the memory object at " + hex(view.address) + " can't be read";
        return;
    }
    const auto reader = object->reader();
    Fields fields(context, view::memory, reader);
    view.number = fields.get<std::uint32_t>("number");
    view.size = fields.get<std::uint64_t>("size_");
    view.resident_pages = fields.get<std::uint64_t>("resident_");
    // A smart pointer of the C++ library, whose members have another name in each library: one word.
    const auto pager = reader.bytes("pager_");
    view.paged = (pager && value_at<std::uint64_t>(*pager, 0) != 0) || fields.get<std::uint64_t>("origin_") != 0;
    read_registers(fields, view);
    if (!fields.complete() || !pager) {
        view.problem = "this kernel's memory objects have another shape than this Inspector knows";
        return;
    }
    auto own_budget = std::min(budget, maximum_nodes_of_object);
    const auto before = own_budget;
    const auto extent = ObjectPages(context, view::memory, view.address).collect(view.leaves, own_budget);
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
    auto budget = maximum_nodes;
    for (const auto& [address, label] : labels) {
        MemoryObjectView view;
        view.address = address;
        view.label = label;
        read_object(context, view, budget);
        context.snapshot.memory_objects.push_back(std::move(view));
    }
}

} // namespace orrery::inspector
