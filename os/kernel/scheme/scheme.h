// A scheme: callers on the one side, servers on the other, and calls that wait in between.
#pragma once

#include <atomic>
#include <cstdint>

#include "abi/scheme.h"
#include "kernel/base/error.h"
#include "kernel/base/list.h"
#include "kernel/base/spinlock.h"
#include "kernel/handle/object.h"
#include "kernel/memory/address_space.h"
#include "kernel/thread/scheduler.h"

namespace orrery::kernel {

enum class CallState : std::uint32_t {
    submitted, // nobody has received it
    received,  // a server works on it
    completed, // answered or given up; in no list
};

// One call. It lives on its caller's kernel stack, so a call allocates nothing; all but `entry` is the scheme's, under
// its lock.
struct Operation {
    abi::Sqe entry {};
    abi::Cqe completion {};
    Thread* caller = nullptr;
    Ref<AddressSpace> server; // who received it
    Ref<Thread> server_thread;
    unsigned priority = 0; // of the caller
    Ref<Object> gift;         // passed along, with these rights
    std::uint32_t gift_rights = 0;
    Error error = Error::none; // the kernel's own answer
    CallState state = CallState::submitted;
    bool cancelled = false;
    std::uint64_t cause = 0;
    ListLink<Operation> link;        // submitted: the queue; received: a bucket
    ListLink<Operation> cancel_link; // cancelled, and no server told so yet
};

class Scheme final : public Object {
public:
    static constexpr abi::ObjectKind object_kind = abi::ObjectKind::scheme;

    static Result<Ref<Scheme>> create(); // out_of_memory
    ~Scheme() override;

    // Submits the operation and sleeps until it is answered; operation.completion is the answer then. The caller fills
    // in `entry`, and `gift` if it passes a handle. peer_closed (no server is left, or it died over the call),
    // interrupted, timed_out, limit_reached (the server's handle table has no room for the gift).
    //
    // A call that nobody has received is taken back by a signal. One that was received can only be asked for: the
    // server gets a `cancel` message and decides, and the caller waits for its answer; a deadline or the caller's end
    // end it at once, and the late answer finds nothing.
    // `reason` is what the wait is shown as: scheme_call, or page_in, which signals do not end.
    Status call(Operation& operation, std::uint64_t deadline, WaitReason reason = WaitReason::scheme_call)
        EXCLUDES(lock_);

    // Answers a call that the calling space received. not_found (no such call: given up, or never given to this space),
    // and what is wrong with a handle that the answer passes; the call still waits then.
    Status reply(const abi::Cqe& completion) EXCLUDES(lock_);
    // Waits for the next call, or cancel message. peer_closed, interrupted, timed_out. With `answer`, replies first:
    // the hot path of a server, in which the CPU goes directly to the caller. An answer that comes too late is dropped.
    // `closings`: those of the calling space's handles, read before it looked up the one that it came by. If that has
    // been closed meanwhile, the space must not be given a call, which it could never answer.
    Result<abi::Sqe> receive(const abi::Cqe* answer, std::uint64_t deadline,
        std::uint32_t closings = current_thread().space->handles.closings()) EXCLUDES(lock_);

    // Copies between the calling server's memory at `address` and the buffer of a call that it received. not_found,
    // access_denied (the caller did not offer its buffer for that), invalid_argument (outside of the buffer, or more
    // than scheme_copy_maximum), bad_address (either side's memory is not there), not_present (the caller's page is
    // with its pager, which may be this very server; see abi/scheme.h). What was copied before stays copied.
    Status copy(std::uint32_t tag, std::uint64_t offset, VirtualAddress address, std::uint64_t length,
        abi::SchemeCopy direction) EXCLUDES(lock_);

    void handle_opened(std::uint32_t rights) override;
    void handle_closed_by(const HandleTable& table, std::uint32_t rights) override;

    Scheme* all_next = nullptr; // list of all schemes, for the Inspector
    Scheme* all_previous = nullptr;

private:
    struct Receiver { // a server thread that waits, on its own stack
        Thread* thread;
        abi::Sqe entry {};
        ListLink<Receiver> link;
    };
    using OperationList = List<Operation, &Operation::link>;
    static constexpr std::size_t bucket_count = 64;

    explicit Scheme(std::uint32_t number) : Object(object_kind, number) {}

    Operation* find(std::uint32_t tag, const AddressSpace& server) REQUIRES(lock_);
    OperationList& bucket(std::uint32_t tag) REQUIRES(lock_) { return received_[tag % bucket_count]; }
    void enqueue(Operation& operation) REQUIRES(lock_);
    void lend(unsigned priority) REQUIRES(lock_);
    void end_loan(Thread& server) REQUIRES(lock_);
    void end_loan_if_idle(Thread& server) REQUIRES(lock_);
    bool hand_over(Operation& operation, Thread& server, abi::Sqe& entry) REQUIRES(lock_);
    bool take_next(abi::Sqe& entry) REQUIRES(lock_);
    void unlink(Operation& operation) REQUIRES(lock_);
    Thread* complete(Operation& operation, Error error) REQUIRES(lock_);
    Status answer_locked(const abi::Cqe& completion, Ref<Object>& gift, Thread*& successor) REQUIRES(lock_);
    void tell_cancelled(Operation& operation) REQUIRES(lock_);
    static abi::Sqe cancel_message(const Operation& operation);

    Spinlock lock_ { LockRank::scheme };
    OperationList submitted_ GUARDED_BY(lock_);
    OperationList received_[bucket_count] GUARDED_BY(lock_); // by tag
    List<Operation, &Operation::cancel_link> cancelled_ GUARDED_BY(lock_);
    List<Receiver, &Receiver::link> receivers_ GUARDED_BY(lock_);
    std::uint32_t next_tag_ GUARDED_BY(lock_) = 1;
    std::atomic<std::uint32_t> open_servers_ { 0 }; // handles with right_serve; opened under their table's lock
    bool closed_ GUARDED_BY(lock_) = false;            // the last of them is gone, for good
    unsigned lent_priority_ GUARDED_BY(lock_) = 0;     // of the calls that wait; all servers at work have been given it
};

} // namespace orrery::kernel
