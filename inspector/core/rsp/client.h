// A synchronous client of one debug stub (QEMU's first of all), which never sends what would harm the guest.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "inspector/core/cancellation.h"
#include "inspector/core/result.h"
#include "inspector/core/rsp/connection.h"
#include "inspector/core/rsp/registers.h"
#include "inspector/core/rsp/stop_reply.h"

namespace orrery::inspector::rsp {

enum class RunState {
    stopped, // requests are answered
    running, // every request is refused with a sentence: one byte would stop a running QEMU and lose the request
    ended, // the target has exited
    lost, // the connection is unusable: reconnect
};

// What the stub announced; nothing else is ever used.
struct Capabilities {
    std::size_t packet_size = 512;
    bool target_description = false; // qXfer:features:read
    bool multiprocess = false;
    bool no_acknowledgements = false; // QStartNoAckMode
    bool reverse_step = false; // sending bs or bc without these aborts QEMU 7.2
    bool reverse_continue = false;
    bool resume_continue = false, resume_step = false; // vCont;c and vCont;s
    bool qemu = false; // answers qqemu.sstepbits, so physical memory mode exists
    unsigned step_bits = 0; // which single-step flags QEMU knows: 1 = on, 2 = no interrupts, 4 = no timers
    bool single_register = true; // p and P; found out at the first use
};

// Z packet types. QEMU under TCG patches no memory and treats software and hardware alike.
enum class PointKind {
    software_breakpoint = 0,
    hardware_breakpoint = 1,
    write_watch = 2,
    read_watch = 3,
    access_watch = 4
};

// Virtual address of the stub's current view: a breakpoint hits in every address space that maps it (filter on cr3).
// length: 1 for breakpoints on x86; the bytes of a watchpoint.
struct Point {
    PointKind kind = PointKind::hardware_breakpoint;
    std::uint64_t address = 0;
    std::uint64_t length = 1;
    auto operator<=>(const Point&) const = default;
};

struct AttachOptions {
    std::chrono::milliseconds connect_timeout { 3000 }; // until the socket is open and the first answer is there
    std::chrono::milliseconds reply_timeout { 10000 }; // hang guard of every later request
};

// Contract: one thread at a time calls it (its owner); only a Cancellation may be pressed by others. No function
// blocks for longer than its deadline or reply_timeout.
// Errors of all requests: busy while the guest runs; timed_out, connection_lost and protocol as in ErrorCode, where the
// first two leave the client in state lost; refused with the stub's error number.
class Client {
public:
    // Connects and shakes hands: drains the stop reply that QEMU sends unasked, reads the capabilities and the register
    // layout, asks `?`, which in QEMU also removes breakpoints that a dead debugger left armed.
    // A running QEMU is stopped by this. A second debugger at one stub is told so (the stub never answers it).
    static Result<std::unique_ptr<Client>> attach(const std::string& address, AttachOptions options = {});
    static Result<std::unique_ptr<Client>> attach(Connection connection, AttachOptions options = {});
    // Closes without a word: QEMU then stays stopped, with its breakpoints armed. Call detach() to leave properly.
    ~Client();
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    RunState state() const;
    const Capabilities& capabilities() const { return capabilities_; }
    const RegisterLayout& register_layout() const { return *layout_; }
    const std::optional<StopReply>& last_stop() const { return last_stop_; }
    std::uint64_t stop_count() const { return stop_count_; } // changes whenever what was read may be stale
    Connection& connection() { return connection_; }

    // vCPUs (QEMU) or threads, ascending.
    Result<std::vector<ThreadId>> threads();
    Result<std::string> thread_description(ThreadId thread); // "CPU#0 [halted ]"; "" where the stub has none

    Result<RegisterSet> read_registers(ThreadId thread);
    Result<RegisterFile> read_register_file(ThreadId thread);
    // Only the registers named (by p packets, pipelined; by g where the stub has no p). value of `cr3` = one round
    // trip.
    Result<std::uint64_t> read_register(ThreadId thread, std::string_view name);
    // Several at once, in one round trip where the stub takes requests ahead of its answers.
    Result<std::vector<std::uint64_t>> read_several(ThreadId thread, std::span<const std::string_view> names);
    Result<void> write_register(ThreadId thread, std::string_view name, std::uint64_t value);

    // Memory at virtual addresses of `thread`'s current address space. Split at pages and at the stub's packet limit,
    // and pipelined. Errors: unmapped, naming the first page that the stub refused; nothing of `into` is then promised.
    Result<void> read_memory(ThreadId thread, std::uint64_t address, std::span<std::byte> into);
    Result<void> write_memory(ThreadId thread, std::uint64_t address, std::span<const std::byte> from);
    // Guest physical memory (QEMU only, else unsupported). QEMU reports no error: where no RAM is, it reads zeroes.
    Result<void> read_physical(std::uint64_t address, std::span<std::byte> into);
    Result<void> write_physical(std::uint64_t address, std::span<const std::byte> from);

    // The kind of breakpoint that this stub can be relied on to hit. QEMU's need no patched memory; other stubs stand on
    // the processor's debug registers for hardware ones, which many virtual machines take and never fire.
    PointKind breakpoint_kind() const
    {
        return capabilities_.qemu ? PointKind::hardware_breakpoint : PointKind::software_breakpoint;
    }
    Result<void> insert(const Point& point); // idempotent
    Result<void> remove(const Point& point); // of one that is not there: no error
    const std::set<Point>& inserted() const { return points_; }

    // Resuming returns as soon as the packet is sent; wait_for_stop tells the rest.
    Result<void> resume_all();
    Result<void> resume_only(ThreadId thread); // the others stay frozen
    Result<void> begin_step(ThreadId thread); // one instruction; the others stay frozen
    Result<void> begin_step_others_run(ThreadId thread); // one instruction of it while the others run
    // Waits. timed_out and cancelled leave the guest running and the client usable; a stop reply is acknowledged at
    // once.
    Result<StopReply> wait_for_stop(Deadline deadline, const Cancellation* cancellation = nullptr);
    // Takes in what a stub says unasked while the guest stands: another stop, its end. Never waits.
    Result<void> take_unasked();
    // Asks a running guest to stop; wait_for_stop gives the reply (perhaps of a breakpoint that was quicker).
    Result<void> interrupt();
    // begin_step and wait. A halted vCPU whose interrupts are held back by single-stepping never ends a step: after
    // `limit` it is interrupted, and the stop is returned like any other.
    Result<StopReply> step(ThreadId thread, std::chrono::milliseconds limit = std::chrono::milliseconds { 2000 });

    // Which flags QEMU single-steps with: 7 (default) holds back interrupts and timers, 1 steps into handlers.
    Result<unsigned> step_flags();
    Result<void> set_step_flags(unsigned flags);

    // Only where announced (a QEMU in replay), else unsupported and nothing is sent.
    Result<void> begin_reverse_step();
    Result<void> begin_reverse_continue();

    // Someone resumed the guest past us (QMP cont): the client must know, or its next request would stop the guest.
    void note_resumed_elsewhere();
    // Removes all breakpoints and resumes the guest (D), then closes. Afterwards the client is in state lost.
    Result<void> detach();

private:
    explicit Client(Connection connection, AttachOptions options);
    Result<void> shake_hands();
    Result<void> negotiate();
    Result<void> read_layout();
    Result<std::string> read_annex(const std::string& annex);
    Result<void> require_stopped(std::string_view what) const;
    Result<std::string> request(std::string_view payload);
    Result<std::string> reply(Deadline deadline);
    Result<void> expect_ok(std::string_view request, const std::string& reply, std::string_view what);
    Result<void> select(ThreadId thread);
    Result<void> set_physical_mode(bool on);
    struct Chunk;
    std::vector<Chunk> chunks_of(std::uint64_t address, std::size_t size, std::size_t limit) const;
    Result<void> read_chunks(std::uint64_t address, std::span<std::byte> into, bool physical);
    Result<void> write_chunks(std::uint64_t address, std::span<const std::byte> from, bool physical);
    Result<void> resume(const std::string& packet);
    Result<void> note_stop(const StopReply& stop);
    bool may_pipeline() const { return capabilities_.qemu || !connection_.acknowledging(); }
    std::string thread_text(ThreadId thread) const;
    Deadline reply_deadline() const { return deadline_in(options_.reply_timeout); }

    Connection connection_;
    AttachOptions options_;
    Capabilities capabilities_;
    std::shared_ptr<const RegisterLayout> layout_;
    RunState state_ = RunState::stopped;
    std::optional<StopReply> last_stop_;
    std::uint64_t stop_count_ = 0;
    std::optional<ThreadId> selected_; // by Hg; QEMU selects anew at every stop
    std::set<Point> points_;
};

} // namespace orrery::inspector::rsp
