// The lists of everything that exists, kept for the Inspector, and to find what would otherwise be lost.
#pragma once

#include "kernel/handle/object.h"

namespace orrery::kernel {

class Thread;
class AddressSpace;
class Ring;
class Scheme;

void register_thread(Thread& thread);
void unregister_thread(Thread& thread);
void register_space(AddressSpace& space);
void unregister_space(AddressSpace& space);
// A living space that this one has made and that never had a thread; null if there is none (any more).
Ref<AddressSpace> find_unstarted_space(std::uint32_t maker);
void register_ring(Ring& ring);
void unregister_ring(Ring& ring);
void register_scheme(Scheme& scheme);
void unregister_scheme(Scheme& scheme);

} // namespace orrery::kernel
