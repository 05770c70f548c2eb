// From a snapshot to the rows of every table: pure functions, one per view, and the columns that go with them.
#pragma once

#include <QList>

#include "inspector/core/osmodel/explain_address.h"
#include "inspector/core/osmodel/snapshot.h"
#include "inspector/core/osmodel/wait_graph.h"
#include "inspector/models/keyed_table_model.h"
#include "inspector/models/machine_values.h"
#include "inspector/models/table_row.h"

namespace orrery::inspector {

QList<TableColumn> thread_columns();
TableRows thread_rows(const Snapshot& snapshot); // key: thread id

QList<TableColumn> signal_columns();
TableRows signal_rows(const Snapshot& snapshot, std::uint32_t thread); // key: signal number

QList<TableColumn> frame_columns();
TableRows frame_rows(const Snapshot& snapshot, std::uint32_t thread); // key: address of the frame, newest first

// Registers that a frame saved beside what they are compared with: the thread's registers now, or for an older frame
// those that the next newer frame saved. Key: abi::SavedRegister, or frame_mask_key, or above it for the siginfo.
inline constexpr std::uint64_t frame_mask_key = 100;
inline constexpr int frame_value_column = 1;
QList<TableColumn> frame_register_columns();
TableRows frame_register_rows(const Snapshot& snapshot, std::uint32_t thread, std::uint64_t frame, bool editable);

// Key: abi::SavedRegister; from 200 the control registers of the CPU that the thread runs on.
inline constexpr int register_value_column = 1;
QList<TableColumn> register_columns();
TableRows register_rows(const Snapshot& snapshot, std::uint32_t thread, const QString& rip_symbol, bool editable);

QList<TableColumn> ring_side_columns();
TableRows ring_side_rows(const RingView& ring, const Snapshot& snapshot); // key: abi::RingSide
QList<TableColumn> ring_entry_columns();
TableRows ring_entry_rows(const RingView& ring); // key: slot
QString ring_sentence(const RingView& ring, const Snapshot& snapshot);

QList<TableColumn> mapping_columns();
TableRows mapping_rows(const SpaceView& space, const SpacePresence& presence, const Snapshot& snapshot); // key: begin
// The walk of an address through the page tables; key: level, 4 first.
QList<TableColumn> walk_columns();
TableRows walk_rows(const AddressView& address);
// What a read, a write and an execution do there; key: abi::Protection bit.
QList<TableColumn> access_columns();
TableRows access_rows(const AddressView& address);
// What is there, and where tables and mappings contradict each other.
QString address_sentence(const AddressView& address, const Snapshot& snapshot);
QString protection_text(std::uint32_t protection); // "rw-"
QString size_text(std::uint64_t bytes);             // "12 KiB", exactly
QString rounded_size_text(std::uint64_t bytes);     // "127.9 TiB"
QList<TableColumn> handle_columns();
TableRows handle_rows(const SpaceView& space); // key: handle number

QList<TableColumn> scheme_columns();
TableRows scheme_rows(const Snapshot& snapshot); // key: number
QList<TableColumn> call_columns();
TableRows call_rows(const SchemeView& scheme, const Snapshot& snapshot); // key: tag; those with servers first
QString scheme_sentence(const SchemeView& scheme, const Snapshot& snapshot);

QList<TableColumn> wait_columns();
TableRows wait_rows(const WaitGraph& graph, const Snapshot& snapshot); // key: from << 32 | to
QString wait_sentence(const WaitGraph& graph);

QList<TableColumn> instruction_columns();
TableRows instruction_rows(const CodePicture& code); // key: address

// "ping" or "space 3", for a thread or space id.
QString space_text(const Snapshot& snapshot, std::uint32_t space);
QString thread_text(const Snapshot& snapshot, std::uint32_t thread); // "thread 4 (ping)"

} // namespace orrery::inspector
