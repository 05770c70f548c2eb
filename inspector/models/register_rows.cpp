// The registers of one thread, and of the processor under it.
#include <QCoreApplication>

#include "inspector/models/rows.h"
#include "inspector/models/text.h"

namespace orrery::inspector {
namespace {

using abi::SavedRegister;

QString translate(const char* sentence) { return QCoreApplication::translate("registers", sentence); }

constexpr SavedRegister shown_registers[] = { SavedRegister::rip, SavedRegister::rsp, SavedRegister::rbp,
    SavedRegister::rflags, SavedRegister::rax, SavedRegister::rbx, SavedRegister::rcx, SavedRegister::rdx,
    SavedRegister::rsi, SavedRegister::rdi, SavedRegister::r8, SavedRegister::r9, SavedRegister::r10,
    SavedRegister::r11, SavedRegister::r12, SavedRegister::r13, SavedRegister::r14, SavedRegister::r15 };

QString meaning_of(SavedRegister which, std::uint64_t value, const QString& rip_symbol)
{
    if (which == SavedRegister::rip) return rip_symbol;
    if (which == SavedRegister::rflags) return flags_text(value);
    if (value < 1'000'000) return QString::number(value);
    if (~value < 1'000'000) return QString::number(static_cast<qint64>(value));
    return {};
}

} // namespace

QList<TableColumn> register_columns()
{
    return {
        { translate("Register"), {}, true },
        { translate("Value"), translate("Double-click or press F2 to change it while the machine is stopped."), true },
        { translate("Meaning"), translate("The symbol, the flags that are set, or the value in decimal."), false, false },
    };
}

TableRows register_rows(const Snapshot& snapshot, std::uint32_t thread_id, const QString& rip_symbol, bool editable)
{
    TableRows rows;
    const auto* thread = snapshot.thread(thread_id);
    if (!thread) return rows;
    const CpuView* processor = nullptr;
    for (const auto& cpu : snapshot.cpus)
        if (cpu.thread == thread_id && cpu.registers) processor = &cpu;
    const auto* registers = thread->registers ? &*thread->registers : nullptr;
    if (!registers && processor) registers = &*processor->registers;
    if (!registers) return rows;

    for (const auto which : shown_registers) {
        const auto index = static_cast<unsigned>(which);
        const auto value = registers->general[index];
        rows.push_back({ index, { QLatin1String(register_name(index)), wide_hex_text(value), meaning_of(which, value, rip_symbol) },
            {}, Emphasis::normal, editable ? 1u << register_value_column : 0 });
    }
    const auto add = [&](std::uint64_t key, const char* name, std::uint64_t value, const char* meaning) {
        rows.push_back({ key, { QLatin1String(name), wide_hex_text(value), translate(meaning) }, {}, Emphasis::dimmed, 0 });
    };
    add(200, "fs base", registers->fs_base, "thread pointer: the control page");
    if (processor) {
        add(201, "cr2", processor->registers->cr2, "address of the last page fault");
        add(202, "cr3", processor->registers->cr3, "page table");
    }
    return rows;
}

} // namespace orrery::inspector
