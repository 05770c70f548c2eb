// Posting orders and receiving answers.
#include "inspector/app/live_source.h"

#include "inspector/app/machine_worker.h"

namespace orrery::inspector {

LiveSource::LiveSource(MachineOptions options, QObject* parent)
    : SnapshotSource(parent)
    , worker_(new MachineWorker(std::move(options)))
{
    worker_->moveToThread(&thread_);
    connect(worker_, &MachineWorker::picture_ready, this, [this] { publish(worker_->take_picture()); });
    connect(worker_, &MachineWorker::state_changed, this,
        [this](RunState state, const QString& sentence) { set_run_state(state, sentence); });
    connect(worker_, &MachineWorker::stopped, this, &SnapshotSource::stopped);
    connect(worker_, &MachineWorker::edit_finished, this, &SnapshotSource::edit_finished);
    connect(worker_, &MachineWorker::code_ready, this, &SnapshotSource::code_arrived);
    connect(worker_, &MachineWorker::breakpoints_resolved, this, &SnapshotSource::breakpoints_changed);
    connect(worker_, &MachineWorker::console_received, this, &SnapshotSource::console_received);
    connect(worker_, &MachineWorker::notice, this, &SnapshotSource::notice);
    connect(&thread_, &QThread::finished, worker_, &QObject::deleteLater);
    thread_.setObjectName(QStringLiteral("machine"));
    thread_.start();
}

LiveSource::~LiveSource()
{
    worker_->disconnect(this);
    worker_->interrupt();
    post([this] { worker_->quit(); });
    thread_.quit(); // after what was posted before
    thread_.wait();
}

template <typename Order>
void LiveSource::post(Order order)
{
    QMetaObject::invokeMethod(worker_, std::move(order), Qt::QueuedConnection);
}

void LiveSource::start()
{
    worker_->interrupt();
    set_run_state(RunState::starting);
    post([this] { worker_->start(); });
}

void LiveSource::quit()
{
    worker_->interrupt();
    post([this] { worker_->quit(); });
}

void LiveSource::resume() { post([this] { worker_->resume(); }); }

void LiveSource::pause()
{
    worker_->interrupt();
    post([this] { worker_->pause(); });
}

void LiveSource::step(const StepRequest& request) { post([this, request] { worker_->step(request); }); }

void LiveSource::edit(const EditRequest& request) { post([this, request] { worker_->edit(request); }); }

void LiveSource::set_breakpoints(const SourceBreakpoints& wanted) { post([this, wanted] { worker_->set_breakpoints(wanted); }); }

void LiveSource::request_code(std::uint32_t thread, std::uint64_t address)
{
    post([this, thread, address] { worker_->send_code(thread, address); });
}

void LiveSource::set_watched(bool watched) { post([this, watched] { worker_->set_watched(watched); }); }

} // namespace orrery::inspector
