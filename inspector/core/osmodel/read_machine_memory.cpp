// How much memory the machine has left, and how short the kernel thinks that is.
#include "inspector/core/osmodel/read_context.h"

namespace orrery::inspector {

void read_machine_memory(ReadContext& context)
{
    const auto allocator = context.kernel.variable("orrery::kernel::frame_allocator");
    if (!allocator) return context.problem(view::memory, allocator.error().sentence);
    const auto object = context.object(view::memory, "orrery::kernel::FrameAllocator", allocator->address);
    if (!object) return;
    const auto reader = object->reader();
    Fields fields(context, view::memory, reader);
    auto& memory = context.snapshot.memory;
    memory.total = fields.get<std::uint64_t>("total_frames_");
    memory.free = fields.get<std::uint64_t>("free_frames_");
    memory.known = fields.complete() && memory.free <= memory.total;
    if (!memory.known && fields.complete()) context.garbage(view::memory, "the kernel claims that more memory is free than there is");
    const auto level = context.kernel.variable("orrery::kernel::(anonymous namespace)::present");
    if (!level) return;
    const auto value = context.memory.value<std::uint32_t>(level->address);
    if (value && *value <= static_cast<std::uint32_t>(abi::MemoryPressure::critical)) memory.pressure = static_cast<abi::MemoryPressure>(*value);
}

} // namespace orrery::inspector
