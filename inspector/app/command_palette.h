// Find a command by typing part of its name: what it does, its key, and why it can't be used now.
#pragma once

#include <QDialog>

class QAction;
class QLabel;
class QLineEdit;
class QListWidget;

namespace orrery::inspector {

class CommandPalette : public QDialog {
    Q_OBJECT
public:
    CommandPalette(const QList<QAction*>& actions, QWidget* parent);
    QListWidget* list() const { return list_; }
    QLineEdit* field() const { return field_; }
    QString explanation() const;

protected:
    bool eventFilter(QObject* watched, QEvent* event) override;

private:
    void fill(const QString& typed);
    void explain_current();
    void carry_out();

    QList<QAction*> actions_;
    QLineEdit* field_;
    QListWidget* list_;
    QLabel* explanation_;
};

} // namespace orrery::inspector
