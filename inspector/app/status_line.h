// The sentence at the bottom of the window: what the machine does, or why it stands where it stands.
#pragma once

#include <QWidget>

#include "inspector/models/machine_values.h"

class QTimer;

namespace orrery::inspector {

class StatusLine : public QWidget {
    Q_OBJECT
public:
    explicit StatusLine(QWidget* parent = nullptr);

    void show_state(RunState state, const QString& sentence);
    // Shown for a while in place of the state, with a mark of its own.
    void show_notice(const QString& sentence);
    QString sentence() const; // what is shown now
    QString state_sentence() const { return state_sentence_; }

    QSize sizeHint() const override;
    QSize minimumSizeHint() const override;

protected:
    void paintEvent(QPaintEvent* event) override;

private:
    void changed();

    RunState state_ = RunState::absent;
    QString state_sentence_, notice_;
    QTimer* notice_end_;
};

// "Running", "Stopped", ...
QString run_state_word(RunState state);

} // namespace orrery::inspector
