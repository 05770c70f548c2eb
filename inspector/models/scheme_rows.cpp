// Schemes and their calls as rows.
#include <QCoreApplication>

#include "inspector/core/osmodel/explain_scheme.h"
#include "inspector/models/rows.h"
#include "inspector/models/text.h"

namespace orrery::inspector {
namespace {

QString translate(const char* sentence) { return QCoreApplication::translate("schemes", sentence); }

QString scheme_state(const SchemeView& scheme)
{
    if (!scheme.valid) return translate("not readable");
    if (scheme.closed) return translate("closed: no server is left");
    return scheme.receivers.empty() ? scheme.received.empty() ? translate("nobody asks") : translate("servers at work")
                                    : translate("a server waits");
}

QString call_state(const CallView& call)
{
    if (call.state == "submitted") return translate("waits");
    if (call.state != "received") return text(call.state);
    if (!call.cancelled) return translate("with a server");
    return call.cancel_untold ? translate("cancelled, server not told") : translate("cancelled");
}

} // namespace

QList<TableColumn> scheme_columns()
{
    return {
        { translate("Scheme"), translate("Its number."), true },
        { translate("State"), translate("Whether a server waits for a call, works on one, or none is left.") },
        { translate("Waiting"), translate("Calls that no server has taken yet."), true },
        { translate("With servers"), translate("Calls that a server has received and not answered."), true },
        { translate("Servers waiting"), translate("Threads that wait for a call."), true },
        { translate("Next call"), translate("The tag that the next call gets."), true, false },
    };
}

TableRows scheme_rows(const Snapshot& snapshot)
{
    TableRows rows;
    for (const auto& scheme : snapshot.schemes)
        rows.push_back({ scheme.number,
            { QString::number(scheme.number), scheme_state(scheme), QString::number(scheme.waiting.size()),
                QString::number(scheme.received.size()), QString::number(scheme.receivers.size()), QString::number(scheme.next_tag) },
            whole_sentence(explain_scheme(scheme, snapshot)),
            !scheme.valid ? Emphasis::problem : scheme.closed ? Emphasis::dimmed : Emphasis::normal, 0 });
    return rows;
}

QList<TableColumn> call_columns()
{
    return {
        { translate("Call"), translate("Its tag: a running number of the scheme."), true },
        { translate("State"), translate("How far it has come.") },
        { translate("From"), translate("The thread that waits for the answer.") },
        { translate("Server"), translate("The thread that has received it.") },
        { translate("Opcode"), translate("What the caller asks for; the number is the server's own."), true },
        { translate("Priority"), translate("The caller's; the server works with the highest that waits for it."), true },
        { translate("Buffer"), translate("Memory of the caller that the server may use."), true },
    };
}

TableRows call_rows(const SchemeView& scheme, const Snapshot& snapshot)
{
    TableRows rows;
    for (const auto* calls : { &scheme.received, &scheme.waiting })
        for (const auto& call : *calls) {
            const auto buffer = call.buffer_size == 0 ? QString() : translate("%1 B at %2").arg(call.buffer_size).arg(hex_text(call.buffer));
            rows.push_back({ call.tag,
                { QString::number(call.tag), call_state(call), thread_text(snapshot, call.thread),
                    call.server_thread == 0 ? QStringLiteral("–") : thread_text(snapshot, call.server_thread), text(opcode_label(call.opcode)),
                    QString::number(call.priority), buffer },
                whole_sentence(explain_call(scheme, call, snapshot)),
                call.cancelled ? Emphasis::differs : call.state == "received" ? Emphasis::normal : Emphasis::dimmed, 0 });
        }
    return rows;
}

QString scheme_sentence(const SchemeView& scheme, const Snapshot& snapshot)
{
    constexpr std::size_t most = 3; // the table has the rest
    QStringList sentences { whole_sentence(explain_scheme(scheme, snapshot)) };
    for (std::size_t i = 0; i < scheme.received.size() && i < most; ++i)
        sentences += whole_sentence(explain_call(scheme, scheme.received[i], snapshot));
    return sentences.join(QLatin1Char('\n'));
}

} // namespace orrery::inspector
