// What an address space can reach: its mappings and its handles.
#include <QCoreApplication>

#include <algorithm>

#include "abi/startup.h"
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

// What a right allows for this kind of object; empty if it means nothing for it. The table has "ring: be the producer",
// "space, thread: raise a signal; event: count one more", and without a kind what goes for all.
QString right_text(const std::string& kind, const char* sentence)
{
    const auto parts = QString::fromLatin1(sentence).split(QStringLiteral("; "));
    for (const auto& part : parts) {
        const auto colon = part.indexOf(QStringLiteral(": "));
        if (colon < 0) return part;
        if (part.left(colon).split(QStringLiteral(", ")).contains(text(kind))) return part.mid(colon + 2);
    }
    return {};
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

namespace {

// What became of the pages that the object has or had in this range: "3 dropped, 12 clean".
QString pages_text(const MappingView& mapping, const MemoryObjectView& object)
{
    static constexpr struct {
        abi::PageSlotFlag flag;
        const char* words;
    } kinds[] = {
        { abi::slot_pinned, QT_TRANSLATE_NOOP("memory", "%1 pinned") },
        { abi::slot_writing, QT_TRANSLATE_NOOP("memory", "%1 being written back") },
        { abi::slot_discarded, QT_TRANSLATE_NOOP("memory", "%1 dropped when memory was short") },
        { abi::slot_shared, QT_TRANSLATE_NOOP("memory", "%1 copy-on-write") },
        { abi::slot_clean, QT_TRANSLATE_NOOP("memory", "%1 clean") },
    };
    quint64 counts[std::size(kinds)] = {};
    for (const auto& leaf : object.leaves)
        for (std::size_t i = 0; i < leaf.pages.size(); ++i) {
            const auto offset = (leaf.number * pages_per_leaf + i) * abi::page_size;
            if (offset < mapping.offset || offset - mapping.offset >= mapping.end - mapping.begin) continue;
            for (std::size_t kind = 0; kind < std::size(kinds); ++kind)
                if (leaf.pages[i].has(kinds[kind].flag)) ++counts[kind];
        }
    QStringList words;
    for (std::size_t kind = 0; kind < std::size(kinds); ++kind)
        if (counts[kind] != 0) words += translate(kinds[kind].words).arg(counts[kind]);
    return words.join(QStringLiteral(", "));
}

// Who else sees the same memory.
QString sharers_text(const MappingView& mapping, const SpaceView& space, const Snapshot& snapshot)
{
    QStringList names;
    if (mapping.object_address != 0)
        for (const auto& other : snapshot.spaces)
            if (other.id != space.id && std::ranges::find(other.mappings, mapping.object_address, &MappingView::object_address) != other.mappings.end())
                names += space_text(snapshot, other.id);
    return names.join(QStringLiteral(", "));
}

} // namespace

TableRows mapping_rows(const SpaceView& space, const SpacePresence& presence, const Snapshot& snapshot)
{
    TableRows rows;
    for (std::size_t i = 0; i < space.mappings.size() && i < presence.mappings.size(); ++i) {
        const auto& mapping = space.mappings[i];
        const auto& pages = presence.mappings[i];
        auto sentence = translate("Mapped %1: %2 of %3 pages are present, and %4 of them can be written without the kernel.")
                            .arg(text(protection_words(mapping.protection))).arg(pages.present).arg(pages.pages).arg(pages.writable);
        const auto* object = snapshot.memory_object(mapping.object_address);
        if (const auto states = object ? pages_text(mapping, *object) : QString {}; !states.isEmpty())
            sentence += translate(" Of the pages of the object: %1.").arg(states);
        if (const auto sharers = sharers_text(mapping, space, snapshot); !sharers.isEmpty())
            sentence += translate(" Shared memory: also mapped by %1.").arg(sharers);
        rows.push_back({ mapping.begin,
            { hex_text(mapping.begin), hex_text(mapping.end), size_text(mapping.end - mapping.begin),
                translate("%1 of %2").arg(pages.present).arg(pages.pages), protection_text(mapping.protection), text(mapping.object),
                hex_text(mapping.offset) },
            sentence, pages.present == 0 ? Emphasis::dimmed : Emphasis::normal, 0 });
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

namespace {

// "Handle 3 names a ring ...: with it the program can be the producer."
QString handle_sentence(const HandleView& handle)
{
    QString kind = translate("something unknown");
#define X(name, sentence) if (handle.kind == #name) kind = QLatin1String(sentence);
    ORRERY_OBJECT_KINDS(X)
#undef X
    QStringList allowed;
#define X(bit, name, sentence) if ((handle.rights & abi::right_##name) != 0) allowed += right_text(handle.kind, sentence);
    ORRERY_RIGHTS(X)
#undef X
    allowed.removeAll(QString {});
    const auto named = translate("Handle %1 names %2: %3.").arg(handle.number).arg(text(handle.label), kind);
    return allowed.isEmpty() ? named + translate(" It gives no right at all.")
                             : named + translate(" It allows to: %1.").arg(allowed.join(QStringLiteral("; ")));
}

} // namespace

TableRows handle_rows(const SpaceView& space)
{
    TableRows rows;
    for (const auto& handle : space.handles)
        rows.push_back({ handle.number,
            { QString::number(handle.number), text(handle.kind), text(handle.label), rights_text(handle.rights) },
            handle_sentence(handle), Emphasis::normal, 0 });
    return rows;
}

} // namespace orrery::inspector
