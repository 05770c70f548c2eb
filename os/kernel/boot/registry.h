// The lists of everything that exists, kept for the Inspector and for nothing else.
#pragma once

namespace orrery::kernel {

class Thread;
class AddressSpace;
class Ring;

void register_thread(Thread& thread);
void unregister_thread(Thread& thread);
void register_space(AddressSpace& space);
void unregister_space(AddressSpace& space);
void register_ring(Ring& ring);
void unregister_ring(Ring& ring);

} // namespace orrery::kernel
