// Number formats, value parsing, and tables as text.
#include "inspector/models/text.h"

#include <QAbstractItemModel>
#include <QCoreApplication>
#include <QStringList>

#include "abi/signal.h"

namespace orrery::inspector {
namespace {

constexpr const char* register_names[] = { "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
    "rdi", "rsi", "rbp", "rbx", "rdx", "rax", "rcx", "rsp", "rip", "rflags", "segments", "error code",
    "trap", "old mask", "fault address" };
static_assert(std::size(register_names) == static_cast<std::size_t>(abi::SavedRegister::count));

QString translate(const char* sentence) { return QCoreApplication::translate("text", sentence); }

QString quoted_csv(QString cell)
{
    if (!cell.contains(QLatin1Char(',')) && !cell.contains(QLatin1Char('"')) && !cell.contains(QLatin1Char('\n')))
        return cell;
    return QLatin1Char('"') + cell.replace(QLatin1String("\""), QLatin1String("\"\"")) + QLatin1Char('"');
}

} // namespace

QString whole_sentence(const std::string& utf8)
{
    auto words = text(utf8);
    if (!words.isEmpty()) words[0] = words[0].toUpper();
    return words + QLatin1Char('.');
}

QString hex_text(std::uint64_t value) { return QStringLiteral("0x%1").arg(value, 0, 16); }

QString wide_hex_text(std::uint64_t value) { return QStringLiteral("0x%1").arg(value, 16, 16, QLatin1Char('0')); }

QString count_text(std::uint64_t value)
{
    auto digits = QString::number(value);
    for (auto at = digits.size() - 3; at > 0; at -= 3) digits.insert(at, QChar(0x2009));
    return digits;
}

QString signal_label(int signal)
{
    if (signal < 1 || signal > abi::signal_count) return QStringLiteral("signal %1").arg(signal);
    const QString name = QLatin1String(abi::signal_name(signal));
    if (signal >= abi::first_realtime_signal) return QStringLiteral("SIGRT %1").arg(signal);
    return name == QLatin1String("unknown") ? QStringLiteral("signal %1").arg(signal) : name;
}

QString signal_set_label(std::uint64_t set)
{
    if (set == 0) return translate("none");
    if (~set == 0) return translate("all");
    const bool inverted = __builtin_popcountll(set) > 48;
    QStringList names;
    for (int signal = 1; signal <= abi::signal_count; ++signal)
        if (((inverted ? ~set : set) & abi::signal_mask64(signal)) != 0) names += signal_label(signal);
    const auto list = names.join(QStringLiteral(", "));
    return inverted ? translate("all but %1").arg(list) : list;
}

const char* register_name(unsigned index) { return index < std::size(register_names) ? register_names[index] : "?"; }

QString flags_text(std::uint64_t rflags)
{
    struct Flag {
        unsigned bit;
        const char* name;
    };
    // Intel SDM volume 1, section 3.4.3.
    static constexpr Flag flags[] = { { 0, "CF" }, { 2, "PF" }, { 4, "AF" }, { 6, "ZF" }, { 7, "SF" }, { 8, "TF" },
        { 9, "IF" }, { 10, "DF" }, { 11, "OF" }, { 14, "NT" }, { 16, "RF" }, { 18, "AC" } };
    QStringList set;
    for (const auto& flag : flags)
        if ((rflags >> flag.bit & 1) != 0) set += QLatin1String(flag.name);
    return set.join(QLatin1Char(' '));
}

std::optional<std::uint64_t> parse_value(const QString& typed, QString& problem)
{
    auto digits = typed.trimmed().toLower();
    digits.remove(QLatin1Char(' ')).remove(QLatin1Char('_')).remove(QLatin1Char('\'')).remove(QChar(0x2009));
    if (digits.isEmpty()) {
        problem = translate("Type a number, such as 0x401000 or 42.");
        return std::nullopt;
    }
    bool negative = false;
    if (digits.startsWith(QLatin1Char('-'))) {
        negative = true;
        digits.remove(0, 1);
    }
    int base = 10;
    if (digits.startsWith(QLatin1String("0x"))) {
        base = 16;
        digits.remove(0, 2);
    } else if (digits.startsWith(QLatin1String("0b"))) {
        base = 2;
        digits.remove(0, 2);
    }
    bool good = false;
    const auto value = digits.startsWith(QLatin1Char('-')) || digits.startsWith(QLatin1Char('+'))
        ? 0
        : digits.toULongLong(&good, base);
    if (!good) {
        problem = translate("\"%1\" is not a 64-bit number: write it as 0x401000, 42 or 0b101.").arg(typed.trimmed());
        return std::nullopt;
    }
    return negative ? std::uint64_t { 0 } - value : value;
}

QString table_as(const QAbstractItemModel& model, CopyFormat format)
{
    const auto columns = model.columnCount();
    QList<QStringList> lines;
    QStringList headings;
    for (int c = 0; c < columns; ++c) headings += model.headerData(c, Qt::Horizontal).toString();
    lines += headings;
    for (int r = 0; r < model.rowCount(); ++r) {
        QStringList cells;
        for (int c = 0; c < columns; ++c) cells += model.index(r, c).data().toString();
        lines += cells;
    }
    std::vector<qsizetype> widths(static_cast<std::size_t>(columns), 0);
    for (const auto& cells : lines)
        for (int c = 0; c < columns; ++c) widths[c] = std::max(widths[c], cells[c].size());

    QString result;
    for (qsizetype i = 0; i < lines.size(); ++i) {
        QStringList cells;
        for (int c = 0; c < columns; ++c) {
            switch (format) {
            case CopyFormat::text: cells += lines[i][c].leftJustified(c + 1 < columns ? widths[c] : 0); break;
            case CopyFormat::csv: cells += quoted_csv(lines[i][c]); break;
            case CopyFormat::markdown: cells += QString(lines[i][c]).replace(QLatin1String("|"), QLatin1String("\\|")); break;
            }
        }
        switch (format) {
        case CopyFormat::text: result += cells.join(QStringLiteral("  ")); break;
        case CopyFormat::csv: result += cells.join(QLatin1Char(',')); break;
        case CopyFormat::markdown: result += QStringLiteral("| ") + cells.join(QStringLiteral(" | ")) + QStringLiteral(" |"); break;
        }
        result += QLatin1Char('\n');
        if (i == 0 && format == CopyFormat::markdown)
            result += QStringLiteral("|") + QStringLiteral("---|").repeated(columns) + QLatin1Char('\n');
    }
    return result;
}

} // namespace orrery::inspector
