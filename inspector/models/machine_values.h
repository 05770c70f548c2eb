// The values that pass between the window and the thread that owns the machine: run state, stops, requests, answers.
#pragma once

#include <cstdint>
#include <vector>

#include <QMetaType>
#include <QString>
#include <QStringList>

namespace orrery::inspector {

enum class RunState {
    absent,   // no machine yet
    starting, // asked for, not there yet
    running,
    stopped,
    ended,  // the guest or its QEMU is gone; the last picture stays
    failed, // could not be started or attached
};

// What the window shows when the machine stands still.
struct StopReport {
    QString sentence; // "SIGUSR1 was framed on thread 4: ..." without "Stopped:" before it
    int cpu = -1;
    std::uint32_t thread = 0;
    int phase = -1; // abi::Phase, or -1 if the stop is not at a phase
    int signal = 0;
    std::uint64_t rip = 0;
};

struct StepRequest {
    enum class Kind { instruction, line_over, line_into, phase };
    Kind kind = Kind::phase;
    std::vector<int> phases;  // abi::Phase values that count; empty = every phase
    std::uint32_t thread = 0; // only this thread; 0 = any
    int signal = 0;           // only this signal; 0 = any
};

// A change of guest state while it is stopped. `register_index` follows abi::SavedRegister.
struct EditRequest {
    enum class Place { thread_register, frame_register, frame_mask };
    Place place = Place::thread_register;
    int cpu = -1;
    std::uint32_t thread = 0;
    std::uint64_t frame = 0; // address of the SignalFrame
    unsigned register_index = 0;
    std::uint64_t value = 0;
    bool operator==(const EditRequest&) const = default;
};

struct SourceBreakpoint {
    QString file;
    int line = 0;
    bool enabled = true;
    bool resolved = false; // false: no code there (yet); `sentence` says why
    QString sentence;
    bool operator==(const SourceBreakpoint&) const = default;
};
using SourceBreakpoints = QList<SourceBreakpoint>;

struct InstructionLine {
    std::uint64_t address = 0;
    QString bytes, text, symbol; // symbol: "name+0x12" of this address, "" if unknown
    QString file;
    int line = 0;
    bool operator==(const InstructionLine&) const = default;
};

// Where a thread's code is: source position and the instructions around it.
struct CodePicture {
    std::uint32_t thread = 0;
    std::uint64_t rip = 0;
    QString function, file; // file "" if the debug information names none
    int line = 0;
    std::vector<InstructionLine> instructions;
    QString problem; // why something is missing, as a sentence; "" if nothing is
};

} // namespace orrery::inspector

Q_DECLARE_METATYPE(orrery::inspector::StopReport)
Q_DECLARE_METATYPE(orrery::inspector::SourceBreakpoints)
Q_DECLARE_METATYPE(orrery::inspector::CodePicture)
