// Changes of guest state by hand: checked, sent, and kept as undo steps until the machine runs on.
#pragma once

#include <optional>

#include <QObject>

#include "inspector/models/machine_values.h"

class QUndoStack;

namespace orrery::inspector {

class SnapshotSource;

class EditController : public QObject {
    Q_OBJECT
public:
    explicit EditController(SnapshotSource* source, QObject* parent = nullptr);

    // Parses and checks `typed`, then asks the source for the change from `before`. A refusal is said by refused().
    // `what`: "rip of the frame of SIGUSR1", for the undo menu.
    void request(EditRequest edit, std::uint64_t before, const QString& typed, const QString& what);
    QUndoStack* undo_stack() const { return stack_; }
    // Sends a change again without an undo step of its own: what undo and redo do.
    void send(const EditRequest& edit);

    // Why a value can't be put there, as a sentence; "" if it can.
    static QString refusal(const EditRequest& edit);

Q_SIGNALS:
    void refused(const QString& sentence);
    void done(const QString& sentence);

private:
    struct Pending {
        EditRequest edit;
        std::uint64_t before = 0;
        QString what;
    };
    void finished(const EditRequest& edit, const QString& problem);

    SnapshotSource* source_;
    QUndoStack* stack_;
    std::optional<Pending> pending_;
};

} // namespace orrery::inspector
