// The only ways in which the kernel touches user memory by user addresses. Pages are made present on the way; an
// address that the program could not access itself gives bad_address, and out_of_memory if there is none left to make a
// page present. No lock of rank `space` or above may be held.
#pragma once

#include <cstdint>
#include <type_traits>

#include "kernel/base/error.h"
#include "kernel/memory/layout.h"

namespace orrery::kernel {

// What a copy says of a fault that could not be resolved.
constexpr Error copy_error(Error fault)
{
    return fault == Error::out_of_memory || fault == Error::limit_reached ? fault : Error::bad_address;
}

Status copy_from_user(void* to, VirtualAddress from, std::uint64_t length);
Status copy_to_user(VirtualAddress to, const void* from, std::uint64_t length);

template <typename T>
    requires std::is_trivially_copyable_v<T>
Result<T> read_user(VirtualAddress address)
{
    T value;
    TRY_STATUS(copy_from_user(&value, address, sizeof(T)));
    return value;
}

} // namespace orrery::kernel
