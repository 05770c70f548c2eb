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
// A living space that this one has made and that never had a thread; null if there is none. Spaces are listed newest
// first, and the search goes on behind the last one that it found, if it found one already.
Ref<AddressSpace> find_unstarted_space(std::uint32_t maker, const AddressSpace* behind);
void register_ring(Ring& ring);
void unregister_ring(Ring& ring);
void register_scheme(Scheme& scheme);
void unregister_scheme(Scheme& scheme);

} // namespace orrery::kernel
