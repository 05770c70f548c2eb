// A picture of a guest in the middle of a signal, made by hand, and a program's names: what the tests evaluate on.
#pragma once

#include <map>

#include "inspector/lessons/predicate.h"

namespace orrery::inspector::lessons {

// Two programs. "ping" (thread 3) blocks SIGUSR1, which is pending, and has one frame for SIGUSR2 on its stack;
// "pong" (thread 4) sleeps on ring 1 (capacity 8, two entries). "gone" (space 9) ended by SIGSEGV.
inline Snapshot sample_snapshot()
{
    Snapshot snapshot;
    snapshot.freshness = Freshness::stopped;
    snapshot.machine_state = abi::MachineState::running;
    snapshot.cpus.resize(2);
    ThreadView ping;
    ping.id = 3;
    ping.space = 7;
    ping.space_name = "ping";
    ping.state = "running";
    ping.cpu = 1;
    ping.syscalls = 12;
    ping.registers = RegisterFile {};
    ping.registers->general[static_cast<unsigned>(abi::SavedRegister::rip)] = 0x401000;
    ping.signals.registered = true;
    ping.signals.pending = abi::signal_mask64(10);
    ping.signals.allowset = ~abi::signal_mask64(10);
    ping.signals.actions_known = true;
    ping.signals.actions[11] = { .handler = 0x402000, .mask = abi::signal_mask64(10), .flags = 4, .reserved = 0 };
    FrameView frame;
    frame.valid = true;
    frame.signal = 12;
    frame.handler = 0x402000;
    frame.handler_name = "count";
    frame.mask = abi::signal_mask64(10);
    frame.registers[static_cast<unsigned>(abi::SavedRegister::rip)] = 0x401002;
    frame.info.code = -6;
    ping.signals.frames.push_back(frame);
    ThreadView pong;
    pong.id = 4;
    pong.space = 8;
    pong.space_name = "pong";
    pong.state = "blocked";
    pong.wait_reason = "ring";
    pong.cpu = 0;
    snapshot.threads = { ping, pong };
    SpaceView gone;
    gone.id = 9;
    gone.name = "gone";
    gone.ended = true;
    gone.exit_status = { .code = 0, .signal = 11 };
    SpaceView space;
    space.id = 7;
    space.name = "ping";
    space.threads = { 3 };
    snapshot.spaces = { space, gone };
    RingView ring;
    ring.number = 1;
    ring.valid = true;
    ring.entry_size = 64;
    ring.capacity = 8;
    ring.producer.index = 5;
    ring.consumer.index = 3;
    ring.consumer.waiting = true;
    snapshot.rings = { ring };
    return snapshot;
}

inline SeenPhase seen(abi::Phase phase, std::string thread_name, std::uint64_t first = 0, std::uint64_t second = 0,
    std::uint64_t third = 0)
{
    SeenPhase seen;
    seen.event.phase = phase;
    seen.event.arguments = { first, second, third };
    seen.thread_name = std::move(thread_name);
    return seen;
}

class SampleNames : public ProgramNames {
public:
    std::map<std::string, std::uint64_t, std::less<>> addresses { { "main", 0x401000 }, { "count", 0x402000 } };
    std::map<std::string, std::int64_t, std::less<>> variables { { "handled", 3 }, { "negative", -1 } };

    std::optional<std::uint64_t> address(std::string_view symbol) const override
    {
        const auto found = addresses.find(symbol);
        return found == addresses.end() ? std::nullopt : std::optional(found->second);
    }
    std::optional<std::int64_t> variable(std::string_view symbol) const override
    {
        const auto found = variables.find(symbol);
        return found == variables.end() ? std::nullopt : std::optional(found->second);
    }
};

} // namespace orrery::inspector::lessons
