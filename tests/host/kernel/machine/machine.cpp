// The machine: its memory, its CPUs, and the handing over of CPUs between host threads.
#include "machine.h"
#include "processor.h"

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <sys/mman.h>

#include "kernel/cpu/clock.h"
#include "kernel/cpu/page_table.h"
#include "kernel/memory/layout.h"
#include "kernel/syscall/syscall.h"
#include "kernel/thread/run_queue.h"
#include "kernel/thread/scheduler.h"

namespace orrery::kernel {

extern "C" void trap(TrapFrame& frame);
extern "C" void return_to_user(TrapFrame& frame);
extern "C" void thread_started();
extern "C" void context_switch(std::uint64_t* save_stack_pointer, std::uint64_t next_stack_pointer);

namespace host {
    namespace {

        struct Gone {}; // unwinds the host thread of a kernel thread that has ended

        struct Carrier { // of a kernel thread: whoever resumes it gives it a CPU
            std::mutex mutex;
            std::condition_variable resumed;
            Cpu* cpu = nullptr;

            void resume(Cpu* with)
            {
                const std::lock_guard guard(mutex);
                cpu = with;
                resumed.notify_one();
            }
            void wait()
            {
                std::unique_lock guard(mutex);
                resumed.wait(guard, [&] { return cpu != nullptr; });
                current_cpu = std::exchange(cpu, nullptr);
            }
        };
        thread_local Carrier own_carrier;

        std::mutex carriers_mutex;
        std::condition_variable carrier_ended;
        unsigned carriers = 0;

        std::mutex programs_mutex;
        std::vector<const std::function<void()>*> programs; // what a thread's argument may name

        const std::function<void()>* find_program(std::uint64_t argument)
        {
            const std::lock_guard guard(programs_mutex);
            for (const auto* program : programs)
                if (reinterpret_cast<std::uint64_t>(program) == argument) return program;
            return nullptr;
        }

        void carry(Carrier** place, std::condition_variable* started)
        {
            {
                const std::lock_guard guard(carriers_mutex);
                *place = &own_carrier;
                started->notify_one();
            }
            own_carrier.wait();
            try {
                thread_started();
                TrapFrame& frame = *current_thread().trap_frame;
                return_to_user(frame);
                if (const auto program = find_program(frame.rdi)) (*program)();
                syscall_thread_end(0, 0, 0, 0, 0, 0);
            } catch (const Gone&) {
            }
            const std::lock_guard guard(carriers_mutex);
            --carriers;
            carrier_ended.notify_all();
        }

        Carrier* start_carrier()
        {
            Carrier* carrier = nullptr;
            std::condition_variable started;
            std::unique_lock guard(carriers_mutex);
            ++carriers;
            std::thread(carry, &carrier, &started).detach();
            started.wait(guard, [&] { return carrier != nullptr; });
            return carrier;
        }

        bool is_ended(Thread& thread)
        {
            const Guard guard(thread.lock);
            return thread.state == ThreadState::ended;
        }

        void initialize_memory()
        {
            static Frame frames[arena_size / page_size];
            void* arena = mmap(reinterpret_cast<void*>(direct_map_base), arena_size, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
            if (arena != reinterpret_cast<void*>(direct_map_base)) {
                std::perror("the arena of physical memory");
                std::abort();
            }
            frame_allocator.initialize(frames, arena_size / page_size);
            frame_allocator.add_range(reserved_memory, arena_size);
        }

        void prepare_cpu(unsigned number)
        {
            Cpu& cpu = cpus[number];
            cpu.self = &cpu;
            cpu.number = cpu.apic_id = number;
            initialize_run_queue(cpu); // a new one: it counts turns
            cpu.idle_thread = cpu.current = Thread::create_idle(cpu);
            cpu.hot = &cpu.current->hot;
            cpu.previous = nullptr;
            cpu.slice_end = ~std::uint64_t { 0 };
            cpu.timers_rest_until = 0;
            cpu.online = true;
        }

        void unload(Cpu& cpu)
        {
            AddressSpace* space = std::exchange(cpu.loaded_space, nullptr);
            if (!space) return;
            space->loaded_on.fetch_and(~(1u << cpu.number));
            space->release();
        }

        void leave_cpu(Cpu& cpu)
        {
            cpu.online = false;
            delete std::exchange(cpu.ready, nullptr);
            cpu.idle = false;
            unload(cpu);
            cpu.idle_thread->release();
            cpu.idle_thread = cpu.current = nullptr;
        }

    } // namespace

    FrameLimit::FrameLimit(std::size_t rest)
    {
        while (frame_allocator.free_frames() > rest) hoard_.push_back(frame_allocator.allocate());
    }
    FrameLimit::~FrameLimit()
    {
        for (Frame* frame : hoard_) frame_allocator.release(frame);
    }

    Machine::Machine(unsigned cpu_total)
    {
        static std::once_flag once;
        current_cpu = &cpus[0];
        std::call_once(once, initialize_memory);
        reset_interrupts();
        cpu_count = cpu_total;
        for (unsigned number = 0; number < cpu_total; ++number) {
            current_cpu = &cpus[number];
            prepare_cpu(number);
        }
        current_cpu = &cpus[0];
        for (unsigned number = 1; number < cpu_total; ++number)
            idle_carriers_.emplace_back([number] {
                current_cpu = &cpus[number];
                try {
                    idle_loop();
                } catch (const Stopped&) {
                }
            });
    }

    Machine::~Machine()
    {
        {
            std::unique_lock guard(carriers_mutex);
            if (!carrier_ended.wait_for(guard, std::chrono::seconds(60), [] { return carriers == 0; })) {
                std::fprintf(stderr, "%u kernel threads have not ended: a test left them asleep\n", carriers);
                std::abort();
            }
        }
        stop_idle_loops();
        for (std::thread& carrier : idle_carriers_) carrier.join();
        for (unsigned number = 0; number < cpu_count; ++number) {
            current_cpu = &cpus[number];
            leave_cpu(cpus[number]);
        }
        cpu_count = 1;
        current_cpu = nullptr;
        set_clock(0);
        const std::lock_guard guard(programs_mutex);
        programs.clear();
    }

    Ref<AddressSpace> Machine::make_space(const char* name)
    {
        auto space = AddressSpace::create(std::span(name, std::strlen(name)));
        if (!space) std::abort();
        return *space;
    }

    std::uint64_t Machine::add_program(std::function<void()> program)
    {
        programs_.push_back(std::make_unique<std::function<void()>>(std::move(program)));
        const std::lock_guard guard(programs_mutex);
        programs.push_back(programs_.back().get());
        return reinterpret_cast<std::uint64_t>(programs_.back().get());
    }

    Ref<Thread> Machine::spawn(Ref<AddressSpace> space, std::function<void()> program)
    {
        const auto thread
            = Thread::create(std::move(space), { 0x400000, 0x7000'0000, add_program(std::move(program)), 0 });
        if (!thread || !(*thread)->start()) std::abort();
        return *thread;
    }

    void Machine::run_ready()
    {
        Cpu& cpu = this_cpu();
        std::uint64_t before = 0;
        do {
            before = cpu.idle_thread->switches;
            schedule();
            cpu.idle = false;
            take_interrupts(cpu, false);
        } while (cpu.idle_thread->switches != before);
    }

    void Machine::run_until(const std::function<bool()>& condition)
    {
        Cpu& cpu = this_cpu();
        while (!condition()) {
            cpu.idle = true;
            run_ready();
            cpu.idle = true;
            program_timer_interrupt();
            if (!condition()) take_interrupts(cpu, true);
        }
        cpu.idle = false;
    }

    void Machine::unload_space() { unload(this_cpu()); }

    CpuBinding::CpuBinding(unsigned number) : before_(std::exchange(current_cpu, &cpus[number]))
    {
        prepare_cpu(number);
    }
    CpuBinding::~CpuBinding()
    {
        leave_cpu(this_cpu());
        current_cpu = before_;
    }

    QuietCpu::QuietCpu(unsigned number) : number_(number)
    {
        prepare_cpu(number);
        ++cpu_count;
    }
    QuietCpu::~QuietCpu()
    {
        --cpu_count;
        leave_cpu(cpus[number_]);
    }

    ActAs::ActAs(Thread& thread) : before_(std::exchange(this_cpu().current, &thread)) {}
    ActAs::~ActAs() { this_cpu().current = before_; }

    void user_point()
    {
        take_interrupts(this_cpu(), false);
        return_to_user(*current_thread().trap_frame);
    }

    std::optional<std::uint64_t> page_table_entry(PhysicalAddress root, VirtualAddress address)
    {
        std::uint64_t entry = root | 1;
        for (unsigned level = 4; level > 0; --level) {
            const auto* table = static_cast<const std::uint64_t*>(to_virtual(entry & 0x000f'ffff'ffff'f000));
            entry = __atomic_load_n(&table[address >> (3 + 9 * level) & 511], __ATOMIC_RELAXED);
            if (!(entry & 1)) return std::nullopt;
        }
        return entry;
    }

    void* user_memory(AddressSpace& space, VirtualAddress address)
    {
        const auto place = space.locate(address, abi::protection_read);
        if (!place) return nullptr;
        const auto frame = place->object->page(round_down(place->offset, page_size));
        if (!frame) return nullptr;
        return static_cast<std::byte*>(frame_allocator.memory_of(*frame)) + address % page_size;
    }

} // namespace host

extern "C" void context_switch(std::uint64_t* save_stack_pointer, std::uint64_t next_stack_pointer)
{
    using namespace host;
    Carrier& self = own_carrier;
    *save_stack_pointer = reinterpret_cast<std::uint64_t>(&self) | 1; // odd: not a stack that never ran
    Cpu* cpu = current_cpu;
    const bool ended = is_ended(*cpu->previous);
    Carrier* next
        = next_stack_pointer & 1 ? reinterpret_cast<Carrier*>(next_stack_pointer - 1) : start_carrier();
    next->resume(cpu);
    if (ended) throw Gone {};
    self.wait();
}

} // namespace orrery::kernel
