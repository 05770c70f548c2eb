// Keeps the selection on things that exist.
#include "inspector/models/selection.h"

namespace orrery::inspector {

Selection::Selection(QObject* parent)
    : QObject(parent)
{
}

void Selection::select_thread(std::uint32_t thread)
{
    if (thread == thread_) return;
    thread_ = thread;
    frame_ = 0;
    address_.reset(); // it may live in another space
    Q_EMIT changed();
}

void Selection::select_signal(int signal)
{
    if (signal == signal_) return;
    signal_ = signal;
    Q_EMIT changed();
}

void Selection::select_frame(std::uint64_t frame)
{
    if (frame == frame_) return;
    frame_ = frame;
    Q_EMIT changed();
}

void Selection::select_ring(std::uint32_t ring)
{
    if (ring == ring_) return;
    ring_ = ring;
    Q_EMIT changed();
}

void Selection::select_scheme(std::uint32_t scheme)
{
    if (scheme == scheme_) return;
    scheme_ = scheme;
    Q_EMIT changed();
}

void Selection::select_address(std::uint64_t address)
{
    if (address == address_) return;
    address_ = address;
    Q_EMIT changed();
}

void Selection::select_cause(std::uint64_t cause)
{
    if (cause == cause_) return;
    cause_ = cause;
    Q_EMIT changed();
}

void Selection::settle(const Snapshot& snapshot)
{
    bool moved = false;
    if (const auto* chosen = snapshot.thread(thread_); !chosen || chosen->state == "ended") {
        // Prefer a thread that has signals to show, and does something of its own.
        std::uint32_t best = 0;
        int best_score = -1;
        for (const auto& thread : snapshot.threads) {
            int score = thread.state == "ended" ? 0 : 2;
            score += thread.signals.registered ? 4 : 0;
            score += thread.space > 1 ? 1 : 0;
            score += thread.wait_reason == "space_end" ? -3 : 0; // it only waits for others
            if (score > best_score) best = thread.id, best_score = score;
        }
        moved |= best != thread_;
        thread_ = best;
        frame_ = 0;
        address_.reset();
    }
    if (!snapshot.ring(ring_)) {
        const auto first = snapshot.rings.empty() ? 0u : snapshot.rings.front().number;
        moved |= first != ring_;
        ring_ = first;
    }
    if (!snapshot.scheme(scheme_)) {
        const auto first = snapshot.schemes.empty() ? 0u : snapshot.schemes.front().number;
        moved |= first != scheme_;
        scheme_ = first;
    }
    if (moved) Q_EMIT changed();
}

} // namespace orrery::inspector
