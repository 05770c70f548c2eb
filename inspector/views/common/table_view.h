// The one table of the window: compact, copies as text, CSV or Markdown, fades changes, keeps its columns readable.
#pragma once

#include <QTableView>

class QTimer;

namespace orrery::inspector {

class RowDelegate;
class SnapshotSource;

class TableView : public QTableView {
    Q_OBJECT
public:
    // `source` tells when changes are held (machine stopped) and when they fade (running); may be null.
    TableView(const QString& accessible_name, SnapshotSource* source, QWidget* parent = nullptr);

    void setModel(QAbstractItemModel* model) override;
    // Widths follow the contents when they grow; the last column takes the rest. Widths that a person sets stay.
    void set_stretch_last(bool stretch);
    RowDelegate* row_delegate() const { return delegate_; }
    // Exactly as high as `rows` rows and the heading, in any font.
    void set_fixed_rows(int rows);
    QString as_text() const;
    void select_key(quint64 key); // without moving the keyboard focus; nothing happens if it is selected or not there

Q_SIGNALS:
    void key_selected(quint64 key); // by a person, not by select_key

protected:
    void contextMenuEvent(QContextMenuEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;
    void changeEvent(QEvent* event) override;
    void currentChanged(const QModelIndex& current, const QModelIndex& previous) override;

private:
    void fit_rows();
    void fit_columns();
    void animate();
    void copy(int format) const;

    SnapshotSource* source_;
    RowDelegate* delegate_;
    QTimer* fade_;
    QTimer* fit_; // single shot: many changes, one measurement
    QList<int> given_widths_; // what fit_columns() set, to tell them from a person's
    bool selecting_ = false;
    int fixed_rows_ = 0;
};

} // namespace orrery::inspector
