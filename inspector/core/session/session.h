// One guest under inspection: started (or joined), read, run, paused, stepped, and left behind clean.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "inspector/core/cancellation.h"
#include "inspector/core/osmodel/snapshot.h"
#include "inspector/core/qmp/client.h"
#include "inspector/core/ram/address_translator.h"
#include "inspector/core/ram/physical_memory.h"
#include "inspector/core/result.h"
#include "inspector/core/rsp/client.h"
#include "inspector/core/session/console.h"
#include "inspector/core/session/options.h"
#include "inspector/core/session/qemu_exit.h"

namespace orrery::inspector {

class Keeper;

enum class GuestState { running, stopped, ended };

struct Stop {
    enum class Reason {
        breakpoint, // an address of the armed set, or of run_until; not executed yet
        watchpoint, // the access has happened
        step,
        paused, // by pause(), request_pause(), another debugger, or at attach
        deadline, // run_until's; the guest was paused
        cancelled, // the Cancellation was pressed; the guest was paused
        ended, // QEMU has ended: see exit_status()
    };
    Reason reason = Reason::paused;
    unsigned cpu = 0; // which vCPU stopped
    std::uint64_t rip = 0, cr3 = 0; // of it; 0 if the guest has ended or there is no stub connection
    std::uint64_t watch_address = 0; // watchpoint
    std::optional<rsp::WatchKind> watch {};
};

// What run_until waits for. All that is set must hold at once.
struct RunUntil {
    std::set<std::uint64_t> addresses {}; // breakpoints for this run only, besides the armed set
    std::vector<rsp::Point> watches {}; // likewise
    std::optional<std::uint64_t> cr3 {}; // only in this address space (bits 51..12 are compared)
    // Asked at every hit that passes the filters; false = go on. It may read registers and memory through the session.
    std::function<Result<bool>(const Stop&)> predicate {};
    Deadline deadline = Deadline::max();
    const Cancellation* cancellation = nullptr;
};

// How to use it:
//
//     auto session = Session::launch({ .kernel = "kernel.elf", .initrd = "initrd.tar" });   // runs at once
//     if (!session) { say(session.error().sentence); ... }
//     osmodel reads (*session)->memory() while the guest runs: it never stops for that
//     (*session)->pause(); (*session)->registers(0); (*session)->run();
//     auto stop = (*session)->run_until({ .addresses = { phase_label }, .deadline = deadline_in(2s) });
//     (*session)->console().text();
//     (*session)->close();          // or the destructor
//
// Control (breakpoints, steps, registers, writes) needs the debug stub, and its attach stops the guest for a moment; so
// it is attached when it is first needed. Live reading, pause and run need it not. Attach mode has it from the start,
// and has no live memory: there memory() is only readable while the guest is stopped.
//
// Run state: QMP's events are the authority where there is QMP; the stub tells why it stopped.
//
// Threads: one thread owns the session and calls it. Any thread may call request_pause(), and, of a launched session,
// read memory() and console(). No function waits without a bound. Nothing runs in the background but the keeper
// process, which ends QEMU and removes its files when this process dies, however it dies.
class Session {
public:
    // Starts QEMU (recipe in qemu_command.h) and returns when its CPUs are ready (or running). Errors, each with what
    // to do next: QEMU missing, too old or dying at start (with its words), no kernel file, no firmware, address in
    // use.
    static Result<std::unique_ptr<Session>> launch(LaunchOptions options);
    // Joins a stub that someone else started. The guest is stopped afterwards.
    static Result<std::unique_ptr<Session>> attach(AttachTarget target);
    // As close().
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    bool launched() const { return keeper_ != nullptr; } // else attached
    // Takes in what the guest did since (events, stops, its end); never waits. `on_change` of a front end: call this
    // when one of event_descriptors() is readable.
    GuestState state();
    std::vector<int> event_descriptors() const;
    // Counts up at every stop and every resume: a picture with an older number is stale.
    std::uint64_t generation() const { return generation_; }
    const std::optional<Stop>& last_stop() const { return last_stop_; }

    // Lets all vCPUs run. Steps off breakpoints that were already reported. No error if it runs already.
    Result<void> run();
    // Stops all vCPUs (QMP stop, else the stub's interrupt). No error if it stands already.
    Result<Stop> pause();
    // [any thread] Makes a run_until, wait_for_stop or step of the owner return with reason cancelled, paused.
    void request_pause() { pause_request_.cancel(); }

    // Waits while it runs; returns at once with the last stop if it stands. timed_out and cancelled: it still runs.
    Result<Stop> wait_for_stop(Deadline deadline, const Cancellation* cancellation = nullptr);
    // Runs until a hit passes all of `goal`, an armed point is hit, it ends, or the time is up; it is stopped then.
    // The goal's points leave the stub at the next run(), so that a row of equal goals does not set them each time.
    Result<Stop> run_until(const RunUntil& goal);
    // One instruction of one vCPU; the others stand still. Interrupts are held back meanwhile
    // (set_step_into_interrupts).
    Result<Stop> step(unsigned cpu);
    Result<void> set_step_into_interrupts(bool on);

    // The armed set: kept across runs, set in the stub as a difference. At most ~50 (QEMU slows down by each).
    // May be called while the guest runs: it is stopped for the change (under a millisecond) and goes on.
    Result<void> set_points(std::set<rsp::Point> points);
    const std::set<rsp::Point>& points() const { return points_; }

    Result<unsigned> cpu_count();
    // Only while stopped (error: busy).
    Result<RegisterFile> registers(unsigned cpu);
    Result<rsp::RegisterSet> all_registers(unsigned cpu);
    Result<void> write_register(unsigned cpu, std::string_view name, std::uint64_t value);
    // cr3 of a vCPU. While a launched guest runs it comes from QMP, without a stop.
    Result<std::uint64_t> page_table_root(unsigned cpu);

    // Guest physical memory. Launched: live at any time. Attached: only while stopped.
    const ram::PhysicalMemory& memory() const { return *memory_; }
    bool memory_is_live() const { return launched(); }
    Result<void> read_virtual(std::uint64_t cr3, std::uint64_t address, std::span<std::byte> into) const;
    // Through the page tables of `cr3`, whatever rights they give, and only while stopped. Errors: busy, unmapped.
    Result<void> write_virtual(std::uint64_t cr3, std::uint64_t address, std::span<const std::byte> from);

    // Of a launched guest; empty for an attached one.
    const Console& console() const { return console_; }
    Result<void> type(std::string_view text); // into its serial line

    // The stub's client, attached if need be (a running guest goes on afterwards). For what the session does not wrap.
    Result<rsp::Client*> control();
    // Leaves the stub to another debugger (its address: debug_address()); points are removed, run state is kept.
    Result<void> release_control();
    bool has_control() const { return rsp_ != nullptr; }
    std::string debug_address() const { return debug_address_; }
    qmp::Client* monitor() { return qmp_.get(); } // null in attach mode without QMP

    // Once state() is ended. Waits a moment for QEMU's exit. Errors: it runs still; attach mode (nobody can know).
    Result<QemuExit> exit_status();
    // Launched: ends QEMU, waits for it and leaves no file, socket or process. Attached: leaves the guest running,
    // without breakpoints. Later calls of anything give an error of code ended.
    void close();

private:
    Session();
    Result<void> start(const LaunchOptions& options);
    Result<void> join(const AttachTarget& target);
    Result<void> take_events();
    Result<void> agree_with_monitor();
    void note_end();
    void note_running();
    Result<void> require_stopped(std::string_view what);
    Result<rsp::ThreadId> thread_of(unsigned cpu);
    Result<Stop> note_stop(const rsp::StopReply& reply, bool stepped);
    Stop note_stop_without_stub();
    Result<Stop> stop_now();
    Result<std::optional<Stop>> step_off_reported();
    Result<Stop> step_thread(rsp::ThreadId thread, std::uint64_t before, std::chrono::milliseconds limit);
    Result<void> set_in_stub(const std::set<rsp::Point>& wanted);
    Result<Stop> run_to_goal(const RunUntil& goal);
    Result<bool> satisfies(const RunUntil& goal, const Stop& stop);
    bool is_armed(const Stop& stop) const;

    std::unique_ptr<Keeper> keeper_;
    std::unique_ptr<qmp::Client> qmp_;
    std::unique_ptr<rsp::Client> rsp_;
    std::unique_ptr<ram::PhysicalMemory> memory_;
    Console console_;
    Descriptor standard_error_;
    std::string debug_address_, console_socket_;
    bool control_is_ours_ = true; // false: the stub was given to another debugger at launch
    GuestState state_ = GuestState::stopped;
    std::uint64_t generation_ = 0;
    std::optional<Stop> last_stop_;
    std::set<rsp::Point> points_;
    std::map<rsp::ThreadId, std::uint64_t> reported_; // vCPUs that stand where the caller was told, and where
    std::vector<rsp::ThreadId> threads_;
    Cancellation pause_request_;
    bool closed_ = false;
};

} // namespace orrery::inspector
