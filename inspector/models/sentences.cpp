// Sentences for signals and trace events.
#include "inspector/models/sentences.h"

#include <QCoreApplication>
#include <QStringList>

#include "inspector/models/rows.h"
#include "inspector/models/text.h"

namespace orrery::inspector {
namespace {

QString translate(const char* sentence) { return QCoreApplication::translate("sentences", sentence); }

QString argument_text(const Snapshot& snapshot, const char* name, std::uint64_t value)
{
    const auto is = [&](const char* other) { return qstrcmp(name, other) == 0; };
    if (is("signal") || is("signal or 0"))
        return value == 0 ? translate("no signal") : signal_text(static_cast<int>(value));
    if (is("deliverable set")) return signal_set_text(value);
    if (is("thread") || is("target") || is("from") || is("to") || is("sender") || is("waker"))
        return value == 0 ? translate("nobody") : thread_text(snapshot, static_cast<std::uint32_t>(value));
    if (is("space")) return space_text(snapshot, static_cast<std::uint32_t>(value));
    if (is("side") || is("side woken")) return value == 0 ? translate("producer") : translate("consumer");
    if (is("rip") || is("frame") || is("handler") || is("address") || is("entry")) return hex_text(value);
    return QString::number(value);
}

} // namespace

QString phase_text(abi::Phase phase)
{
    return phase < abi::Phase::count ? QLatin1String(abi::phase_table[static_cast<std::size_t>(phase)].step_name)
                                     : QStringLiteral("phase %1").arg(static_cast<unsigned>(phase));
}

QString signal_sentence(const Snapshot& snapshot, std::uint32_t thread_id, int signal)
{
    const auto* thread = snapshot.thread(thread_id);
    if (!thread || !abi::is_signal(static_cast<std::uint64_t>(signal))) return {};
    const auto& view = thread->signals;
    const auto mask = abi::signal_mask64(signal);
    const auto name = signal_text(signal);
    const auto who = thread_text(snapshot, thread_id);
    if (!view.registered) return translate("%1 has no control page yet, so it takes no signals.").arg(who);
    if (((view.pending | view.process_pending) & mask) == 0)
        return (view.allowset & mask) != 0
            ? translate("%1 is not pending. If it were sent, %2 would take it.").arg(name, who)
            : translate("%1 is not pending. If it were sent, it would wait: %2 blocks it.").arg(name, who);
    if ((view.allowset & mask) == 0)
        return translate("%1 is pending but %2 blocks it: its bit in the allowset is 0.").arg(name, who);
    if (view.inhibit) return translate("%1 is deliverable, but %2 inhibits delivery for a moment.").arg(name, who);
    return translate("%1 is deliverable: %2 takes it at its next return to user mode.").arg(name, who);
}

QString event_sentence(const Snapshot& snapshot, const TraceEvent& event)
{
    if (event.phase >= abi::Phase::count) return translate("a phase that this version does not know");
    const auto& description = abi::phase_table[static_cast<std::size_t>(event.phase)];
    QStringList parts;
    for (std::size_t i = 0; i < event.arguments.size(); ++i) {
        if (qstrcmp(description.arguments[i], "unused") == 0) continue;
        parts += QStringLiteral("%1 %2").arg(QLatin1String(description.arguments[i]),
            argument_text(snapshot, description.arguments[i], event.arguments[i]));
    }
    return QStringLiteral("%1 (%2)").arg(QLatin1String(description.sentence), parts.join(QStringLiteral(", ")));
}

} // namespace orrery::inspector
