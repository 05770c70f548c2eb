// Changes of guest state, breakpoints, and the code around a place.
#include <algorithm>
#include <cstddef>
#include <cstring>

#include "inspector/app/machine_parts.h"
#include "inspector/core/disassembly/disassembly.h"
#include "inspector/models/text.h"

namespace orrery::inspector {
namespace {

constexpr std::uint64_t kernel_half = std::uint64_t { 1 } << 63;
constexpr std::size_t shown_instructions = 400;

} // namespace

void MachineWorker::edit(const EditRequest& request)
{
    auto done = machine_ ? carry_out_edit(request) : Result<void>(failure("there is no machine"));
    if (machine_ && done) picture(true);
    Q_EMIT edit_finished(request, done ? QString() : text(done.error().sentence) + QLatin1Char('.'));
}

Result<void> MachineWorker::carry_out_edit(const EditRequest& request)
{
    if (state_ != RunState::stopped) return failure("the machine runs; pause it before a change");
    const auto* thread = latest_ ? latest_->thread(request.thread) : nullptr;
    if (!thread) return failure("thread " + std::to_string(request.thread) + " is gone");
    if (request.place == EditRequest::Place::thread_register) {
        const auto cpu = TRY(cpu_of(request.thread));
        if (!TRY(machine_->session->registers(cpu)).in_user_mode() && request.cpu >= 0)
            return failure("thread " + std::to_string(request.thread)
                + " is inside the kernel now, and its own registers wait in the kernel's trap frame; step until it is in its program");
        return machine_->session->write_register(cpu, register_name(request.register_index), request.value);
    }
    const auto* space = latest_->space(thread->space);
    if (!space) return failure("the address space of thread " + std::to_string(request.thread) + " is gone");
    const auto offset = request.place == EditRequest::Place::frame_mask
        ? offsetof(abi::SignalFrame, mask)
        : offsetof(abi::SignalFrame, registers) + request.register_index * sizeof(std::uint64_t);
    std::byte bytes[sizeof(std::uint64_t)];
    std::memcpy(bytes, &request.value, sizeof bytes);
    return machine_->session->write_virtual(space->cr3, request.frame + offset, bytes);
}

void MachineWorker::set_breakpoints(const SourceBreakpoints& wanted)
{
    breakpoints_ = wanted;
    if (!machine_) return;
    if (auto armed = arm_breakpoints(); !armed) Q_EMIT notice(text(armed.error().sentence));
}

Result<void> MachineWorker::arm_breakpoints()
{
    breakpoint_owners_.clear();
    if (breakpoints_.isEmpty() && machine_->session->points().empty()) return {};
    std::set<rsp::Point> points;
    for (auto& breakpoint : breakpoints_) {
        const auto file = breakpoint.file.toStdString();
        std::size_t places = 0;
        const auto add = [&](const DebugInfo& code, const std::string& owner) {
            const auto addresses = code.addresses_of(file, breakpoint.line);
            places += addresses.size();
            if (!breakpoint.enabled) return;
            for (const auto address : addresses) {
                points.insert({ rsp::PointKind::hardware_breakpoint, address, 1 });
                breakpoint_owners_.emplace(address, owner);
            }
        };
        add(*machine_->reader.kernel(), {});
        for (const auto& [name, program] : machine_->reader.programs()) add(*program, name);
        breakpoint.resolved = places > 0;
        breakpoint.sentence = places > 0 ? QString() : tr("no program of this machine has code for this line");
    }
    Q_EMIT breakpoints_resolved(breakpoints_);
    return machine_->session->set_points(std::move(points));
}

DebugInfoPointer MachineWorker::file_for(std::uint64_t address, std::uint32_t thread_id) const
{
    if (address >= kernel_half) return machine_->reader.kernel();
    const auto* thread = latest_ ? latest_->thread(thread_id) : nullptr;
    return thread ? machine_->reader.program(thread->space_name) : nullptr;
}

void MachineWorker::send_code(std::uint32_t thread_id, std::uint64_t address)
{
    if (!machine_ || !latest_) return;
    CodePicture code;
    code.thread = thread_id;
    const auto* thread = latest_->thread(thread_id);
    if (address == 0 && thread && thread->registers) address = thread->registers->rip();
    code.rip = address;
    const auto file = address == 0 ? nullptr : file_for(address, thread_id);
    if (address == 0) {
        code.problem = tr("Thread %1 has no saved registers to show code for.").arg(thread_id);
    } else if (!file) {
        code.problem = tr("No debug information belongs to %1: the program is not among those of this machine.").arg(hex_text(address));
    } else {
        code.function = text(file->describe(address));
        if (const auto location = file->location(address)) {
            code.file = text(location->file);
            code.line = location->line;
        }
        const auto function = file->function_at(address);
        const auto begin = function ? function->begin : address;
        const auto end = function ? function->end : address + 256;
        const auto instructions = disassemble(ProgramImage(file), begin, end, file.get(), 8 * shown_instructions);
        if (!instructions) {
            code.problem = text(instructions.error().sentence) + QLatin1Char('.');
        } else {
            const auto here = std::ranges::find(*instructions, address, &Instruction::address) - instructions->begin();
            const auto first = std::max<std::ptrdiff_t>(0, here - static_cast<std::ptrdiff_t>(shown_instructions / 2));
            const auto last = std::min<std::ptrdiff_t>(static_cast<std::ptrdiff_t>(instructions->size()), first + static_cast<std::ptrdiff_t>(shown_instructions));
            for (auto i = first; i < last; ++i) {
                const auto& instruction = (*instructions)[static_cast<std::size_t>(i)];
                InstructionLine line;
                line.address = instruction.address;
                line.text = text(instruction.text);
                for (const auto byte : instruction.bytes) line.bytes += QStringLiteral("%1 ").arg(byte, 2, 16, QLatin1Char('0'));
                line.symbol = text(file->describe(instruction.address));
                if (const auto location = file->location(instruction.address)) line.line = location->line;
                code.instructions.push_back(std::move(line));
            }
        }
    }
    Q_EMIT code_ready(code);
}

} // namespace orrery::inspector
