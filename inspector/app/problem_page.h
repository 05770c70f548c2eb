// What stands in the window when there is no machine at all: the reason, and what to do.
#pragma once

#include <QWidget>

class QLabel;

namespace orrery::inspector {

class ProblemPage : public QWidget {
    Q_OBJECT
public:
    explicit ProblemPage(QWidget* parent = nullptr);
    void show_sentence(const QString& sentence);
    QString sentence() const;

Q_SIGNALS:
    void try_again();

private:
    QLabel* sentence_;
};

} // namespace orrery::inspector
