// Calls: submitted, received, answered, cancelled, given up.
//
// Race notes:
// (1) An operation changes hands only under the scheme's lock, and `state` says whose it is. Whoever completes it
// unlinks it
//     first, so it is completed once: by an answer, by the server's end, or by its own caller who gives up.
// (2) The operation and the receiver live on stacks of threads that sleep. A caller returns only after it has seen
//     `completed` under the lock, or has unlinked the operation under it; a receiver likewise. So nobody follows a
//     pointer into a stack that is gone.
// (3) A thread that is woken here may have been woken by a signal already; begin_wake says so, and then the signal's
// wake-up
//     is enough: the sleeper looks at `state`, not at what woke it.
// (4) A space that holds no handle to serve by is given no call. Its last one is closed in this order: it leaves the
//     table and is counted in `closings`; then, under the scheme's lock, the calls that the space has received end. A
//     receiver compares the count with that from before its look-up under the same lock. If it comes first, its call is
//     among those that end; if it comes second, it sees that something was closed, and looks what.
#include "kernel/scheme/scheme.h"

#include <algorithm>
#include <new>

#include "kernel/boot/registry.h"
#include "kernel/thread/scheduler.h"
#include "kernel/trace/recorder.h"

namespace orrery::kernel {
namespace {
    std::atomic<std::uint32_t> next_number { 1 };
}

Result<Ref<Scheme>> Scheme::create()
{
    auto* scheme = new (std::nothrow) Scheme(next_number.fetch_add(1, std::memory_order_relaxed));
    if (!scheme) return fail(Error::out_of_memory);
    register_scheme(*scheme);
    return Ref<Scheme>::adopt(scheme);
}

Scheme::~Scheme() { unregister_scheme(*this); }

Operation* Scheme::find(std::uint32_t tag, const AddressSpace& server)
{
    OperationList& list = bucket(tag);
    for (Operation* operation = list.first(); operation; operation = list.next(operation))
        if (operation->entry.tag == tag && operation->server.get() == &server) return operation;
    return nullptr;
}

// By priority, first come first served among equals. Callers mostly have the same one, so the walk is short.
void Scheme::enqueue(Operation& operation)
{
    Operation* before = submitted_.last();
    while (before && before->priority < operation.priority) before = submitted_.previous(before);
    submitted_.insert_after(before, &operation);
}

// A caller waits because all servers are at work: they go on with its priority, or it would wait for whoever runs
// before them. Callers of no higher priority than what was lent already need no walk.
void Scheme::lend(unsigned priority)
{
    if (priority <= lent_priority_) return;
    lent_priority_ = priority;
    for (OperationList& list : received_)
        for (Operation* operation = list.first(); operation; operation = list.next(operation))
            if (operation->server_thread->inherited_priority < priority)
                set_inherited_priority(*operation->server_thread, priority);
}

// The thread has no call of this scheme's any more. What another scheme has lent it since is not touched.
void Scheme::end_loan(Thread& server)
{
    if (server.lender.load(std::memory_order_relaxed) == number) set_inherited_priority(server, 0);
}

// For the end of a call after which its server's thread does not ask for the next at once: if it held no other, it
// works for nobody, and would keep a priority that is not its own.
void Scheme::end_loan_if_idle(Thread& server)
{
    if (server.inherited_priority <= server.own_priority) return; // there is nothing to be taken away
    for (OperationList& list : received_)
        for (const Operation* operation = list.first(); operation; operation = list.next(operation))
            if (operation->server_thread.get() == &server) return;
    end_loan(server);
}

// Gives the operation to a server's thread. False if the gift does not fit into its handle table: then the caller has
// to hear of it.
bool Scheme::hand_over(Operation& operation, Thread& server, abi::Sqe& entry)
{
    if (operation.gift) {
        // A copy of the reference: the last one must not go under the lock.
        const auto handle = server.space->handles.insert(Ref<Object>(operation.gift.get()), operation.gift_rights);
        if (!handle) return false; // and `entry` stays as it is, by which a receiver knows that it has got nothing
        entry = operation.entry;
        entry.arguments[abi::gift_argument] = abi::HandleGift { *handle, operation.gift_rights }.word();
    } else {
        entry = operation.entry;
    }
    operation.state = CallState::received;
    operation.server = Ref<AddressSpace>(server.space);
    operation.server_thread = Ref<Thread>(&server);
    const Operation* const next = submitted_.first(); // who waits behind this one counts as well
    lent_priority_ = next ? next->priority : 0; // what every server at work has; this one has its call's too
    server.lender.store(number, std::memory_order_relaxed);
    set_inherited_priority(server, std::max(operation.priority, lent_priority_));
    operation.caller->wait.value = server.number; // whom it waits for
    bucket(operation.entry.tag).push_back(&operation);
    ORRERY_TRACE(call, received, operation.cause, number, operation.entry.tag, server.number);
    return true;
}

void Scheme::unlink(Operation& operation)
{
    if (operation.state == CallState::submitted) submitted_.remove(&operation);
    else if (operation.state == CallState::received) bucket(operation.entry.tag).remove(&operation);
    cancelled_.remove(&operation);
    operation.state = CallState::completed;
}

// The caller's thread if it has to be made ready or to be handed the CPU; null if it is awake.
Thread* Scheme::complete(Operation& operation, Error error)
{
    unlink(operation); // (1)
    operation.error = error;
    Thread* const caller = operation.caller;
    ORRERY_TRACE(call, replied, operation.cause, number, operation.entry.tag, current_thread().number);
    return begin_wake(*caller, Error::none) ? caller : nullptr; // (3)
}

abi::Sqe Scheme::cancel_message(const Operation& operation)
{
    abi::Sqe message {};
    message.opcode = static_cast<std::uint8_t>(abi::SchemeOpcode::cancel);
    message.tag = operation.entry.tag;
    message.caller = operation.entry.caller;
    return message;
}

// Tells a waiting thread of the space that has received the call, which nobody else can answer; if there is none, the
// call waits in the list for one.
void Scheme::tell_cancelled(Operation& operation)
{
    Receiver* receiver = receivers_.first();
    while (receiver && receiver->thread->space != operation.server.get()) receiver = receivers_.next(receiver);
    if (!receiver) {
        cancelled_.push_back(&operation);
        return;
    }
    receivers_.remove(receiver);
    receiver->entry = cancel_message(operation);
    wake(*receiver->thread, Error::none);
}

Status Scheme::call(Operation& operation, std::uint64_t deadline, WaitReason reason) NO_THREAD_SAFETY_ANALYSIS
{
    Thread& self = current_thread();
    operation.caller = &self;
    operation.cause = next_cause();
    lock_.acquire();
    if (closed_) {
        lock_.release();
        return fail(Error::peer_closed);
    }
    operation.entry.tag = next_tag_;
    next_tag_ = next_tag_ == UINT32_MAX ? 1 : next_tag_ + 1; // 0 is no call
    operation.entry.caller = self.space->number;
    operation.priority = self.priority();
    operation.entry.priority = static_cast<std::uint16_t>(operation.priority);
    ORRERY_TRACE(call, submitted, operation.cause, number, operation.entry.tag, self.number);
    Thread* successor = nullptr;
    std::uint64_t server = 0;
    if (Receiver* const receiver = receivers_.first()) {
        if (!hand_over(operation, *receiver->thread, receiver->entry)) {
            lock_.release();
            return fail(Error::limit_reached);
        }
        receivers_.remove(receiver);
        server = receiver->thread->number;
        if (begin_wake(*receiver->thread, Error::none)) successor = receiver->thread; // (3)
    } else {
        enqueue(operation);
        lend(operation.priority);
    }
    for (;;) {
        const Error woken = sleep(lock_, { reason, number, server, deadline, 0 }, successor);
        successor = nullptr;
        lock_.acquire();
        if (operation.state == CallState::completed) break;
        const bool give_up
            = operation.state == CallState::submitted || woken == Error::timed_out || must_end(self);
        if (woken != Error::none && give_up) {
            unlink(operation); // (1), (2)
            if (operation.server_thread) end_loan_if_idle(*operation.server_thread);
            lock_.release();
            ORRERY_TRACE(call, cancelled, operation.cause, number, operation.entry.tag, self.number);
            return fail(woken);
        }
        if (woken != Error::none && !operation.cancelled) {
            operation.cancelled = true;
            ORRERY_TRACE(call, cancelled, operation.cause, number, operation.entry.tag, self.number);
            tell_cancelled(operation);
            reason = WaitReason::scheme_cancel; // which signals do not end
        }
        server = self.wait.value;
    }
    lock_.release();
    ORRERY_TRACE(call, resumed, operation.cause, number, operation.entry.tag, self.number);
    if (operation.error != Error::none) return fail(operation.error);
    // Only the kernel may begin an interruption.
    if (!operation.cancelled && operation.completion.result == abi::result_word(Error::interrupted))
        operation.completion.result = abi::result_word(Error::broken);
    return {};
}

// `gift` keeps what the answer passes until the lock is gone; `successor` becomes the thread that has to run.
Status Scheme::answer_locked(const abi::Cqe& completion, Ref<Object>& gift, Thread*& successor)
{
    AddressSpace& own = *current_thread().space;
    Operation* const operation = find(completion.tag, own);
    if (!operation) return fail(Error::not_found);
    abi::Cqe answer { .flags = 0, .extra = {}, .tag = completion.tag, .result = completion.result };
    if (completion.flags & abi::cqe_passes_handle) {
        // The kernel's own calls have no use for a handle, which would stay with whoever touched some memory.
        if (operation->entry.opcode < abi::first_free_opcode) return fail(Error::invalid_argument);
        const auto wanted = abi::HandleGift::from_word(completion.result);
        TRY(entry, own.handles.find_any(wanted.handle));
        gift = entry.object;
        if (!(entry.rights & abi::right_duplicate) || (wanted.rights & ~entry.rights)) return fail(Error::access_denied);
        const auto handle = operation->caller->space->handles.insert(Ref<Object>(gift.get()), wanted.rights);
        if (handle) {
            answer.flags = abi::cqe_passes_handle;
            answer.result = abi::HandleGift { *handle, wanted.rights }.word();
        } else { // the server keeps its own, so nothing is lost
            answer.result = abi::result_word(handle.error());
        }
    }
    operation->completion = answer;
    successor = complete(*operation, Error::none);
    Thread& server = *operation->server_thread; // the caller keeps it until the lock is gone
    if (&server != &current_thread()) [[unlikely]]
        end_loan_if_idle(server);
    return {};
}

Status Scheme::reply(const abi::Cqe& completion)
{
    Ref<Object> gift;
    Thread* caller = nullptr;
    Status status;
    {
        Guard guard(lock_);
        status = answer_locked(completion, gift, caller);
        end_loan_if_idle(current_thread());
        if (caller) make_ready(*caller);
    }
    return status;
}

// What the calling thread is to do, if anything waits.
bool Scheme::take_next(abi::Sqe& entry)
{
    for (Operation* operation = cancelled_.first(); operation; operation = cancelled_.next(operation)) {
        if (operation->server.get() != current_thread().space) continue;
        cancelled_.remove(operation);
        entry = cancel_message(*operation);
        return true;
    }
    while (Operation* const operation = submitted_.pop_front()) {
        if (hand_over(*operation, current_thread(), entry)) return true;
        if (Thread* const caller = complete(*operation, Error::limit_reached)) make_ready(*caller);
    }
    return false;
}

Result<abi::Sqe> Scheme::receive(
    const abi::Cqe* answer, std::uint64_t deadline, std::uint32_t closings) NO_THREAD_SAFETY_ANALYSIS
{
    Ref<Object> gift;
    Thread* successor = nullptr;
    Receiver receiver { &current_thread(), {}, {} };
    set_inherited_priority(current_thread(), 0); // what it had was for the call that it has done
    lock_.acquire();
    if (answer) {
        const Status answered = answer_locked(*answer, gift, successor);
        if (!answered && answered.error() != Error::not_found) {
            lock_.release();
            return fail(answered.error());
        }
    }
    const HandleTable& handles = current_thread().space->handles;
    const bool serves = handles.closings() == closings || handles.holds(*this, abi::right_serve); // (4)
    bool has_entry = serves && take_next(receiver.entry);
    if (has_entry || !serves || closed_) {
        if (successor) make_ready(*successor);
        lock_.release();
        if (has_entry) return receiver.entry;
        return fail(Error::peer_closed); // another thread has closed the handle that this one came by
    }
    receivers_.push_back(&receiver);
    const Error woken = sleep(lock_, { WaitReason::scheme_receive, number, 0, deadline, 0 }, successor);
    {
        Guard guard(lock_);
        has_entry = !receiver.link.linked && receiver.entry.tag != 0;
        receivers_.remove(&receiver); // (2)
    }
    // Who was given a call has it, whatever else woke it.
    if (has_entry) return receiver.entry;
    return fail(woken == Error::none ? Error::peer_closed : woken);
}

void Scheme::handle_opened(std::uint32_t rights)
{
    if (rights & abi::right_serve) open_servers_.fetch_add(1, std::memory_order_relaxed);
}

// With the last server all calls end, received or not. With one of several, those that it had received, which nobody
// can answer any more; and its threads that wait here are to receive no others. A space closes its handles when its
// last thread is gone, so this is also what becomes of the calls of a server that dies.
void Scheme::handle_closed_by(const HandleTable& table, std::uint32_t rights)
{
    if (!(rights & abi::right_serve)) return;
    Guard guard(lock_);
    closed_ = open_servers_.fetch_sub(1, std::memory_order_acq_rel) == 1 || closed_;
    if (!closed_ && table.holds(*this, abi::right_serve)) return; // (4)
    for (OperationList& list : received_)
        for (Operation* operation = list.first(); operation;) {
            Operation* const next = list.next(operation);
            if (closed_ || &operation->server->handles == &table) {
                end_loan(*operation->server_thread); // all that it held end here
                if (Thread* const caller = complete(*operation, Error::peer_closed)) make_ready(*caller);
            }
            operation = next;
        }
    for (Receiver* receiver = receivers_.first(); receiver;) {
        Receiver* const next = receivers_.next(receiver);
        if (closed_ || &receiver->thread->space->handles == &table) {
            receivers_.remove(receiver);
            wake(*receiver->thread, Error::peer_closed);
        }
        receiver = next;
    }
    if (!closed_) return;
    while (Operation* const operation = submitted_.first())
        if (Thread* const caller = complete(*operation, Error::peer_closed)) make_ready(*caller);
}

} // namespace orrery::kernel
