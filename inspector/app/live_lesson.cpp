// Posting lesson orders to the worker's thread.
#include "inspector/app/live_lesson.h"

#include "inspector/app/live_source.h"
#include "inspector/app/machine_worker.h"

namespace orrery::inspector {

LiveLesson::LiveLesson(LiveSource* source, QObject* parent)
    : LessonSource(parent)
    , source_(source)
{
    connect(source_->worker(), &MachineWorker::lesson_changed, this, &LiveLesson::publish);
}

void LiveLesson::order(const LessonOrder& order)
{
    auto* worker = source_->worker();
    QMetaObject::invokeMethod(worker, [worker, order] { worker->lesson_order(order); }, Qt::QueuedConnection);
}

} // namespace orrery::inspector
