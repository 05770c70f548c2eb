// A table model that is fed whole pictures and tells its views only what changed, so selection and scroll survive.
#pragma once

#include <QAbstractTableModel>

#include "inspector/models/table_row.h"

namespace orrery::inspector {

// Roles beyond Qt's. `changed_at_role` is milliseconds of the model's clock (clock_milliseconds()), 0 = never changed.
enum TableRole {
    key_role = Qt::UserRole + 1,
    emphasis_role,
    changed_at_role,
    previous_text_role,
    fixed_pitch_role, // true for columns of numbers and addresses
};

// Milliseconds since some moment in the past; never goes back. The clock of `changed_at_role`.
qint64 clock_milliseconds();

struct TableColumn {
    QString title;
    QString help;            // tooltip of the heading
    bool fixed_pitch = false;
    bool marks_changes = true; // false: this column changes all the time, so a flash would say nothing
};

class KeyedTableModel : public QAbstractTableModel {
    Q_OBJECT
public:
    explicit KeyedTableModel(QList<TableColumn> columns, QObject* parent = nullptr);

    // Replaces the content by `rows` (keys unique; a repeated key is dropped). Rows that keep their key keep their
    // place in every selection. Emits removals, insertions, and dataChanged for runs of rows that differ; a change of
    // order is a layout change. Never resets.
    void update(TableRows rows);

    const TableRows& rows() const { return rows_; }
    int row_of(std::uint64_t key) const; // -1 if there is none
    const TableColumn& column(int index) const { return columns_[index]; }
    // The moment after which a change counts as new (the last resume): older marks are not held.
    void forget_changes();

    int rowCount(const QModelIndex& parent = {}) const override;
    int columnCount(const QModelIndex& parent = {}) const override;
    QVariant data(const QModelIndex& index, int role = Qt::DisplayRole) const override;
    QVariant headerData(int section, Qt::Orientation orientation, int role) const override;
    Qt::ItemFlags flags(const QModelIndex& index) const override;
    // Does not change the table: asks for the change by `edit_requested`; the next picture shows what became of it.
    bool setData(const QModelIndex& index, const QVariant& value, int role = Qt::EditRole) override;

Q_SIGNALS:
    void edit_requested(quint64 key, int column, const QString& text);

private:
    struct History { // of one row, parallel to rows_
        std::vector<qint64> changed_at;
        QStringList previous;
    };

    void remove_missing(const TableRows& next);
    bool reorder(const TableRows& next);
    void insert_new(const TableRows& next);
    void change_rest(TableRows& next);

    QList<TableColumn> columns_;
    TableRows rows_;
    std::vector<History> history_;
    bool filled_ = false; // the first picture is not a change
};

} // namespace orrery::inspector
