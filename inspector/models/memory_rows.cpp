// What an address space can reach: its mappings and its handles.
#include <QCoreApplication>

#include "inspector/models/rows.h"
#include "inspector/models/text.h"

namespace orrery::inspector {
namespace {

QString translate(const char* sentence) { return QCoreApplication::translate("memory", sentence); }

QString size_text(std::uint64_t bytes)
{
    if (bytes >= 1u << 20 && bytes % (1u << 20) == 0) return translate("%1 MiB").arg(bytes >> 20);
    if (bytes % 1024 == 0) return translate("%1 KiB").arg(bytes >> 10);
    return translate("%1 B").arg(bytes);
}

QString protection_text(std::uint32_t protection)
{
    QString letters = QStringLiteral("---");
    if ((protection & abi::protection_read) != 0) letters[0] = QLatin1Char('r');
    if ((protection & abi::protection_write) != 0) letters[1] = QLatin1Char('w');
    if ((protection & abi::protection_execute) != 0) letters[2] = QLatin1Char('x');
    return letters;
}

QString rights_text(std::uint32_t rights)
{
    if (rights == abi::all_rights) return translate("all");
    QStringList set;
    for (const auto& [right, name] : abi::right_names)
        if ((rights & right) != 0) set += QLatin1String(name);
    return set.join(QStringLiteral(", "));
}

} // namespace

QList<TableColumn> mapping_columns()
{
    return {
        { translate("From"), translate("First address."), true },
        { translate("To"), translate("First address after it."), true },
        { translate("Size"), {}, true },
        { translate("Access"), translate("r read, w write, x execute; w and x never together."), true },
        { translate("Object"), translate("The memory object or ring that is seen there.") },
        { translate("Offset"), translate("Where in the object the mapping starts."), true },
    };
}

TableRows mapping_rows(const SpaceView& space)
{
    TableRows rows;
    for (const auto& mapping : space.mappings)
        rows.push_back({ mapping.begin,
            { hex_text(mapping.begin), hex_text(mapping.end), size_text(mapping.end - mapping.begin),
                protection_text(mapping.protection), text(mapping.object), hex_text(mapping.offset) },
            {}, Emphasis::normal, 0 });
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
