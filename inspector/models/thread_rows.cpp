// Threads, and the names of threads and spaces in sentences.
#include <QCoreApplication>

#include "inspector/models/rows.h"
#include "inspector/models/text.h"

namespace orrery::inspector {
namespace {
QString translate(const char* sentence) { return QCoreApplication::translate("threads", sentence); }
} // namespace

QString space_text(const Snapshot& snapshot, std::uint32_t space)
{
    const auto* found = snapshot.space(space);
    return found && !found->name.empty() ? text(found->name) : translate("space %1").arg(space);
}

QString thread_text(const Snapshot& snapshot, std::uint32_t thread)
{
    const auto* found = snapshot.thread(thread);
    if (!found || found->space_name.empty()) return translate("thread %1").arg(thread);
    return translate("thread %1 (%2)").arg(thread).arg(text(found->space_name));
}

QList<TableColumn> thread_columns()
{
    return {
        { translate("Thread"), translate("The kernel's number of the thread."), true },
        { translate("Program"), translate("The address space (process) in which the thread runs.") },
        { translate("State"), translate("What the scheduler says of it.") },
        { translate("CPU"), translate("The processor it runs on, or ran on last."), true, false },
        { translate("Why"), translate("What it does, or what it waits for, in words.") },
        { translate("Pending"), translate("Signals that were sent to it or its process and have not been handled yet.") },
        { translate("At"), translate("Where its own code stands: function and line."), false, false },
        { translate("Switches"), translate("How often a processor began to run it."), true, false },
        { translate("Syscalls"), translate("How many system calls it has made."), true, false },
    };
}

TableRows thread_rows(const Snapshot& snapshot)
{
    TableRows rows;
    rows.reserve(snapshot.threads.size());
    for (const auto& thread : snapshot.threads) {
        TableRow row;
        row.key = thread.id;
        const auto pending = thread.signals.pending | thread.signals.process_pending;
        row.cells = { QString::number(thread.id),
            thread.space_name.empty() ? space_text(snapshot, thread.space) : text(thread.space_name),
            text(thread.state), thread.cpu < 0 ? QStringLiteral("–") : QString::number(thread.cpu), text(thread.why),
            !thread.signals.registered ? QStringLiteral("–") : pending == 0 ? QString() : signal_set_label(pending),
            text(thread.place),
            count_text(thread.switches), count_text(thread.syscalls) };
        row.sentence = translate("Thread %1 of %2: %3.").arg(row.cells[0], row.cells[1], text(thread.why));
        row.emphasis = thread.state == "running" ? Emphasis::current
            : thread.state == "ended"            ? Emphasis::dimmed
                                                 : Emphasis::normal;
        rows.push_back(std::move(row));
    }
    return rows;
}

} // namespace orrery::inspector
