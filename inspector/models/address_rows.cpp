// One address of a space as rows: the four levels of its walk, and what each access does.
#include <QCoreApplication>

#include "inspector/models/rows.h"
#include "inspector/models/text.h"

namespace orrery::inspector {
namespace {

QString translate(const char* sentence) { return QCoreApplication::translate("addresses", sentence); }

QString access_text(std::uint32_t access)
{
    return access == abi::protection_read ? translate("read")
        : access == abi::protection_write ? translate("write")
                                          : translate("execute");
}

QString leads_to(const ram::PageTableLevel& level, const ram::Walk& walk)
{
    if (!level.present()) return translate("nothing");
    if (level.level == 1 || level.large())
        return translate("page %1").arg(hex_text(walk.mapped ? walk.physical_address & ~(walk.page_size - 1) : level.target()));
    return translate("table %1").arg(hex_text(level.target()));
}

} // namespace

QList<TableColumn> walk_columns()
{
    return {
        { translate("Level"), translate("The processor begins at level 4 and ends at the page.") },
        { translate("Entry"), translate("Which of the table's 512 entries: nine bits of the address choose it."), true },
        { translate("Bits"), translate("What the entry allows, and what the processor noted in it. The weakest level decides.") },
        { translate("Leads to"), translate("The next table, or the page itself."), true },
        { translate("Table"), translate("Physical address of the table."), true },
        { translate("Value"), translate("The whole entry."), true },
        { translate("Name"), translate("What Intel's manual calls the table.") },
    };
}

TableRows walk_rows(const AddressView& address)
{
    TableRows rows;
    for (unsigned i = 0; i < address.walk.level_count; ++i) {
        const auto& level = address.walk.levels[i];
        const bool last = i + 1 == address.walk.level_count;
        TableRow row;
        row.key = level.level;
        row.cells = { QString::number(level.level), QString::number(level.index), text(entry_bits_text(level)), leads_to(level, address.walk),
            hex_text(level.table), wide_hex_text(level.entry), QLatin1String(ram::table_name(level.level)) };
        row.sentence = translate("Entry %1 of the %2 at physical %3: %4.")
                           .arg(level.index).arg(QLatin1String(ram::table_name(level.level)), hex_text(level.table), text(entry_bits_text(level)));
        if (last) row.emphasis = address.walk.mapped ? Emphasis::current : level.present() ? Emphasis::problem : Emphasis::dimmed;
        rows.push_back(std::move(row));
    }
    return rows;
}

QList<TableColumn> access_columns()
{
    return {
        { translate("Access"), {} },
        { translate("Outcome"), translate("Whether the processor finds it allowed, or the kernel has to help, or a signal is raised.") },
        { translate("Because"), translate("What decides."), false, false },
    };
}

TableRows access_rows(const AddressView& address)
{
    TableRows rows;
    for (const auto& access : address.accesses) {
        TableRow row;
        row.key = access.access;
        const auto sentence = whole_sentence(access.sentence);
        row.cells = { access_text(access.access), text(name(access.outcome)), sentence };
        row.sentence = sentence;
        row.emphasis = access.outcome == AccessOutcome::raises ? Emphasis::dimmed : Emphasis::normal;
        rows.push_back(std::move(row));
    }
    return rows;
}

QString address_sentence(const AddressView& address, const Snapshot& snapshot)
{
    QStringList sentences { whole_sentence(address.sentence) };
    for (const auto& sentence : address.contradictions) sentences += translate("Contradiction: %1.").arg(text(sentence));
    if (!address.contradictions.empty())
        sentences += snapshot.freshness != Freshness::stopped
            ? translate("The machine ran while this was read; stop it to be sure.")
            : translate("The kernel may stand in the middle of this very change: let it go on a little and look again.");
    return sentences.join(QLatin1Char('\n'));
}

} // namespace orrery::inspector
