// Splitting run=PROGRAM[,ARGUMENT...] in place.
#include "servers/init/command_line.h"

#include <algorithm>

namespace orrery::init {
namespace {

constexpr std::string_view key = "run=";

std::string_view find_run_word(std::string_view line, std::string_view otherwise)
{
    std::string_view found = otherwise;
    while (!line.empty()) {
        const std::size_t end = std::min(line.find(' '), line.size());
        const std::string_view word = line.substr(0, end);
        if (word.starts_with(key)) found = word.substr(key.size());
        line.remove_prefix(std::min(end + 1, line.size()));
    }
    return found;
}

} // namespace

RunRequest::RunRequest(std::string_view line, std::string_view otherwise)
{
    const std::string_view word = find_run_word(line, otherwise);
    if (word.size() >= max_text) {
        problem_ = "run= on the command line is too long";
        return;
    }
    std::copy(word.begin(), word.end(), text_.begin());
    if (word.empty() || word.front() == ',') {
        problem_ = "run= on the command line names no program";
        return;
    }
    char* next = text_.data();
    char* const end = text_.data() + word.size();
    while (true) {
        if (count_ == max_arguments) {
            count_ = 0;
            problem_ = "run= on the command line has too many arguments";
            return;
        }
        arguments_[count_++] = next;
        char* const comma = std::find(next, end, ',');
        if (comma == end) return;
        *comma = '\0';
        next = comma + 1;
    }
}

} // namespace orrery::init
