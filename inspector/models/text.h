// How numbers, addresses, signals and registers are written everywhere in the window, and read back from an edit.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <QString>

class QAbstractItemModel;

namespace orrery::inspector {

inline QString text(const std::string& utf8) { return QString::fromStdString(utf8); }

// The core's sentences begin small and have no full stop: here they are whole.
QString whole_sentence(const std::string& utf8);

QString hex_text(std::uint64_t value);       // "0x401234"
QString wide_hex_text(std::uint64_t value);  // "0x0000000000401234": 16 digits, for columns
QString count_text(std::uint64_t value);     // "12 345": groups of three, thin spaces
QString signal_label(int signal);             // "SIGUSR1", "SIGRT 35", "signal 0"
QString signal_set_label(std::uint64_t set);  // "SIGINT, SIGUSR1", "none", "all", "all but SIGINT"
const char* register_name(unsigned index);   // of abi::SavedRegister, "?" beyond it
QString flags_text(std::uint64_t rflags);    // "IF ZF PF"

// A value as a person types it: 0x hexadecimal, decimal, 0b binary; spaces, _ and ' between digits are ignored.
// Nothing and a sentence in `problem` if it is none, or does not fit 64 bits.
std::optional<std::uint64_t> parse_value(const QString& typed, QString& problem);

enum class CopyFormat { text, csv, markdown };
// A whole table, headings first, for the clipboard.
QString table_as(const QAbstractItemModel& model, CopyFormat format);

} // namespace orrery::inspector
