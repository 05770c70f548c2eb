// The breakpoints that the student has set, kept across machines and program starts.
#pragma once

#include <QObject>

#include "inspector/models/machine_values.h"

namespace orrery::inspector {

class SnapshotSource;

class BreakpointList : public QObject {
    Q_OBJECT
public:
    explicit BreakpointList(SnapshotSource* source, QObject* parent = nullptr);

    const SourceBreakpoints& all() const { return breakpoints_; }
    void toggle(const QString& file, int line);
    void set_enabled(const QString& file, int line, bool enabled);
    void replace(const SourceBreakpoints& breakpoints); // from a saved session
    void clear() { replace({}); }
    QStringList saved() const; // "file:line" each, with "-" before it if switched off
    static SourceBreakpoints from_saved(const QStringList& lines); // what is malformed is left out

Q_SIGNALS:
    void changed();

private:
    void send();

    SnapshotSource* source_;
    SourceBreakpoints breakpoints_;
};

} // namespace orrery::inspector
