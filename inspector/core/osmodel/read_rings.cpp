// Rings: the shared header and entries, and who sleeps on which side.
#include <bit>
#include <cstddef>

#include "abi/ring.h"
#include "inspector/core/osmodel/object_pages.h"

namespace orrery::inspector {

namespace {

constexpr const char* ring_type = "orrery::kernel::Ring";
constexpr std::uint64_t maximum_entry_bytes = 1 << 20; // of one ring in one picture
constexpr std::uint64_t maximum_bytes = 16 << 20;      // of all of them: a ring that nobody has touched costs a program nothing

RingSideView side_from(std::span<const std::byte> header, std::size_t line)
{
    using abi::RingLine;
    RingSideView side;
    side.index = value_at<std::uint32_t>(header, line + offsetof(RingLine, index));
    side.waiting = value_at<std::uint32_t>(header, line + offsetof(RingLine, waiting)) != 0;
    side.broken = value_at<std::uint32_t>(header, line + offsetof(RingLine, broken));
    side.wakes = value_at<std::uint64_t>(header, line + offsetof(RingLine, wakes));
    side.sleeps = value_at<std::uint64_t>(header, line + offsetof(RingLine, sleeps));
    return side;
}

// The sleeper's record lies on its kernel stack.
std::uint32_t sleeper_on(ReadContext& context, Fields& fields, const char* path)
{
    const auto waiter = fields.get<std::uint64_t>(path);
    if (waiter == 0) return 0;
    const auto object = context.object(view::rings, "orrery::kernel::Ring::Waiter", waiter, true);
    if (!object) return 0;
    const auto waiter_reader = object->reader();
    const auto address = Fields(context, view::rings, waiter_reader).get<std::uint64_t>("thread");
    const auto thread = context.object(view::rings, "orrery::kernel::Thread", address);
    if (!thread) return 0;
    const auto reader = thread->reader();
    return Fields(context, view::rings, reader).get<std::uint32_t>("number");
}

bool sensible_geometry(const RingView& ring)
{
    return std::has_single_bit(ring.capacity) && ring.capacity <= abi::ring_max_capacity && ring.entry_size != 0
        && ring.entry_size <= abi::ring_max_entry_size;
}

void read_shared_memory(ReadContext& context, RingView& ring, std::uint64_t header_address, std::uint64_t memory_object,
                        std::uint64_t& budget)
{
    std::array<std::byte, sizeof(abi::RingHeader)> header;
    if (!context.memory.in_direct_map(header_address, sizeof header) || !context.memory.read(header_address, header)) {
        ring.problem = "the shared header at " + hex(header_address) + " can't be read";
        return;
    }
    ring.kernel_broken = value_at<std::uint32_t>(header, offsetof(abi::RingHeader, kernel_broken));
    const auto producer_thread = ring.producer.thread;
    const auto consumer_thread = ring.consumer.thread;
    ring.producer = side_from(header, offsetof(abi::RingHeader, producer));
    ring.consumer = side_from(header, offsetof(abi::RingHeader, consumer));
    ring.producer.thread = producer_thread;
    ring.consumer.thread = consumer_thread;
    if (!sensible_geometry(ring)) {
        ring.problem = "the kernel's geometry of " + std::to_string(ring.capacity) + " entries of "
            + std::to_string(ring.entry_size) + " bytes can't be right";
        return;
    }
    const auto magic = value_at<std::uint32_t>(header, offsetof(abi::RingHeader, magic));
    if (magic != abi::ring_magic) {
        ring.problem = "a program overwrote the ring's header: its magic is " + hex(magic);
        return;
    }
    const auto bytes = std::min(std::uint64_t { ring.capacity } * ring.entry_size, maximum_entry_bytes);
    if (bytes > budget) {
        ring.problem = "its entries are not shown: there are more rings than a picture takes";
        return;
    }
    budget -= bytes;
    ring.entries.resize(bytes);
    const auto object = context.object(view::rings, "orrery::kernel::MemoryObject", memory_object);
    if (!object) {
        ring.entries.clear();
        ring.problem = "the ring's memory can't be read";
        return;
    }
    const auto object_reader = object->reader();
    Fields fields(context, view::rings, object_reader);
    const SlotTree tree { fields.get<std::uint64_t>("slots_.root_"), fields.get<std::uint32_t>("slots_.top_level_"),
                          fields.get<std::uint64_t>("size_") };
    ObjectPages pages(context, tree, FrameArray::read(context, view::rings));
    if (!pages.read(abi::ring_entries_offset, std::as_writable_bytes(std::span(ring.entries)))) {
        ring.entries.clear();
        ring.problem = "the ring's entries can't be read";
        return;
    }
    if (ring.used() > ring.capacity) {
        context.transient_problem = true; // one side may have gone on between the reading of the two
        ring.problem = "the indices are impossible: " + std::to_string(ring.used()) + " entries in a ring of "
            + std::to_string(ring.capacity);
        return;
    }
    ring.valid = true;
}

} // namespace

void read_rings(ReadContext& context)
{
    auto budget = maximum_bytes;
    walk_list(context, view::rings, ring_type, context.descriptor.first_ring,
              [&context, &budget](std::uint64_t address, const StructReader& reader) {
        Fields fields(context, view::rings, reader);
        RingView ring;
        ring.address = address;
        ring.number = fields.get<std::uint32_t>("number");
        if (!fields.complete()) return;
        ring.entry_size = fields.get<std::uint32_t>("entry_size");
        ring.capacity = fields.get<std::uint32_t>("capacity");
        const auto header = fields.get<std::uint64_t>("header");
        const auto memory = fields.get<std::uint64_t>("memory_");
        context.ring_memories[memory] = ring.number;
        ring.producer.thread = sleeper_on(context, fields, "sleeper_[0]");
        ring.consumer.thread = sleeper_on(context, fields, "sleeper_[1]");
        if (fields.complete()) read_shared_memory(context, ring, header, memory, budget);
        else ring.problem = "this kernel's rings have another shape than this Inspector knows";
        context.snapshot.rings.push_back(std::move(ring));
    });
}

} // namespace orrery::inspector
