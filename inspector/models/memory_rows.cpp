// What an address space can reach: its mappings and its handles.
#include <QCoreApplication>

#include "inspector/models/rows.h"
#include "inspector/models/text.h"

namespace orrery::inspector {
namespace {

QString translate(const char* sentence) { return QCoreApplication::translate("memory", sentence); }

QString rights_text(std::uint32_t rights)
{
    if (rights == abi::all_rights) return translate("all");
    QStringList set;
    for (const auto& [right, name] : abi::right_names)
        if ((rights & right) != 0) set += QLatin1String(name);
    return set.join(QStringLiteral(", "));
}

} // namespace

QString size_text(std::uint64_t bytes)
{
    if (bytes >= 1u << 20 && bytes % (1u << 20) == 0) return translate("%1 MiB").arg(bytes >> 20);
    if (bytes % 1024 == 0) return translate("%1 KiB").arg(bytes >> 10);
    return translate("%1 B").arg(bytes);
}

QString rounded_size_text(std::uint64_t bytes)
{
    static constexpr const char* units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
    auto value = static_cast<double>(bytes);
    std::size_t unit = 0;
    for (; value >= 1023.5 && unit + 1 < std::size(units); ++unit) value /= 1024;
    const bool whole = value >= 100 || value == static_cast<double>(static_cast<std::uint64_t>(value));
    return QStringLiteral("%1 %2").arg(value, 0, 'f', whole ? 0 : 1).arg(QLatin1String(units[unit]));
}

QString protection_text(std::uint32_t protection)
{
    QString letters = QStringLiteral("---");
    if ((protection & abi::protection_read) != 0) letters[0] = QLatin1Char('r');
    if ((protection & abi::protection_write) != 0) letters[1] = QLatin1Char('w');
    if ((protection & abi::protection_execute) != 0) letters[2] = QLatin1Char('x');
    return letters;
}

QList<TableColumn> mapping_columns()
{
    return {
        { translate("From"), translate("First address."), true },
        { translate("To"), translate("First address after it."), true },
        { translate("Size"), {}, true },
        { translate("Present"), translate("Pages that the page tables have, of all that the mapping spans. The rest comes when it is touched."), true },
        { translate("Access"), translate("r read, w write, x execute; w and x never together."), true },
        { translate("Object"), translate("The memory object or ring that is seen there.") },
        { translate("Offset"), translate("Where in the object the mapping starts."), true },
    };
}

TableRows mapping_rows(const SpaceView& space, const SpacePresence& presence)
{
    TableRows rows;
    for (std::size_t i = 0; i < space.mappings.size() && i < presence.mappings.size(); ++i) {
        const auto& mapping = space.mappings[i];
        const auto& pages = presence.mappings[i];
        rows.push_back({ mapping.begin,
            { hex_text(mapping.begin), hex_text(mapping.end), size_text(mapping.end - mapping.begin),
                translate("%1 of %2").arg(pages.present).arg(pages.pages), protection_text(mapping.protection), text(mapping.object),
                hex_text(mapping.offset) },
            translate("Mapped %1: %2 of %3 pages are present, and %4 of them can be written without the kernel.")
                .arg(text(protection_words(mapping.protection))).arg(pages.present).arg(pages.pages).arg(pages.writable),
            pages.present == 0 ? Emphasis::dimmed : Emphasis::normal, 0 });
    }
    return rows;
}

QList<TableColumn> handle_columns()
{
    return {
        { translate("Handle"), translate("The number by which the program names the object."), true },
        { translate("Kind"), {} },
        { translate("Object"), {} },
        { translate("Rights"), translate("What this handle allows. Rights only ever shrink.") },
    };
}

TableRows handle_rows(const SpaceView& space)
{
    TableRows rows;
    for (const auto& handle : space.handles)
        rows.push_back({ handle.number,
            { QString::number(handle.number), text(handle.kind), text(handle.label), rights_text(handle.rights) }, {},
            Emphasis::normal, 0 });
    return rows;
}

} // namespace orrery::inspector
