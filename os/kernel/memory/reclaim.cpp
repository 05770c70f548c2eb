// The list of discardable objects, and the walk over it.
#include "kernel/memory/reclaim.h"

#include "kernel/memory/memory_object.h"

namespace orrery::kernel {
namespace {
    Spinlock discardable_lock { LockRank::registry };
    List<MemoryObject, &MemoryObject::discardable_link> discardable GUARDED_BY(discardable_lock);
}

void register_discardable(MemoryObject& object)
{
    Guard guard(discardable_lock);
    discardable.push_back(&object);
}

void unregister_discardable(MemoryObject& object)
{
    Guard guard(discardable_lock);
    discardable.remove(&object);
}

std::uint64_t reclaim(std::uint64_t pages)
{
    std::uint64_t dropped = 0;
    std::size_t turns = 0;
    {
        Guard guard(discardable_lock);
        turns = discardable.size();
    }
    for (; turns > 0 && dropped < pages; --turns) {
        Ref<MemoryObject> object;
        {
            Guard guard(discardable_lock);
            MemoryObject* first = discardable.pop_front();
            if (!first) break;
            discardable.push_back(first); // the next reclaim begins with another
            if (first->try_reference()) object = Ref<MemoryObject>::adopt(first);
        }
        if (object) dropped += object->drop_clean(pages - dropped);
    }
    return dropped;
}

} // namespace orrery::kernel
