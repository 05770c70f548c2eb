// Keeps the latest state of the lesson.
#include "inspector/models/lesson_source.h"

namespace orrery::inspector {

LessonSource::LessonSource(QObject* parent)
    : QObject(parent)
{
}

LessonSource::~LessonSource() = default;

void LessonSource::publish(const LessonPicture& picture)
{
    latest_ = picture;
    Q_EMIT changed();
}

} // namespace orrery::inspector
