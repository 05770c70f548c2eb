// The lesson on the real machine: hands orders to the worker of a LiveSource.
#pragma once

#include "inspector/models/lesson_source.h"

namespace orrery::inspector {

class LiveSource;

class LiveLesson : public LessonSource {
    Q_OBJECT
public:
    explicit LiveLesson(LiveSource* source, QObject* parent = nullptr); // `source` outlives it
    void order(const LessonOrder& order) override;

private:
    LiveSource* source_;
};

} // namespace orrery::inspector
