// The kernel's command line, as far as init reads it: run=PROGRAM[,ARGUMENT...].
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string_view>

namespace orrery::init {

// What to run. The texts live in the object.
class RunRequest {
public:
    static constexpr std::size_t max_arguments = 32; // with the program's name
    static constexpr std::size_t max_text = 1024;

    // Reads the last run= word of the line, or takes `otherwise` if there is none. An empty name, more arguments or
    // more text than there is room for: problem() says so and arguments() is empty.
    RunRequest(std::string_view line, std::string_view otherwise);
    RunRequest(const RunRequest&) = delete;
    RunRequest& operator=(const RunRequest&) = delete;

    const char* problem() const { return problem_; }
    std::span<const char* const> arguments() const { return std::span(arguments_).first(count_); }
    const char* program() const { return arguments_[0]; }

private:
    std::array<char, max_text> text_ {};
    std::array<const char*, max_arguments> arguments_ {};
    std::size_t count_ = 0;
    const char* problem_ = nullptr;
};

} // namespace orrery::init
