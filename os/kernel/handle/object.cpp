// The end of objects, one after the other.
#include "kernel/handle/object.h"

#include "kernel/cpu/cpu.h"

namespace orrery::kernel {

// An object can hold the last reference to another, which holds the last to a third: programs can build such chains of
// spaces as long as they like. So destructors never run inside each other, or a chain would overflow the kernel's
// stack.
void Object::destroy()
{
    Cpu& cpu = this_cpu();
    next_doomed_ = cpu.doomed;
    cpu.doomed = this;
    if (cpu.destroys) return; // a destructor has released us; the loop below, further out, goes on with us
    cpu.destroys = true;
    while (Object* object = cpu.doomed) {
        cpu.doomed = object->next_doomed_;
        delete object;
    }
    cpu.destroys = false;
}

} // namespace orrery::kernel
