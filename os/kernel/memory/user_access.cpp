// Copies that may fault; the fault handler (cpu/trap.cpp) makes pages present or lets user_copy return the error.
#include "kernel/memory/user_access.h"

namespace orrery::kernel {

extern "C" std::uint64_t user_copy(void* to, const void* from, std::uint64_t length);

namespace {

    Status copy(void* to, const void* from, std::uint64_t length)
    {
        const auto error = static_cast<Error>(user_copy(to, from, length));
        if (error != Error::none) return fail(error);
        return {};
    }

} // namespace

Status copy_from_user(void* to, VirtualAddress from, std::uint64_t length)
{
    if (!is_user_range(from, length)) return fail(Error::bad_address);
    return copy(to, reinterpret_cast<const void*>(from), length);
}

Status copy_to_user(VirtualAddress to, const void* from, std::uint64_t length)
{
    if (!is_user_range(to, length)) return fail(Error::bad_address);
    return copy(reinterpret_cast<void*>(to), from, length);
}

} // namespace orrery::kernel
