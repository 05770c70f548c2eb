// A ring's two sides and its entries, decoded by their size as submissions or completions.
#include <algorithm>
#include <cstring>

#include <QCoreApplication>

#include "abi/ring.h"
#include "inspector/models/rows.h"
#include "inspector/models/text.h"

namespace orrery::inspector {
namespace {

QString translate(const char* sentence) { return QCoreApplication::translate("rings", sentence); }

const char* broken_text(std::uint32_t reason) { return abi::sentence(static_cast<abi::BrokenReason>(reason)); }

QString side_state(const RingSideView& side, const Snapshot& snapshot)
{
    if (side.broken != 0) return translate("gave up: %1").arg(translate(broken_text(side.broken)));
    if (side.thread != 0) return translate("sleeps: %1").arg(thread_text(snapshot, side.thread));
    if (side.waiting) return translate("is about to sleep");
    return translate("awake");
}

QString decoded(const RingView& ring, const std::uint8_t* entry)
{
    if (ring.entry_size == sizeof(abi::Sqe)) {
        abi::Sqe sqe;
        std::memcpy(&sqe, entry, sizeof sqe);
        QStringList arguments;
        for (const auto argument : sqe.arguments) arguments += hex_text(argument);
        return translate("op %1 (%2)").arg(sqe.opcode).arg(arguments.join(QStringLiteral(", ")));
    }
    if (ring.entry_size == sizeof(abi::Cqe)) {
        abi::Cqe cqe;
        std::memcpy(&cqe, entry, sizeof cqe);
        return translate("result %1").arg(static_cast<qint64>(cqe.result));
    }
    QString bytes;
    for (std::uint32_t i = 0; i < std::min<std::uint32_t>(ring.entry_size, 32); ++i)
        bytes += QStringLiteral("%1 ").arg(entry[i], 2, 16, QLatin1Char('0'));
    return ring.entry_size > 32 ? bytes + QStringLiteral("…") : bytes.trimmed();
}

QString tag_of(const RingView& ring, const std::uint8_t* entry)
{
    // Both entry kinds carry the tag at the same offset: abi/ring.h.
    static_assert(offsetof(abi::Sqe, tag) == offsetof(abi::Cqe, tag));
    if (ring.entry_size != sizeof(abi::Sqe) && ring.entry_size != sizeof(abi::Cqe)) return {};
    std::uint32_t tag = 0;
    std::memcpy(&tag, entry + offsetof(abi::Sqe, tag), sizeof tag);
    return QString::number(tag);
}

} // namespace

QString ring_sentence(const RingView& ring, const Snapshot& snapshot)
{
    if (!ring.valid) return text(ring.problem);
    const auto used = ring.used();
    if (ring.kernel_broken != 0)
        return translate("Ring %1 is broken: %2.").arg(ring.number).arg(translate(broken_text(ring.kernel_broken)));
    if (used > ring.capacity)
        return translate("Ring %1 breaks its rules: the producer is %2 entries ahead, but it has only %3 slots.")
            .arg(ring.number).arg(used).arg(ring.capacity);
    if (used == 0 && ring.consumer.thread != 0)
        return translate("The ring is empty, and its consumer, %1, sleeps until something is pushed.")
            .arg(thread_text(snapshot, ring.consumer.thread));
    if (used == ring.capacity && ring.producer.thread != 0)
        return translate("The ring is full, and its producer, %1, sleeps until something is taken.")
            .arg(thread_text(snapshot, ring.producer.thread));
    if (used == 0) return translate("The ring is empty: the consumer has taken everything.");
    if (used == ring.capacity) return translate("The ring is full: the producer must wait.");
    return translate("%1 of %2 slots hold entries that the consumer has not taken yet.").arg(used).arg(ring.capacity);
}

QList<TableColumn> ring_side_columns()
{
    return {
        { translate("Side"), {} },
        { translate("Index"), translate("Runs freely and never goes back; the slot is index modulo capacity."), true, false },
        { translate("Slot"), translate("Where this side works next."), true, false },
        { translate("State"), translate("Whether a thread sleeps on this side.") },
        { translate("Wakes"), translate("How often this side had to wake the other through the kernel."), true },
        { translate("Sleeps"), translate("How often this side slept."), true },
    };
}

TableRows ring_side_rows(const RingView& ring, const Snapshot& snapshot)
{
    TableRows rows;
    const auto add = [&](abi::RingSide side, const char* name, const RingSideView& view) {
        const auto slot = ring.capacity == 0 ? 0 : view.index & (ring.capacity - 1);
        rows.push_back({ static_cast<std::uint64_t>(side),
            { translate(name), QString::number(view.index), QString::number(slot), side_state(view, snapshot),
                count_text(view.wakes), count_text(view.sleeps) },
            {}, view.broken != 0 ? Emphasis::problem : Emphasis::normal, 0 });
    };
    add(abi::RingSide::producer, "producer", ring.producer);
    add(abi::RingSide::consumer, "consumer", ring.consumer);
    return rows;
}

QList<TableColumn> ring_entry_columns()
{
    return {
        { translate("Slot"), {}, true },
        { translate("Holds"), translate("Whether the slot has an entry that waits to be taken."), false, false },
        { translate("Tag"), translate("The number by which an answer is matched to its question."), true, false },
        { translate("Entry"), translate("Decoded by size: 64 bytes are a submission, 16 a completion."), true, false },
    };
}

TableRows ring_entry_rows(const RingView& ring)
{
    TableRows rows;
    const auto entry_size = std::size_t { ring.entry_size };
    if (!ring.valid || entry_size == 0) return rows;
    // A table of ten thousand slots helps nobody: the first thousand, and the drawing shows all.
    const auto count = std::min<std::size_t>({ ring.entries.size() / entry_size, ring.capacity, 1024 });
    const auto used = std::min(ring.used(), ring.capacity);
    for (std::uint32_t slot = 0; slot < count; ++slot) {
        const auto behind = (slot - ring.consumer.index) & (ring.capacity - 1); // distance from the next to be taken
        const bool holds = behind < used;
        QString state = holds ? translate("waits") : translate("free");
        if (holds && behind == 0) state = translate("next to take");
        if (!holds && behind == used) state = translate("next to fill");
        const auto* entry = ring.entries.data() + slot * entry_size;
        rows.push_back({ slot, { QString::number(slot), state, tag_of(ring, entry), decoded(ring, entry) },
            holds ? translate("Entry number %1 of the ring.").arg(ring.consumer.index + behind) : QString(),
            holds ? (behind == 0 ? Emphasis::current : Emphasis::normal) : Emphasis::dimmed, 0 });
    }
    return rows;
}

} // namespace orrery::inspector
