// Copies between a server's memory and the buffer of a call that it received.
#include <algorithm>

#include "kernel/memory/user_access.h"
#include "kernel/scheme/scheme.h"
#include "kernel/thread/scheduler.h"

namespace orrery::kernel {

// One page of the caller's at a time, each under the lock: while it is held the caller can't give up, so the server
// never writes into memory of a call that is over. What can't be done under it, because it sleeps or may drop the last
// reference to a space, is done between two turns: a page that is shared copy-on-write gets its own copy there, on
// either side, and the server's own page is made present.
Status Scheme::copy(std::uint32_t tag, std::uint64_t offset, VirtualAddress address, std::uint64_t length,
    abi::SchemeCopy direction)
{
    const bool to_caller = direction == abi::SchemeCopy::to_caller;
    if (length > abi::scheme_copy_maximum || !is_user_range(address, length)) return fail(Error::invalid_argument);
    while (length != 0) {
        Ref<MemoryObject> object; // outlives the lock, under which the last reference must not go
        std::uint64_t page = 0;   // in the object
        Frame* frame = nullptr;
        std::uint64_t piece = 0;
        Status status;
        bool lost = false; // what was written
        {
            Guard guard(lock_);
            const Operation* operation = find(tag, *current_thread().space);
            if (!operation) return fail(Error::not_found);
            if (!(operation->entry.flags & (to_caller ? abi::sqe_writable_buffer : abi::sqe_readable_buffer)))
                return fail(Error::access_denied);
            const std::uint64_t begin = operation->entry.arguments[abi::buffer_argument];
            const std::uint64_t size = operation->entry.arguments[abi::buffer_argument + 1];
            if (offset > size || length > size - offset) return fail(Error::invalid_argument);
            if (!is_user_range(begin, size)) return fail(Error::bad_address);
            const VirtualAddress place_in_caller = begin + offset;
            piece = std::min(length, page_size - place_in_caller % page_size);
            TRY(place, operation->caller->space->locate(
                           place_in_caller, to_caller ? abi::protection_write : abi::protection_read));
            object = place.object;
            page = round_down(place.offset, page_size);
            const auto borrowed = object->try_borrow(page, to_caller);
            if (borrowed) {
                frame = *borrowed;
                auto* bytes = static_cast<std::byte*>(frame_allocator.memory_of(frame)) + place.offset % page_size;
                status = to_caller ? copy_from_user(bytes, address, piece) : copy_to_user(address, bytes, piece);
                lost = to_caller && object->is_paged() && !object->mark_written(page, *frame);
            } else if (borrowed.error() != Error::would_block) {
                return fail(borrowed.error());
            }
        }
        if (frame) frame_allocator.release(frame);
        if (frame && status) {
            if (lost) continue;
            offset += piece;
            address += piece;
            length -= piece;
            continue;
        }
        if (frame)
            status = current_thread().space->make_present(
                address, piece, to_caller ? abi::protection_read : abi::protection_write);
        else status = object->make_writable(page);
        TRY_STATUS(status);
        if (!preemption_point()) return fail(Error::interrupted);
    }
    return {};
}

} // namespace orrery::kernel
