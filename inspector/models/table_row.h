// One row of any table in the window, as plain values: what a function of a snapshot returns and a model diffs.
#pragma once

#include <cstdint>
#include <vector>

#include <QString>
#include <QStringList>

namespace orrery::inspector {

// How a row stands out. Each value has a shape or weight beside its colour (views/common/row_delegate.h).
enum class Emphasis {
    normal,
    current,  // the one the machine is at: bold, with an arrow
    dimmed,   // there, but of no weight now
    differs,  // not what it is compared with
    problem,  // cannot be trusted
};

struct TableRow {
    std::uint64_t key = 0; // unique in the table and stable over time, so that selection follows the thing, not the place
    QStringList cells;
    QString sentence; // what the row means, for tooltip, status line and screen reader
    Emphasis emphasis = Emphasis::normal;
    std::uint32_t editable_columns = 0; // bit per column

    bool operator==(const TableRow&) const = default;
};

using TableRows = std::vector<TableRow>;

} // namespace orrery::inspector
