// What the student looks at: one thread, signal, frame, ring and trace event, shared by all views.
#pragma once

#include <cstdint>

#include <QObject>

#include "inspector/core/osmodel/snapshot.h"

namespace orrery::inspector {

class Selection : public QObject {
    Q_OBJECT
public:
    explicit Selection(QObject* parent = nullptr);

    std::uint32_t thread() const { return thread_; }
    int signal() const { return signal_; }
    std::uint64_t frame() const { return frame_; } // address of a SignalFrame, 0 = the newest
    std::uint32_t ring() const { return ring_; }
    std::uint64_t cause() const { return cause_; }

    void select_thread(std::uint32_t thread);
    void select_signal(int signal);
    void select_frame(std::uint64_t frame);
    void select_ring(std::uint32_t ring);
    void select_cause(std::uint64_t cause);
    // Chooses a thread and a ring if none is chosen or the chosen one is gone.
    void settle(const Snapshot& snapshot);

Q_SIGNALS:
    void changed();

private:
    std::uint32_t thread_ = 0;
    int signal_ = 0;
    std::uint64_t frame_ = 0;
    std::uint32_t ring_ = 0;
    std::uint64_t cause_ = 0;
};

} // namespace orrery::inspector
