// The wait-for graph as rows, and its sentence.
#include <QCoreApplication>

#include "inspector/models/rows.h"
#include "inspector/models/text.h"

namespace orrery::inspector {
namespace {
QString translate(const char* sentence) { return QCoreApplication::translate("waits", sentence); }
} // namespace

QList<TableColumn> wait_columns()
{
    return {
        { translate("Waits"), translate("The thread that waits.") },
        { translate("For"), translate("The thread that can end the wait.") },
        { translate("Can it end?"), translate("Whether anybody can still go on. In a deadlock nobody can.") },
        { translate("Because"), translate("What it waits for, in words."), false, false },
    };
}

TableRows wait_rows(const WaitGraph& graph, const Snapshot& snapshot)
{
    TableRows rows;
    for (const auto& edge : graph.edges) {
        TableRow row;
        row.key = std::uint64_t { edge.from } << 32 | edge.to;
        row.cells = { thread_text(snapshot, edge.from), thread_text(snapshot, edge.to),
            edge.dead ? translate("no: deadlock") : edge.any ? translate("by any of them") : translate("yes"), text(edge.sentence) };
        row.sentence = text(edge.sentence) + QLatin1Char('.');
        row.emphasis = edge.dead ? Emphasis::problem : Emphasis::normal;
        rows.push_back(std::move(row));
    }
    return rows;
}

QString wait_sentence(const WaitGraph& graph)
{
    if (graph.deadlocks.empty())
        return translate("Every thread that waits here can be helped: nobody waits in a circle. (Who will wake a thread from a "
                         "semaphore or condition variable is known to the program only.)");
    QStringList sentences;
    for (const auto& sentence : graph.deadlocks) {
        auto words = text(sentence);
        words[0] = words[0].toUpper();
        sentences += words + QLatin1Char('.');
    }
    return sentences.join(QLatin1Char('\n'));
}

} // namespace orrery::inspector
