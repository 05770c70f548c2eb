// What the student looks at: one thread, signal, frame, ring, scheme, address and trace event, shared by all views.
#pragma once

#include <cstdint>
#include <optional>

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
    std::uint32_t scheme() const { return scheme_; }
    std::optional<std::uint64_t> address() const { return address_; } // in the thread's space; none = where the thread is
    std::uint64_t cause() const { return cause_; }

    void select_thread(std::uint32_t thread);
    void select_signal(int signal);
    void select_frame(std::uint64_t frame);
    void select_ring(std::uint32_t ring);
    void select_scheme(std::uint32_t scheme);
    void select_address(std::uint64_t address);
    void select_cause(std::uint64_t cause);
    // Chooses a thread, a ring and a scheme if none is chosen or the chosen one is gone.
    void settle(const Snapshot& snapshot);

Q_SIGNALS:
    void changed();

private:
    std::uint32_t thread_ = 0;
    int signal_ = 0;
    std::uint64_t frame_ = 0;
    std::uint32_t ring_ = 0;
    std::uint32_t scheme_ = 0;
    std::optional<std::uint64_t> address_;
    std::uint64_t cause_ = 0;
};

} // namespace orrery::inspector
