// Sentences for signals and trace events.
#include "inspector/models/sentences.h"

#include <QCoreApplication>
#include <QStringList>

#include "inspector/core/osmodel/explain.h"
#include "inspector/models/rows.h"
#include "inspector/models/text.h"

namespace orrery::inspector {
namespace {

QString translate(const char* sentence) { return QCoreApplication::translate("sentences", sentence); }

// As the core writes it, but threads and spaces with the program that they belong to.
QString argument_label(const Snapshot& snapshot, const TraceEvent& event, unsigned index)
{
    const char* name = abi::phase_table[static_cast<std::size_t>(event.phase)].arguments[index];
    const auto value = event.arguments[index];
    const auto is = [&](const char* other) { return qstrcmp(name, other) == 0; };
    const bool is_space = (value & abi::target_is_space) != 0; // of a target, which may be either
    if (is("thread") || (is("target") && !is_space) || is("from") || is("to") || is("sender") || is("waker"))
        return value == 0 ? translate("nobody") : thread_text(snapshot, static_cast<std::uint32_t>(value));
    if (is("space")) return space_text(snapshot, static_cast<std::uint32_t>(value));
    return text(argument_text(event.phase, index, value, &snapshot));
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
    auto sentence = text(explain_signal(*thread, signal, &snapshot));
    if (!sentence.endsWith(QLatin1Char('.'))) sentence += QLatin1Char('.');
    return sentence;
}

QString event_sentence(const Snapshot& snapshot, const TraceEvent& event)
{
    if (event.phase >= abi::Phase::count) return translate("a phase that this version does not know");
    const auto& description = abi::phase_table[static_cast<std::size_t>(event.phase)];
    QStringList parts;
    for (unsigned i = 0; i < event.arguments.size(); ++i)
        if (qstrcmp(description.arguments[i], "unused") != 0) {
            const auto label = argument_label(snapshot, event, i);
            auto name = QString::fromLatin1(description.arguments[i]);
            name.remove(QLatin1String(" or 0"));
            // "thread 4 (ping)", not "thread thread 4 (ping)".
            parts += label.startsWith(name) ? label : name + QLatin1Char(' ') + label;
        }
    return parts.join(QStringLiteral(", "));
}

} // namespace orrery::inspector
