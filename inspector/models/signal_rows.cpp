// The table beside the bit lanes: one row a signal, all 64.
#include <QCoreApplication>

#include "inspector/core/osmodel/explain.h"
#include "inspector/models/rows.h"
#include "inspector/models/sentences.h"
#include "inspector/models/text.h"

namespace orrery::inspector {
namespace {

QString translate(const char* sentence) { return QCoreApplication::translate("signals", sentence); }

} // namespace

QList<TableColumn> signal_columns()
{
    return {
        { translate("No."), {}, true },
        { translate("Signal"), {} },
        { translate("Pending"), translate("1: sent to this thread, and not handled yet."), true },
        { translate("Process"), translate("1: sent to the whole process; any thread that allows it may take it."), true },
        { translate("Allowed"), translate("1: the thread lets it through (NOT of the signal mask)."), true },
        { translate("Deliverable"), translate("1: pending and allowed."), true },
        { translate("Action"), translate("What happens on delivery.") },
        { translate("Meaning"), {} },
    };
}

TableRows signal_rows(const Snapshot& snapshot, std::uint32_t thread_id)
{
    TableRows rows;
    const auto* thread = snapshot.thread(thread_id);
    if (!thread || !thread->signals.registered) return rows;
    const auto& view = thread->signals;
    const auto bit = [](std::uint64_t set, int signal) {
        return (set & abi::signal_mask64(signal)) != 0 ? QStringLiteral("1") : QStringLiteral("0");
    };
    for (int signal = 1; signal <= abi::signal_count; ++signal) {
        const auto mask = abi::signal_mask64(signal);
        const bool active = ((view.pending | view.process_pending) & mask) != 0;
        rows.push_back({ static_cast<std::uint64_t>(signal),
            { QString::number(signal), signal_label(signal), bit(view.pending, signal),
                bit(view.process_pending, signal), bit(view.allowset, signal), bit(view.deliverable(), signal),
                text(action_text(view, signal)), translate(abi::signal_sentence(signal)) },
            active ? signal_sentence(snapshot, thread_id, signal) : QString(),
            active ? Emphasis::current : Emphasis::normal, 0 });
    }
    return rows;
}

} // namespace orrery::inspector
