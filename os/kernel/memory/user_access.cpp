// Copies that may fault; the fault handler (cpu/trap.cpp) makes pages present or lets user_copy return 1.
#include "kernel/memory/user_access.h"

namespace orrery::kernel {

extern "C" std::uint64_t user_copy(void* to, const void* from, std::uint64_t length);

Status copy_from_user(void* to, VirtualAddress from, std::uint64_t length)
{
    if (!is_user_range(from, length)) return fail(Error::bad_address);
    if (user_copy(to, reinterpret_cast<const void*>(from), length) != 0) return fail(Error::bad_address);
    return {};
}

Status copy_to_user(VirtualAddress to, const void* from, std::uint64_t length)
{
    if (!is_user_range(to, length)) return fail(Error::bad_address);
    if (user_copy(reinterpret_cast<void*>(to), from, length) != 0) return fail(Error::bad_address);
    return {};
}

} // namespace orrery::kernel
