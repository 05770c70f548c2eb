// How a cell of a KeyedTableModel is painted: marks for emphasis and change, dimmed leading zeros, fixed pitch.
#pragma once

#include <QStyledItemDelegate>

namespace orrery::inspector {

class RowDelegate : public QStyledItemDelegate {
    Q_OBJECT
public:
    static constexpr int fade_milliseconds = 1200;

    explicit RowDelegate(QObject* parent = nullptr);
    // Changes at or after this moment of clock_milliseconds() keep their mark; 0 = all fade. While the machine stands
    // this is the moment when it was last resumed.
    void hold_changes_since(qint64 moment) { hold_since_ = moment; }
    // The first column has room for the mark of a row.
    void set_marks_rows(bool marks) { marks_rows_ = marks; }

    void paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const override;
    QSize sizeHint(const QStyleOptionViewItem& option, const QModelIndex& index) const override;
    QWidget* createEditor(QWidget* parent, const QStyleOptionViewItem& option, const QModelIndex& index) const override;

    // 0 = no mark, 1 = just changed.
    qreal change_strength(const QModelIndex& index) const;

protected:
    void initStyleOption(QStyleOptionViewItem* option, const QModelIndex& index) const override;

private:
    qint64 hold_since_ = 0;
    bool marks_rows_ = true;
};

} // namespace orrery::inspector
