// Disassembly: one row an instruction.
#include <QCoreApplication>

#include "inspector/models/rows.h"
#include "inspector/models/text.h"

namespace orrery::inspector {
namespace {
QString translate(const char* sentence) { return QCoreApplication::translate("code", sentence); }
} // namespace

QList<TableColumn> instruction_columns()
{
    return {
        { translate("Address"), {}, true, false },
        { translate("Instruction"), {}, true, false },
        { translate("Where"), translate("Function and offset, and the source line."), false, false },
        { translate("Bytes"), {}, true, false },
    };
}

TableRows instruction_rows(const CodePicture& code)
{
    TableRows rows;
    for (const auto& line : code.instructions) {
        auto where = line.symbol;
        if (line.line > 0) where += QStringLiteral("  :%1").arg(line.line);
        rows.push_back({ line.address, { hex_text(line.address), line.text, where, line.bytes },
            line.address == code.rip ? translate("The next instruction of the thread.") : QString(),
            line.address == code.rip ? Emphasis::current : Emphasis::normal, 0 });
    }
    return rows;
}

} // namespace orrery::inspector
