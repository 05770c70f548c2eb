// Page-ins as calls to a scheme: the thread that faulted is the caller, with its priority and by direct switch.
#include "kernel/scheme/scheme_pager.h"

#include <new>

namespace orrery::kernel {
namespace {

    class SchemePager final : public Pager {
    public:
        SchemePager(Ref<Scheme> scheme, std::uint64_t key) : scheme_(std::move(scheme)), key_(key) {}

        Status fetch(std::uint64_t offset, bool write) override
        {
            Operation operation;
            operation.entry.opcode = static_cast<std::uint8_t>(abi::SchemeOpcode::page_in);
            operation.entry.arguments[0] = key_;
            operation.entry.arguments[1] = offset;
            operation.entry.arguments[2] = write ? abi::protection_write : abi::protection_read;
            TRY_STATUS(scheme_->call(operation, abi::no_deadline, WaitReason::page_in));
            const auto result = static_cast<std::int64_t>(operation.completion.result);
            if (result < 0) return fail(Error::not_found); // whatever it was to the server, here the page is missing
            return {};
        }
        std::uint32_t number() const override { return scheme_->number; }

    private:
        const Ref<Scheme> scheme_;
        const std::uint64_t key_;
    };

} // namespace

std::unique_ptr<Pager> make_scheme_pager(Ref<Scheme> scheme, std::uint64_t key)
{
    return std::unique_ptr<Pager>(new (std::nothrow) SchemePager(std::move(scheme), key));
}

} // namespace orrery::kernel
