// Address spaces: names, page tables, mappings and handles, with labels for what they show and name.
#include "inspector/core/osmodel/read_context.h"

namespace orrery::inspector {

namespace {

constexpr const char* space_type = "orrery::kernel::AddressSpace";
constexpr std::uint64_t maximum_mappings = 16384; // kernel::AddressSpace::max_mappings
constexpr std::uint64_t maximum_slots = 4096;    // kernel::HandleTable::max_slots

// Elements of a kernel array, fetched in one read.
class ArrayOf {
public:
    // Nothing, with a problem, if it can't be read.
    static std::optional<ArrayOf> read(ReadContext& context, const char* view, const char* type, std::uint64_t address,
                                       std::uint64_t count)
    {
        ArrayOf array;
        array.shape_ = context.shape(view, type);
        if (!array.shape_ || array.shape_->size == 0) return std::nullopt;
        array.storage_.resize(array.shape_->size * count);
        if (count == 0) return array;
        if (context.memory.holds_objects(address, array.storage_.size()) && context.memory.read(address, array.storage_))
            return array;
        context.garbage(view, "the array of " + std::to_string(count) + " " + array.shape_->name + " at " + hex(address)
                            + " can't be read");
        return std::nullopt;
    }
    StructReader element(std::uint64_t index) const
    {
        return { shape_, std::span(storage_).subspan(index * shape_->size, shape_->size) };
    }

private:
    std::shared_ptr<const StructShape> shape_;
    std::vector<std::byte> storage_;
};

struct ObjectName {
    std::string kind, label;
};

ObjectName name_object(ReadContext& context, const char* view, std::uint64_t address)
{
    const auto object = context.object(view, "orrery::kernel::Object", address);
    if (!object) return { "unknown", hex(address) };
    const auto reader = object->reader();
    Fields fields(context, view, reader);
    ObjectName name;
    name.kind = fields.enumerator("kind");
    const auto number = fields.get<std::uint32_t>("number");
    if (const auto ring = context.ring_memories.find(address); ring != context.ring_memories.end()) {
        name.label = "ring " + std::to_string(ring->second);
        return name;
    }
    name.label = name.kind;
    if (name.kind != "console" && name.kind != "power") name.label += " " + std::to_string(number);
    if (name.kind == "space") {
        const auto* space = context.snapshot.space(number);
        if (space != nullptr && !space->name.empty()) name.label += " (" + space->name + ")";
    }
    return name;
}

void read_mappings(ReadContext& context, SpaceView& space, const StructReader& reader)
{
    Fields fields(context, view::mappings, reader);
    const auto array = fields.get<std::uint64_t>("mappings_");
    const auto count = fields.get<std::uint64_t>("mapping_count_");
    if (!fields.complete()) return;
    if (count > maximum_mappings) {
        context.garbage(view::mappings, "space " + std::to_string(space.id) + " claims to have " + std::to_string(count)
                            + " mappings");
        return;
    }
    const auto mappings = ArrayOf::read(context, view::mappings, "orrery::kernel::Mapping", array, count);
    if (!mappings) return;
    for (std::uint64_t i = 0; i < count; ++i) {
        const auto element = mappings->element(i);
        Fields of(context, view::mappings, element);
        MappingView mapping;
        mapping.begin = of.get<std::uint64_t>("begin");
        mapping.end = of.get<std::uint64_t>("end");
        mapping.offset = of.get<std::uint64_t>("offset");
        mapping.protection = of.get<std::uint32_t>("protection");
        const auto object = of.get<std::uint64_t>("object");
        if (!of.complete()) return;
        mapping.object_address = object;
        if (object != 0) mapping.object = name_object(context, view::mappings, object).label;
        space.mappings.push_back(std::move(mapping));
    }
}

void read_account(ReadContext& context, SpaceView& space, const StructReader& reader)
{
    constexpr const char* account_type = "orrery::kernel::MemoryAccount";
    constexpr std::uint32_t unlimited = 0xffff'ffff; // MemoryAccount::unlimited
    const auto limit_of = [](Fields& fields) {
        const auto limit = fields.get<std::uint32_t>("limit_");
        return limit == unlimited ? std::nullopt : std::optional(limit);
    };
    Fields fields(context, view::spaces, reader);
    const auto address = fields.get<std::uint64_t>("account.object_");
    if (!fields.complete() || address == 0) return;
    const auto object = context.object(view::spaces, account_type, address);
    if (!object) return;
    const auto account_reader = object->reader();
    Fields account(context, view::spaces, account_reader);
    space.account.charged = account.get<std::uint64_t>("charged_");
    space.account.objects = account.get<std::uint64_t>("pages");
    space.account.limit = limit_of(account);
    const auto above = account.get<std::uint64_t>("above_");
    space.account.known = account.complete();
    if (above == 0) return;
    const auto object_above = context.object(view::spaces, account_type, above);
    if (!object_above) return;
    const auto reader_above = object_above->reader();
    Fields fields_above(context, view::spaces, reader_above);
    space.account.charged_above = fields_above.get<std::uint64_t>("charged_");
    space.account.limit_above = limit_of(fields_above);
}

void read_handles(ReadContext& context, SpaceView& space, const StructReader& reader)
{
    Fields fields(context, view::handles, reader);
    const auto array = fields.get<std::uint64_t>("handles.slots_");
    const auto count = fields.get<std::uint64_t>("handles.capacity_");
    if (!fields.complete()) return;
    if (count > maximum_slots) {
        context.garbage(view::handles, "space " + std::to_string(space.id) + " claims to have room for "
                            + std::to_string(count) + " handles");
        return;
    }
    const auto slots = ArrayOf::read(context, view::handles, "orrery::kernel::HandleSlot", array, count);
    if (!slots) return;
    for (std::uint64_t i = 0; i < count; ++i) {
        const auto element = slots->element(i);
        Fields of(context, view::handles, element);
        const auto object = of.get<std::uint64_t>("object");
        const auto rights = of.get<std::uint32_t>("rights");
        if (!of.complete()) return;
        if (object == 0) continue;
        HandleView handle;
        handle.number = static_cast<std::uint32_t>(i);
        handle.rights = rights;
        handle.object = object;
        auto name = name_object(context, view::handles, object);
        handle.kind = std::move(name.kind);
        handle.label = std::move(name.label);
        space.handles.push_back(std::move(handle));
    }
}

} // namespace

void read_space_list(ReadContext& context)
{
    walk_list(context, view::spaces, space_type, context.descriptor.first_space,
              [&context](std::uint64_t address, const StructReader& reader) {
        Fields fields(context, view::spaces, reader);
        SpaceView space;
        space.address = address;
        space.id = fields.get<std::uint32_t>("number");
        if (!fields.complete()) return;
        space.name = fields.text("name");
        space.cr3 = fields.get<std::uint64_t>("page_table_.root_");
        const auto state = fields.enumerator("state");
        space.ended = state == "ended";
        space.ending = state == "ending";
        space.stopped = fields.get<bool>("stopped");
        space.exit_status = abi::ExitStatus::from_word(fields.get<std::uint64_t>("exit_status"));
        context.space_ids[address] = space.id;
        // Every space has the kernel's upper half, and with it the kernel stacks. The kernel's own table, if it is
        // known, stays valid while spaces go.
        context.memory.set_page_table(space.cr3);
        context.snapshot.spaces.push_back(std::move(space));
    });
    const auto own = context.kernel.variable("orrery::kernel::(anonymous namespace)::kernel_table");
    if (!own) return;
    if (const auto root = context.memory.value<std::uint64_t>(own->address); root && *root != 0)
        context.memory.set_page_table(*root);
}

void read_spaces(ReadContext& context)
{
    for (auto& space : context.snapshot.spaces) {
        const auto object = context.object(view::spaces, space_type, space.address);
        if (!object) continue;
        const auto reader = object->reader();
        read_mappings(context, space, reader);
        read_handles(context, space, reader);
        read_account(context, space, reader);
    }
}

} // namespace orrery::inspector
