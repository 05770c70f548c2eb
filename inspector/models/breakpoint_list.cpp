// Keeping breakpoints, and telling the source.
#include "inspector/models/breakpoint_list.h"

#include <algorithm>

#include "inspector/models/snapshot_source.h"

namespace orrery::inspector {

BreakpointList::BreakpointList(SnapshotSource* source, QObject* parent)
    : QObject(parent)
    , source_(source)
{
    connect(source_, &SnapshotSource::breakpoints_changed, this, [this](const SourceBreakpoints& resolved) {
        // Only what the machine knows better: a breakpoint that was taken away meanwhile does not come back.
        bool news = false;
        for (auto& mine : breakpoints_)
            for (const auto& theirs : resolved)
                if (mine.file == theirs.file && mine.line == theirs.line
                    && (mine.resolved != theirs.resolved || mine.sentence != theirs.sentence)) {
                    mine.resolved = theirs.resolved;
                    mine.sentence = theirs.sentence;
                    news = true;
                }
        if (news) Q_EMIT changed();
    });
    connect(source_, &SnapshotSource::run_state_changed, this, [this](RunState state) {
        if (state == RunState::starting && !breakpoints_.isEmpty()) send();
    });
}

void BreakpointList::toggle(const QString& file, int line)
{
    const auto same = [&](const SourceBreakpoint& breakpoint) { return breakpoint.file == file && breakpoint.line == line; };
    if (breakpoints_.removeIf(same) == 0) breakpoints_.append({ file, line, true, false, {} });
    send();
    Q_EMIT changed();
}

void BreakpointList::set_enabled(const QString& file, int line, bool enabled)
{
    for (auto& breakpoint : breakpoints_)
        if (breakpoint.file == file && breakpoint.line == line) breakpoint.enabled = enabled;
    send();
    Q_EMIT changed();
}

void BreakpointList::replace(const SourceBreakpoints& breakpoints)
{
    breakpoints_ = breakpoints;
    send();
    Q_EMIT changed();
}

void BreakpointList::send() { source_->set_breakpoints(breakpoints_); }

QStringList BreakpointList::saved() const
{
    QStringList lines;
    for (const auto& breakpoint : breakpoints_)
        lines += QStringLiteral("%1%2:%3").arg(breakpoint.enabled ? QString() : QStringLiteral("-"), breakpoint.file).arg(breakpoint.line);
    return lines;
}

SourceBreakpoints BreakpointList::from_saved(const QStringList& lines)
{
    SourceBreakpoints result;
    for (auto line : lines) {
        SourceBreakpoint breakpoint;
        breakpoint.enabled = !line.startsWith(QLatin1Char('-'));
        if (!breakpoint.enabled) line.remove(0, 1);
        const auto colon = line.lastIndexOf(QLatin1Char(':'));
        bool good = false;
        breakpoint.line = line.mid(colon + 1).toInt(&good);
        breakpoint.file = line.left(std::max<qsizetype>(colon, 0));
        if (colon > 0 && good && breakpoint.line > 0) result.append(breakpoint);
    }
    return result;
}

} // namespace orrery::inspector
