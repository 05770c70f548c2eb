// System calls on schemes.
#include "kernel/scheme/scheme.h"

#include "kernel/memory/user_access.h"
#include "kernel/syscall/syscall.h"
#include "kernel/thread/scheduler.h"

namespace orrery::kernel {
namespace {

    Result<abi::Handle> create()
    {
        TRY(scheme, Scheme::create());
        return own_handles().insert(scheme, abi::right_serve | abi::right_call | abi::right_duplicate);
    }

    Status take_gift(Operation& operation)
    {
        const auto wanted = abi::HandleGift::from_word(operation.entry.arguments[abi::gift_argument]);
        TRY(gift, own_handles().find_any(wanted.handle));
        if (!(gift.rights & abi::right_duplicate) || (wanted.rights & ~gift.rights)) return fail(Error::access_denied);
        operation.gift = gift.object;
        operation.gift_rights = wanted.rights;
        return {};
    }

    bool offers_buffer(const abi::Sqe& entry)
    {
        return (entry.flags & (abi::sqe_readable_buffer | abi::sqe_writable_buffer)) != 0;
    }

    Status bring_buffer(const abi::Sqe& entry)
    {
        return current_thread().space->make_present(entry.arguments[abi::buffer_argument],
            entry.arguments[abi::buffer_argument + 1],
            entry.flags & abi::sqe_writable_buffer ? abi::protection_write : abi::protection_read);
    }

    Status call(abi::Handle handle, VirtualAddress entry, VirtualAddress completion, std::uint64_t deadline)
    {
        TRY(scheme, own_handles().find<Scheme>(handle, abi::right_call));
        TRY(wanted, read_user<abi::Sqe>(entry));
        if (wanted.opcode < abi::first_free_opcode || (wanted.flags & ~abi::all_sqe_flags))
            return fail(Error::invalid_argument);
        for (;;) {
            Operation operation;
            operation.entry = wanted;
            if (wanted.flags & abi::sqe_passes_handle) TRY_STATUS(take_gift(operation));
            TRY_STATUS(scheme->call(operation, deadline));
            if (operation.completion.result != abi::result_word(Error::not_present) || !offers_buffer(wanted))
                return copy_to_user(completion, &operation.completion, sizeof(operation.completion));
            // The server could not wait for a page of the buffer: it may be the one who brings it.
            if (operation.cancelled) return fail(Error::interrupted);
            TRY_STATUS(bring_buffer(wanted));
        }
    }

    // What was received is lost to the server if its own address is bad; its caller must not wait for that.
    Status deliver(Scheme& scheme, const abi::Sqe& entry, VirtualAddress to)
    {
        const Status copied = copy_to_user(to, &entry, sizeof(entry));
        if (!copied && entry.opcode != static_cast<std::uint8_t>(abi::SchemeOpcode::cancel)) {
            const abi::Cqe failed { .flags = 0, .extra = {}, .tag = entry.tag,
                .result = abi::result_word(Error::broken) };
            (void)scheme.reply(failed);
        }
        return copied;
    }

    Status receive(abi::Handle handle, VirtualAddress answer_address, VirtualAddress entry_address, std::uint64_t deadline)
    {
        const std::uint32_t closings = own_handles().closings();
        TRY(scheme, own_handles().find<Scheme>(handle, abi::right_serve));
        abi::Cqe answer {};
        if (answer_address != 0) TRY_STATUS(copy_from_user(&answer, answer_address, sizeof(answer)));
        if (entry_address == 0) {
            if (answer_address == 0) return fail(Error::invalid_argument);
            return scheme->reply(answer);
        }
        TRY(entry, scheme->receive(answer_address != 0 ? &answer : nullptr, deadline, closings));
        return deliver(*scheme, entry, entry_address);
    }

    Status copy(abi::Handle handle, std::uint64_t tag, std::uint64_t offset, VirtualAddress address, std::uint64_t length,
        std::uint64_t direction)
    {
        TRY(scheme, own_handles().find<Scheme>(handle, abi::right_serve));
        if (tag > UINT32_MAX || direction > static_cast<std::uint64_t>(abi::SchemeCopy::to_caller))
            return fail(Error::invalid_argument);
        return scheme->copy(
            static_cast<std::uint32_t>(tag), offset, address, length, static_cast<abi::SchemeCopy>(direction));
    }

} // namespace

SyscallValue syscall_scheme_create(
    std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t)
{
    return to_value(create());
}

SyscallValue syscall_scheme_call(
    std::uint64_t scheme, std::uint64_t entry, std::uint64_t completion, std::uint64_t deadline, std::uint64_t,
    std::uint64_t)
{
    return to_value(call(to_handle(scheme), entry, completion, deadline));
}

SyscallValue syscall_scheme_receive(
    std::uint64_t scheme, std::uint64_t answer, std::uint64_t entry, std::uint64_t deadline, std::uint64_t,
    std::uint64_t)
{
    return to_value(receive(to_handle(scheme), answer, entry, deadline));
}

SyscallValue syscall_scheme_copy(
    std::uint64_t scheme, std::uint64_t tag, std::uint64_t offset, std::uint64_t address, std::uint64_t length,
    std::uint64_t direction)
{
    return to_value(copy(to_handle(scheme), tag, offset, address, length, direction));
}

} // namespace orrery::kernel
