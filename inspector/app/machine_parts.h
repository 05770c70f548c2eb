// What the worker holds while there is a machine; shared by the files that implement it.
#pragma once

#include "inspector/app/machine_worker.h"
#include "inspector/core/phases/catalog.h"
#include "inspector/core/phases/source_step.h"
#include "inspector/core/phases/stepper.h"
#include "inspector/core/session/session.h"

namespace orrery::inspector {

struct MachineWorker::Machine {
    Machine(std::unique_ptr<Session> given_session, DebugInfoPointer kernel, ProgramMap programs)
        : session(std::move(given_session))
        , reader(kernel, programs, session->memory())
        , catalog(kernel, programs)
        , phases(*session, reader, catalog)
        , lines(*session, reader)
    {
    }

    std::unique_ptr<Session> session;
    SnapshotReader reader;
    PhaseCatalog catalog;
    PhaseStepper phases;
    SourceStepper lines;
};

} // namespace orrery::inspector
