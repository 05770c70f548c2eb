// Which CPU a thread runs on: whom a thread that can run is given to, and what changes when its priority or its
// processors do.
#include <algorithm>

#include "kernel/cpu/cpu.h"
#include "kernel/thread/run_queue.h"
#include "kernel/thread/scheduler.h"

namespace orrery::kernel {
namespace {

    // True once for each time that a CPU says that it is idle: two threads that are woken together must not both queue
    // there.
    bool claim_idle(Cpu& cpu)
    {
        return cpu.online.load(std::memory_order_relaxed) && cpu.idle.load(std::memory_order_relaxed)
            && cpu.idle.exchange(false, std::memory_order_seq_cst);
    }

    struct Place {
        Cpu* cpu;
        bool was_idle;
    };
    // An idle CPU, the last one first; else the one whose current thread matters least if that is less than this one,
    // else the last one.
    Place choose_cpu(Thread& thread)
    {
        Cpu* last = __atomic_load_n(&thread.cpu, __ATOMIC_RELAXED);
        if (!last) last = &this_cpu();
        if (thread.may_run_on(last->number) && claim_idle(*last)) return { last, true };
        Cpu* least = nullptr;
        std::uint32_t least_priority = thread.may_run_on(last->number)
            ? last->running_priority.load(std::memory_order_relaxed)
            : ~std::uint32_t { 0 };
        for (unsigned index = 0; index < cpu_count; ++index) {
            Cpu& cpu = cpus[index];
            if (&cpu == last || !thread.may_run_on(index) || !cpu.online.load(std::memory_order_relaxed)) continue;
            if (claim_idle(cpu)) return { &cpu, true };
            const std::uint32_t priority = cpu.running_priority.load(std::memory_order_relaxed);
            if (priority >= least_priority) continue;
            least = &cpu;
            least_priority = priority;
        }
        if (least && (least_priority < thread.priority() || !thread.may_run_on(last->number))) return { least, false };
        return { last, false };
    }

} // namespace

void make_ready(Thread& thread)
{
    const auto [cpu, was_idle] = choose_cpu(thread);
    const unsigned priority = thread.priority();
    if (!cpu->ready->push(thread, *cpu)) { // its processors have changed meanwhile
        if (was_idle) poke(*cpu);          // it was claimed for nothing: it shall look, and be idle again
        make_ready(thread);
        return;
    }
    // From here on it may run, and end, elsewhere.
    if (was_idle) {
        poke(*cpu);
        return;
    }
    // Looked at after the push: RunQueue::take changes it under the same lock, so it has seen this thread, or this sees
    // what it took.
    if (priority > cpu->running_priority.load(std::memory_order_relaxed)) request_reschedule(*cpu);
    // A CPU that went idle after choose_cpu looked, and scanned the lists before the push, must look again.
    for (unsigned index = 0; cpu_count > 1 && index < cpu_count; ++index)
        if (cpus[index].idle.load(std::memory_order_seq_cst)) poke(cpus[index]);
}

namespace {
    // After a change of what decides where and when the thread runs.
    void reconsider(Thread& thread)
    {
        Cpu* const cpu = thread.queued_on.load(std::memory_order_seq_cst); // after the change: see RunQueue::push
        if (cpu && cpu->ready->remove(thread, *cpu)) make_ready(thread);
        else if (thread.on_cpu.load(std::memory_order_seq_cst)) set_attention(thread, attention_reschedule);
    }

    std::uint8_t higher_priority(const Thread& thread)
    {
        return std::max(thread.own_priority.load(std::memory_order_seq_cst),
            thread.inherited_priority.load(std::memory_order_seq_cst));
    }

    // Two may do this at once, each after it changed one of the two: whoever stores last has seen both, or looks again.
    void settle_priority(Thread& thread)
    {
        std::uint8_t both = 0;
        bool changed = false;
        do {
            both = higher_priority(thread);
            if (thread.effective_priority.exchange(both, std::memory_order_seq_cst) != both) changed = true;
        } while (higher_priority(thread) != both);
        if (!changed) return;
        if (&thread == this_cpu().current) this_cpu().running_priority.store(both, std::memory_order_relaxed);
        reconsider(thread);
    }
} // namespace

void set_own_priority(Thread& thread, unsigned priority)
{
    thread.own_priority.store(static_cast<std::uint8_t>(priority), std::memory_order_seq_cst);
    settle_priority(thread);
}

void set_inherited_priority(Thread& thread, unsigned priority)
{
    if (thread.inherited_priority.load(std::memory_order_relaxed) == priority) return;
    const unsigned before = thread.inherited_priority.exchange(static_cast<std::uint8_t>(priority), std::memory_order_seq_cst);
    // Mostly neither is more than its own. Who changes that one at this moment stores it first and looks at this second.
    if (std::max(before, priority) <= thread.own_priority.load(std::memory_order_seq_cst)) return;
    settle_priority(thread);
}

Status set_allowed_cpus(Thread& thread, std::uint64_t cpu_set)
{
    std::uint32_t running = 0;
    for (unsigned index = 0; index < cpu_count; ++index)
        if (cpus[index].online.load(std::memory_order_relaxed)) running |= 1u << index;
    if ((cpu_set & running) == 0) return fail(Error::invalid_argument);
    thread.allowed_cpus.store(static_cast<std::uint32_t>(cpu_set), std::memory_order_seq_cst);
    reconsider(thread);
    return {};
}

} // namespace orrery::kernel
