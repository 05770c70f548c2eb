// The real machine behind the window: hands orders to the worker's thread, and its news to the window's.
#pragma once

#include <QThread>

#include "inspector/app/machine_options.h"
#include "inspector/models/snapshot_source.h"

namespace orrery::inspector {

class MachineWorker;

class LiveSource : public SnapshotSource {
    Q_OBJECT
public:
    explicit LiveSource(MachineOptions options, QObject* parent = nullptr);
    // Ends the machine, if this source started it, and waits for the worker.
    ~LiveSource() override;

    void start() override;
    void quit() override;
    void resume() override;
    void pause() override;
    void step(const StepRequest& request) override;
    void edit(const EditRequest& request) override;
    void set_breakpoints(const SourceBreakpoints& wanted) override;
    void request_code(std::uint32_t thread, std::uint64_t address) override;
    void set_watched(bool watched) override;
    MachineWorker* worker() const { return worker_; }

private:
    template <typename Order>
    void post(Order order);

    QThread thread_;
    MachineWorker* worker_; // lives in thread_
};

} // namespace orrery::inspector
