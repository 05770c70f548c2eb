// Diffing of pictures into row removals, moves, insertions and changes.
#include "inspector/models/keyed_table_model.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include <QElapsedTimer>

namespace orrery::inspector {

qint64 clock_milliseconds()
{
    static const QElapsedTimer timer = [] {
        QElapsedTimer started;
        started.start();
        return started;
    }();
    return timer.elapsed() + 1; // 0 means "never"
}

KeyedTableModel::KeyedTableModel(QList<TableColumn> columns, QObject* parent)
    : QAbstractTableModel(parent)
    , columns_(std::move(columns))
{
}

void KeyedTableModel::update(TableRows rows)
{
    std::unordered_set<std::uint64_t> seen;
    std::erase_if(rows, [&](const TableRow& row) { return !seen.insert(row.key).second; });
    for (auto& row : rows)
        while (row.cells.size() < columns_.size()) row.cells.append(QString());

    if (!filled_) {
        filled_ = !rows.empty();
        if (rows.empty()) return;
        beginInsertRows({}, 0, static_cast<int>(rows.size()) - 1);
        rows_ = std::move(rows);
        history_.assign(rows_.size(), History { std::vector<qint64>(columns_.size()), QStringList(columns_.size()) });
        endInsertRows();
        return;
    }
    remove_missing(rows);
    reorder(rows);
    insert_new(rows);
    change_rest(rows);
}

void KeyedTableModel::remove_missing(const TableRows& next)
{
    std::unordered_set<std::uint64_t> stays;
    for (const auto& row : next) stays.insert(row.key);
    // From the end, in runs, so that positions before a run stay valid.
    for (int last = static_cast<int>(rows_.size()) - 1; last >= 0;) {
        if (stays.contains(rows_[last].key)) {
            --last;
            continue;
        }
        int first = last;
        while (first > 0 && !stays.contains(rows_[first - 1].key)) --first;
        beginRemoveRows({}, first, last);
        rows_.erase(rows_.begin() + first, rows_.begin() + last + 1);
        history_.erase(history_.begin() + first, history_.begin() + last + 1);
        endRemoveRows();
        last = first - 1;
    }
}

bool KeyedTableModel::reorder(const TableRows& next)
{
    std::unordered_map<std::uint64_t, std::size_t> place;
    for (std::size_t i = 0; i < next.size(); ++i) place.emplace(next[i].key, i);
    const auto by_place = [&](const TableRow& a, const TableRow& b) { return place[a.key] < place[b.key]; };
    if (std::is_sorted(rows_.begin(), rows_.end(), by_place)) return false;

    Q_EMIT layoutAboutToBeChanged({}, QAbstractItemModel::VerticalSortHint);
    std::vector<std::size_t> order(rows_.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::sort(order.begin(), order.end(), [&](auto a, auto b) { return by_place(rows_[a], rows_[b]); });
    TableRows sorted_rows;
    std::vector<History> sorted_history;
    std::vector<int> new_place(order.size());
    for (std::size_t i = 0; i < order.size(); ++i) {
        new_place[order[i]] = static_cast<int>(i);
        sorted_rows.push_back(std::move(rows_[order[i]]));
        sorted_history.push_back(std::move(history_[order[i]]));
    }
    rows_ = std::move(sorted_rows);
    history_ = std::move(sorted_history);
    const auto old_indexes = persistentIndexList();
    QModelIndexList new_indexes;
    for (const auto& old_index : old_indexes) new_indexes.append(index(new_place[old_index.row()], old_index.column()));
    changePersistentIndexList(old_indexes, new_indexes);
    Q_EMIT layoutChanged({}, QAbstractItemModel::VerticalSortHint);
    return true;
}

void KeyedTableModel::insert_new(const TableRows& next)
{
    const auto now = clock_milliseconds();
    for (std::size_t at = 0; at < next.size();) {
        if (at < rows_.size() && rows_[at].key == next[at].key) {
            ++at;
            continue;
        }
        std::size_t end = at + 1;
        while (end < next.size() && (at >= rows_.size() || rows_[at].key != next[end].key)) ++end;
        beginInsertRows({}, static_cast<int>(at), static_cast<int>(end) - 1);
        rows_.insert(rows_.begin() + static_cast<std::ptrdiff_t>(at), next.begin() + static_cast<std::ptrdiff_t>(at),
                     next.begin() + static_cast<std::ptrdiff_t>(end));
        History fresh { std::vector<qint64>(columns_.size()), QStringList(columns_.size()) };
        if (!fresh.changed_at.empty() && columns_.front().marks_changes) fresh.changed_at.front() = now; // a new thing
        history_.insert(history_.begin() + static_cast<std::ptrdiff_t>(at), end - at, fresh);
        endInsertRows();
        at = end;
    }
}

void KeyedTableModel::change_rest(TableRows& next)
{
    const auto now = clock_milliseconds();
    int run_begin = -1;
    const auto flush = [&](int end) {
        if (run_begin >= 0) Q_EMIT dataChanged(index(run_begin, 0), index(end - 1, static_cast<int>(columns_.size()) - 1));
        run_begin = -1;
    };
    for (int i = 0; i < static_cast<int>(next.size()); ++i) {
        if (rows_[i] == next[i]) {
            flush(i);
            continue;
        }
        for (int c = 0; c < columns_.size(); ++c) {
            if (rows_[i].cells[c] == next[i].cells[c]) continue;
            history_[i].previous[c] = rows_[i].cells[c];
            if (columns_[c].marks_changes) history_[i].changed_at[c] = now;
        }
        rows_[i] = std::move(next[i]);
        if (run_begin < 0) run_begin = i;
    }
    flush(static_cast<int>(next.size()));
}

int KeyedTableModel::row_of(std::uint64_t key) const
{
    const auto found = std::find_if(rows_.begin(), rows_.end(), [&](const TableRow& row) { return row.key == key; });
    return found == rows_.end() ? -1 : static_cast<int>(found - rows_.begin());
}

void KeyedTableModel::forget_changes()
{
    for (auto& history : history_) std::fill(history.changed_at.begin(), history.changed_at.end(), 0);
    if (!rows_.empty())
        Q_EMIT dataChanged(index(0, 0), index(static_cast<int>(rows_.size()) - 1, static_cast<int>(columns_.size()) - 1),
                         { changed_at_role });
}

int KeyedTableModel::rowCount(const QModelIndex& parent) const
{
    return parent.isValid() ? 0 : static_cast<int>(rows_.size());
}

int KeyedTableModel::columnCount(const QModelIndex& parent) const
{
    return parent.isValid() ? 0 : static_cast<int>(columns_.size());
}

QVariant KeyedTableModel::data(const QModelIndex& index, int role) const
{
    if (!checkIndex(index, CheckIndexOption::IndexIsValid)) return {};
    const auto& row = rows_[index.row()];
    const auto& history = history_[index.row()];
    switch (role) {
    case Qt::DisplayRole:
    case Qt::EditRole: return row.cells[index.column()];
    case Qt::ToolTipRole: {
        const auto& previous = history.previous[index.column()];
        QStringList lines;
        if (!row.sentence.isEmpty()) lines += row.sentence;
        if (!previous.isEmpty()) lines += tr("Before: %1").arg(previous);
        return lines.isEmpty() ? QVariant() : lines.join(QLatin1Char('\n'));
    }
    case Qt::AccessibleDescriptionRole: return row.sentence;
    case Qt::AccessibleTextRole: return columns_[index.column()].title + QStringLiteral(": ") + row.cells[index.column()];
    case key_role: return QVariant::fromValue<quint64>(row.key);
    case emphasis_role: return static_cast<int>(row.emphasis);
    case changed_at_role: return history.changed_at[index.column()];
    case previous_text_role: return history.previous[index.column()];
    case fixed_pitch_role: return columns_[index.column()].fixed_pitch;
    default: return {};
    }
}

QVariant KeyedTableModel::headerData(int section, Qt::Orientation orientation, int role) const
{
    if (orientation != Qt::Horizontal || section < 0 || section >= columns_.size()) return {};
    if (role == Qt::DisplayRole) return columns_[section].title;
    if (role == Qt::ToolTipRole && !columns_[section].help.isEmpty()) return columns_[section].help;
    if (role == Qt::TextAlignmentRole) return static_cast<int>(Qt::AlignLeft | Qt::AlignVCenter);
    return {};
}

Qt::ItemFlags KeyedTableModel::flags(const QModelIndex& index) const
{
    if (!index.isValid()) return Qt::NoItemFlags;
    auto flags = QAbstractTableModel::flags(index) | Qt::ItemNeverHasChildren;
    if ((rows_[index.row()].editable_columns >> index.column() & 1)) flags |= Qt::ItemIsEditable;
    return flags;
}

bool KeyedTableModel::setData(const QModelIndex& index, const QVariant& value, int role)
{
    if (role != Qt::EditRole || !(flags(index) & Qt::ItemIsEditable)) return false;
    const auto text = value.toString().trimmed();
    if (text != rows_[index.row()].cells[index.column()])
        Q_EMIT edit_requested(rows_[index.row()].key, index.column(), text);
    return false;
}

} // namespace orrery::inspector
