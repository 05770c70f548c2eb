// Where a lesson's state comes from and the student's answers go: the seam between the lesson view and the machine.
#pragma once

#include <QObject>

#include "inspector/models/lesson_values.h"

namespace orrery::inspector {

// As SnapshotSource: calls return at once, answers come as signals on the caller's thread.
class LessonSource : public QObject {
    Q_OBJECT
public:
    explicit LessonSource(QObject* parent = nullptr);
    ~LessonSource() override;

    virtual void order(const LessonOrder& order) = 0;
    const LessonPicture& latest() const { return latest_; }

Q_SIGNALS:
    void changed(); // latest() is new

protected:
    void publish(const LessonPicture& picture);

private:
    LessonPicture latest_;
};

} // namespace orrery::inspector
