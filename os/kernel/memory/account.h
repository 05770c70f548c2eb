// How much memory a space is charged with, and with it those that made it. Apart from the space, because memory objects
// outlive their users.
#pragma once

#include <atomic>
#include <cstdint>

#include "kernel/base/error.h"
#include "kernel/handle/object.h"

namespace orrery::kernel {

// Accounts without a limit of their own are bound by what bound their maker when it made them, so each knows the next
// account above it that has a limit, and nothing else: chains stay short however long the line of makers is.
class MemoryAccount {
public:
    static constexpr std::uint32_t unlimited = ~std::uint32_t { 0 };
    static constexpr unsigned max_depth = 16; // of limits within limits

    // Below `maker`'s account, or below none. Null if memory is out.
    static Ref<MemoryAccount> create(MemoryAccount* maker = nullptr);
    MemoryAccount(const MemoryAccount&) = delete;
    MemoryAccount& operator=(const MemoryAccount&) = delete;

    void reference() { references_.fetch_add(1, std::memory_order_relaxed); }
    void release();

    // All or nothing: limit_reached if that is over the limit of this account or of one above it.
    Status charge(std::uint64_t pages)
    {
        const bool fits = charge_here(pages);
        if (fits && !above_) [[likely]] // on the way of every first touch of a page
            return {};
        return charge_above(pages, fits);
    }
    void charge_beyond_limits(std::uint64_t pages); // what exists changes hands
    void give_back(std::uint64_t pages);
    // From now on. What is over it already stays. limit_reached if there are max_depth limits above this one.
    Status set_limit(std::uint32_t pages);

    // Pages of memory objects alone, which the space could give back.
    std::atomic<std::uint64_t> pages { 0 };
    // All that is charged, with what the spaces below are charged with if this one has a limit.
    std::uint64_t charged() const { return charged_.load(std::memory_order_relaxed); }

private:
    explicit MemoryAccount(MemoryAccount* above) : above_(above) {}
    bool charge_here(std::uint64_t pages)
    {
        return charged_.fetch_add(pages, std::memory_order_relaxed) + pages <= limit_.load(std::memory_order_relaxed);
    }
    Status charge_above(std::uint64_t pages, bool fits_here);
    bool has_limit() const { return limit_.load(std::memory_order_relaxed) != unlimited; }

    std::atomic<std::uint64_t> charged_ { 0 };
    std::atomic<std::uint32_t> limit_ { unlimited };
    std::atomic<std::uint32_t> references_ { 1 };
    MemoryAccount* const above_; // referenced
};

// What an account is charged with, as long as this lives, for something that the kernel keeps. Not locked: its owner
// orders calls.
class Charge {
public:
    Charge() = default; // nobody pays
    explicit Charge(MemoryAccount* account) : account_(account) {}
    Charge(const Charge&) = delete;
    Charge& operator=(const Charge&) = delete;
    ~Charge() { drop(pages_); }

    void bill(MemoryAccount* account) { account_ = Ref<MemoryAccount>(account); } // before anything is added
    MemoryAccount* account() const { return account_.get(); }
    Status add(std::uint64_t pages) // limit_reached
    {
        if (account_) TRY_STATUS(account_->charge(pages));
        pages_ += pages;
        return {};
    }
    void add_beyond_limits(std::uint64_t pages);
    void drop(std::uint64_t pages);
    // Another pays from now on. limit_reached: that one may not; then all is as it was.
    Status move_to(MemoryAccount* account);
    std::uint64_t pages() const { return pages_; }

private:
    Ref<MemoryAccount> account_;
    std::uint64_t pages_ = 0;
};

} // namespace orrery::kernel
