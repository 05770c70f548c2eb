// The lists of everything that exists, kept for the Inspector and for nothing else.
#pragma once

namespace orrery::kernel {

class Thread;
class AddressSpace;
class Ring;
class Scheme;

void register_thread(Thread& thread);
void unregister_thread(Thread& thread);
void register_space(AddressSpace& space);
void unregister_space(AddressSpace& space);
void register_ring(Ring& ring);
void unregister_ring(Ring& ring);
void register_scheme(Scheme& scheme);
void unregister_scheme(Scheme& scheme);

} // namespace orrery::kernel
