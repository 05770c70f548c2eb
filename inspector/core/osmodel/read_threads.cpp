// Threads and CPUs: who runs where, who waits for what, and the user registers of each.
#include "inspector/core/osmodel/read_context.h"
#include "inspector/core/ram/virtual_memory.h"

namespace orrery::inspector {

namespace {

constexpr const char* thread_type = "orrery::kernel::Thread";
constexpr std::uint32_t maximum_cpus = 256;

RegisterFile registers_of(ReadContext& context, const StructReader& frame)
{
    using abi::SavedRegister;
    constexpr std::pair<SavedRegister, const char*> names[] = {
        { SavedRegister::r8, "r8" },   { SavedRegister::r9, "r9" },   { SavedRegister::r10, "r10" },
        { SavedRegister::r11, "r11" }, { SavedRegister::r12, "r12" }, { SavedRegister::r13, "r13" },
        { SavedRegister::r14, "r14" }, { SavedRegister::r15, "r15" }, { SavedRegister::rdi, "rdi" },
        { SavedRegister::rsi, "rsi" }, { SavedRegister::rbp, "rbp" }, { SavedRegister::rbx, "rbx" },
        { SavedRegister::rdx, "rdx" }, { SavedRegister::rax, "rax" }, { SavedRegister::rcx, "rcx" },
        { SavedRegister::rsp, "rsp" }, { SavedRegister::rip, "rip" }, { SavedRegister::rflags, "rflags" },
    };
    Fields fields(context, view::threads, frame);
    RegisterFile registers;
    for (const auto& [index, name] : names)
        registers.general[static_cast<unsigned>(index)] = fields.get<std::uint64_t>(name);
    registers.cs = static_cast<std::uint16_t>(fields.get<std::uint64_t>("cs"));
    registers.ss = static_cast<std::uint16_t>(fields.get<std::uint64_t>("ss"));
    return registers;
}

// The user registers at the top of the thread's kernel stack; only valid while the thread is in the kernel.
std::optional<RegisterFile> trapped_registers(ReadContext& context, Fields& fields)
{
    const auto address = fields.get<std::uint64_t>("trap_frame");
    if (address == 0) return std::nullopt;
    const auto frame = context.object(view::threads, "orrery::kernel::TrapFrame", address, true);
    if (!frame) return std::nullopt;
    auto registers = registers_of(context, frame->reader());
    if (!registers.in_user_mode()) return std::nullopt; // it never was in user mode, or is only being made
    registers.fs_base = fields.get<std::uint64_t>("fs_base");
    registers.gs_base = fields.get<std::uint64_t>("gs_base");
    return registers;
}

void take_registers(ReadContext& context, Fields& fields, ThreadView& thread, std::uint64_t cr3)
{
    const bool running = thread.state == "running";
    if (running && context.cpu_registers.empty()) return; // live: the trap frame would be an old one
    const auto cpu = static_cast<std::size_t>(thread.cpu);
    if (running && thread.cpu >= 0 && cpu < context.cpu_registers.size() && context.cpu_registers[cpu].in_user_mode())
        thread.registers = context.cpu_registers[cpu];
    else if (thread.state != "ended")
        thread.registers = trapped_registers(context, fields);
    if (thread.registers) thread.registers->cr3 = cr3;
}

// The page may be absent meanwhile: then there is nothing to show.
void take_wait_word(ReadContext& context, ThreadView& thread, std::uint64_t cr3)
{
    if (thread.wait_reason != "futex" && thread.wait_reason != "futex_owned") return;
    std::uint32_t word = 0;
    const ram::AddressSpace memory(context.memory.physical(), cr3);
    if (memory.read(thread.wait_object, std::as_writable_bytes(std::span(&word, 1)))) thread.wait_word = word;
}

// The number of the CPU whose structure lies at `address` in the array; -1 if it is none.
int cpu_number(ReadContext& context, std::uint64_t address)
{
    const auto shape = context.shape(view::cpus, "orrery::kernel::Cpu");
    if (!shape || shape->size == 0 || address < context.descriptor.cpus) return -1;
    const auto offset = address - context.descriptor.cpus;
    const auto index = offset / shape->size;
    return offset % shape->size == 0 && index < context.descriptor.cpu_count ? static_cast<int>(index) : -1;
}

// A thread is "running" a moment before its CPU switches to it: until then the CPU and its registers are another's.
bool is_current(ReadContext& context, int cpu, std::uint64_t thread_address)
{
    const auto shape = context.shape(view::cpus, "orrery::kernel::Cpu");
    if (!shape || cpu < 0) return false;
    const auto object = context.object(view::cpus, shape->name.c_str(), context.descriptor.cpus + static_cast<unsigned>(cpu) * shape->size);
    if (!object) return false;
    const auto reader = object->reader();
    return Fields(context, view::cpus, reader).get<std::uint64_t>("current") == thread_address;
}

} // namespace

void read_threads(ReadContext& context)
{
    walk_list(context, view::threads, thread_type, context.descriptor.first_thread,
              [&context](std::uint64_t address, const StructReader& reader) {
        Fields fields(context, view::threads, reader);
        ThreadView thread;
        thread.address = address;
        thread.id = fields.get<std::uint32_t>("number");
        if (!fields.complete()) return; // without numbers there is nothing to show
        context.thread_ids[address] = thread.id;
        thread.state = fields.enumerator("state");
        thread.switches = fields.get<std::uint64_t>("switches");
        thread.syscalls = fields.get<std::uint64_t>("hot.syscalls");
        thread.priority = fields.get<std::uint8_t>("effective_priority");
        thread.own_priority = fields.get<std::uint8_t>("own_priority");
        thread.allowed_cpus = fields.get<std::uint32_t>("allowed_cpus");
        if (thread.state == "blocked") {
            thread.wait_reason = fields.enumerator("wait.reason");
            thread.wait_object = fields.get<std::uint64_t>("wait.object");
            thread.wait_value = fields.get<std::uint64_t>("wait.value");
            thread.wait_deadline = fields.get<std::uint64_t>("wait.deadline");
        }
        thread.cpu = cpu_number(context, fields.get<std::uint64_t>("cpu"));
        if (thread.state == "running" && !is_current(context, thread.cpu, address)) thread.cpu = -1;
        const auto space_address = fields.get<std::uint64_t>("space");
        const auto space_id = context.space_ids.find(space_address);
        std::uint64_t cr3 = 0;
        if (space_id != context.space_ids.end()) {
            thread.space = space_id->second;
            const auto* space = context.snapshot.space(thread.space);
            thread.space_name = space->name;
            cr3 = space->cr3;
        } else if (space_address != 0) {
            context.garbage(view::threads, "thread " + std::to_string(thread.id) + " belongs to a space that is not listed");
        }
        if (cr3 != 0) take_wait_word(context, thread, cr3);
        take_registers(context, fields, thread, cr3);
        read_signals(context, thread, reader);
        context.snapshot.threads.push_back(std::move(thread));
    });
}

void read_cpus(ReadContext& context)
{
    const auto count = context.descriptor.cpu_count;
    if (count > maximum_cpus) {
        context.garbage(view::cpus, "the kernel claims to have " + std::to_string(count) + " processors");
        return;
    }
    const auto shape = context.shape(view::cpus, "orrery::kernel::Cpu");
    if (!shape) return;
    for (std::uint32_t i = 0; i < count; ++i) {
        const auto object = context.object(view::cpus, "orrery::kernel::Cpu", context.descriptor.cpus + i * shape->size);
        if (!object) return;
        const auto reader = object->reader();
        Fields fields(context, view::cpus, reader);
        CpuView cpu;
        cpu.number = i;
        cpu.idle = fields.get<bool>("idle");
        const auto current = context.thread_ids.find(fields.get<std::uint64_t>("current"));
        if (current != context.thread_ids.end()) cpu.thread = current->second;
        if (i < context.cpu_registers.size()) cpu.registers = context.cpu_registers[i];
        context.snapshot.cpus.push_back(std::move(cpu));
    }
}

} // namespace orrery::inspector
