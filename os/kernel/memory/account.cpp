// Charging, up the chain of limits.
#include "kernel/memory/account.h"

#include <new>

namespace orrery::kernel {

Ref<MemoryAccount> MemoryAccount::create(MemoryAccount* maker)
{
    MemoryAccount* above = maker;
    while (above && !above->has_limit()) above = above->above_;
    auto* account = new (std::nothrow) MemoryAccount(above);
    if (account && above) above->reference();
    return Ref<MemoryAccount>::adopt(account);
}

// Without recursion: the last one below may take all above along.
void MemoryAccount::release()
{
    for (MemoryAccount* account = this; account && account->references_.fetch_sub(1, std::memory_order_acq_rel) == 1;) {
        MemoryAccount* const above = account->above_;
        delete account;
        account = above;
    }
}

// Two that charge at once may both be refused the last page, but never both get it.
Status MemoryAccount::charge_above(std::uint64_t pages, bool fits_here)
{
    for (MemoryAccount* account = this; account; account = account->above_) {
        if (account == this ? fits_here : account->charge_here(pages)) continue;
        for (MemoryAccount* undo = this;; undo = undo->above_) {
            undo->charged_.fetch_sub(pages, std::memory_order_relaxed);
            if (undo == account) return fail(Error::limit_reached);
        }
    }
    return {};
}

void MemoryAccount::charge_beyond_limits(std::uint64_t pages)
{
    for (MemoryAccount* account = this; account; account = account->above_)
        account->charged_.fetch_add(pages, std::memory_order_relaxed);
}

void MemoryAccount::give_back(std::uint64_t pages)
{
    for (MemoryAccount* account = this; account; account = account->above_)
        account->charged_.fetch_sub(pages, std::memory_order_relaxed);
}

Status MemoryAccount::set_limit(std::uint32_t pages)
{
    unsigned depth = 0;
    for (const MemoryAccount* account = above_; account; account = account->above_) ++depth;
    if (depth >= max_depth) return fail(Error::limit_reached);
    limit_.store(pages, std::memory_order_relaxed);
    return {};
}

void Charge::add_beyond_limits(std::uint64_t pages)
{
    if (account_) account_->charge_beyond_limits(pages);
    pages_ += pages;
}

// Given back first: the two may share an account above, which has room for it once.
Status Charge::move_to(MemoryAccount* account)
{
    if (account_) account_->give_back(pages_);
    if (const Status charged = account ? account->charge(pages_) : Status {}; !charged) {
        if (account_) account_->charge_beyond_limits(pages_);
        return charged;
    }
    account_ = Ref<MemoryAccount>(account);
    return {};
}

void Charge::drop(std::uint64_t pages)
{
    pages_ -= pages;
    if (account_) account_->give_back(pages);
}

} // namespace orrery::kernel
