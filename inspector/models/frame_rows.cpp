// The chain of signal frames on a thread's stacks, and one frame's registers beside what they are compared with.
#include <QCoreApplication>

#include "inspector/models/rows.h"
#include "inspector/models/text.h"

namespace orrery::inspector {
namespace {

using abi::SavedRegister;

QString translate(const char* sentence) { return QCoreApplication::translate("frames", sentence); }

// The order in which people look for them: where, stack, flags, then the general registers.
constexpr SavedRegister shown_registers[] = { SavedRegister::rip, SavedRegister::rsp, SavedRegister::rflags,
    SavedRegister::rax, SavedRegister::rbx, SavedRegister::rcx, SavedRegister::rdx, SavedRegister::rsi,
    SavedRegister::rdi, SavedRegister::rbp, SavedRegister::r8, SavedRegister::r9, SavedRegister::r10,
    SavedRegister::r11, SavedRegister::r12, SavedRegister::r13, SavedRegister::r14, SavedRegister::r15 };

const char* register_role(SavedRegister which)
{
    switch (which) {
    case SavedRegister::rip: return "where the thread goes on when the handler returns";
    case SavedRegister::rsp: return "its stack pointer there";
    case SavedRegister::rflags: return "its flags there";
    case SavedRegister::rax: return "return value";
    case SavedRegister::rdi: return "argument 1";
    case SavedRegister::rsi: return "argument 2";
    case SavedRegister::rdx: return "argument 3";
    case SavedRegister::rcx: return "argument 4";
    case SavedRegister::r8: return "argument 5";
    case SavedRegister::r9: return "argument 6";
    case SavedRegister::rbp: return "frame base";
    default: return "";
    }
}

QString handler_text(const FrameView& frame)
{
    if (!frame.handler_name.empty()) return text(frame.handler_name);
    return frame.handler == 0 ? QStringLiteral("–") : hex_text(frame.handler);
}

QString action_flags_text(std::uint32_t flags)
{
    struct Name {
        std::uint32_t bit;
        const char* name;
    };
    static constexpr Name names[] = { { abi::action_no_child_stop, "NOCLDSTOP" },
        { abi::action_no_child_wait, "NOCLDWAIT" }, { abi::action_siginfo, "SIGINFO" },
        { abi::action_on_stack, "ONSTACK" }, { abi::action_restart, "RESTART" }, { abi::action_no_defer, "NODEFER" },
        { abi::action_reset_handler, "RESETHAND" } };
    QStringList set;
    for (const auto& name : names)
        if ((flags & name.bit) != 0) set += QLatin1String(name.name);
    return set.join(QLatin1Char(' '));
}

void add_info_rows(TableRows& rows, const FrameView& frame)
{
    const auto add = [&](const char* name, const QString& value, const char* sentence) {
        rows.push_back({ frame_mask_key + 1 + rows.size(), { QLatin1String(name), value, {}, translate(sentence) },
            translate(sentence), Emphasis::normal, 0 });
    };
    add("si_code", QString::number(frame.info.code), "why the signal was sent");
    if (frame.info.process_id != 0) add("si_pid", QString::number(frame.info.process_id), "process that sent it");
    if (frame.info.value != 0) add("si_value", hex_text(frame.info.value), "value that came with it");
    if (frame.info.address != 0) add("si_addr", hex_text(frame.info.address), "address of the fault");
    if (frame.info.status != 0) add("si_status", QString::number(frame.info.status), "status of the child");
}

} // namespace

QList<TableColumn> frame_columns()
{
    return {
        { translate("Frame"), translate("0 is the newest: the handler that runs now."), true },
        { translate("Signal"), translate("The signal that made the frame.") },
        { translate("Handler"), translate("The function that was called for it.") },
        { translate("Goes back to"), translate("The saved RIP: where the thread goes on after the handler."), true },
        { translate("At"), translate("Address of the frame on the stack."), true },
        { translate("Flags"), translate("SA_ flags of the action.") },
    };
}

TableRows frame_rows(const Snapshot& snapshot, std::uint32_t thread_id)
{
    TableRows rows;
    const auto* thread = snapshot.thread(thread_id);
    if (!thread) return rows;
    int number = 0;
    for (const auto& frame : thread->signals.frames) {
        TableRow row;
        row.key = frame.address;
        const auto rip = frame.registers[static_cast<unsigned>(SavedRegister::rip)];
        row.cells = { QString::number(number), frame.valid ? signal_label(frame.signal) : QStringLiteral("?"),
            frame.valid ? handler_text(frame) : text(frame.problem), frame.valid ? hex_text(rip) : QString(),
            hex_text(frame.address), action_flags_text(frame.flags) };
        row.sentence = frame.valid
            ? translate("Frame %1: %2 interrupted the thread at %3, and %4 was called.")
                  .arg(number).arg(row.cells[1], hex_text(rip), row.cells[2])
            : text(frame.problem);
        row.emphasis = !frame.valid ? Emphasis::problem : number == 0 ? Emphasis::current : Emphasis::normal;
        rows.push_back(std::move(row));
        ++number;
    }
    return rows;
}

QList<TableColumn> frame_register_columns()
{
    return {
        { translate("Register"), translate("≠ marks what the handler or a newer signal has changed since."), true },
        { translate("Saved in the frame"), translate("What the thread gets back. Double-click or press F2 to change it."), true },
        { translate("Now"), translate("The same register now, or in the next newer frame."), true, false },
        { translate("What it is"), {} },
    };
}

TableRows frame_register_rows(const Snapshot& snapshot, std::uint32_t thread_id, std::uint64_t address, bool editable)
{
    TableRows rows;
    const auto* thread = snapshot.thread(thread_id);
    if (!thread) return rows;
    const auto& frames = thread->signals.frames;
    std::size_t at = 0;
    while (at < frames.size() && frames[at].address != address) ++at;
    if (at == frames.size()) at = 0; // also address 0: the newest
    if (frames.empty() || !frames[at].valid) return rows;
    const auto& frame = frames[at];

    for (const auto which : shown_registers) {
        const auto index = static_cast<unsigned>(which);
        std::optional<std::uint64_t> other;
        if (at > 0 && frames[at - 1].valid)
            other = frames[at - 1].registers[index];
        else if (at == 0 && thread->registers)
            other = thread->registers->general[index];
        TableRow row;
        row.key = index;
        QString meaning = translate(register_role(which));
        if (which == SavedRegister::rflags) meaning = flags_text(frame.registers[index]);
        row.cells = { QLatin1String(register_name(index)), wide_hex_text(frame.registers[index]),
            other ? wide_hex_text(*other) : QStringLiteral("–"), meaning };
        const bool differs = other && *other != frame.registers[index];
        row.emphasis = differs ? Emphasis::differs : Emphasis::normal;
        row.sentence = !other ? meaning
            : differs ? translate("%1 is different now: it comes back when the handler returns.").arg(row.cells[0])
                      : translate("%1 is the same now.").arg(row.cells[0]);
        row.editable_columns = editable ? 1u << frame_value_column : 0;
        rows.push_back(std::move(row));
    }
    TableRow mask { frame_mask_key,
        { QStringLiteral("mask"), wide_hex_text(frame.mask), wide_hex_text(~thread->signals.allowset),
            translate("blocked after the return: %1").arg(signal_set_label(frame.mask)) },
        translate("The signal mask that the thread goes back to. The other column is the mask now (NOT of the allowset)."),
        frame.mask != ~thread->signals.allowset ? Emphasis::differs : Emphasis::normal,
        editable ? 1u << frame_value_column : 0 };
    rows.push_back(std::move(mask));
    add_info_rows(rows, frame);
    return rows;
}

} // namespace orrery::inspector
