// Makes a guest program of a student's sources.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "inspector/core/result.h"
#include "inspector/lessons/bounded_command.h"

namespace orrery::inspector::lessons {

struct BuiltProgram {
    std::filesystem::path executable; // with DWARF; empty if it does not compile
    std::string problem; // what the compiler said, if it does not compile
};

class ProgramBuilder {
public:
    virtual ~ProgramBuilder() = default;
    // Compiles and links `sources` of `directory` into the new folder `output`. A program that does not compile is a
    // value, not an error. Error: there is no compiler or no runtime to build with.
    virtual Result<BuiltProgram> build(const std::filesystem::path& directory, const std::vector<std::string>& sources,
        const std::string& name, const std::filesystem::path& output) = 0;
};

// clang for bare x86-64 with the project's POSIX runtime, as os/posix/CMakeLists.txt builds the programs of the initrd.
class GuestProgramBuilder final : public ProgramBuilder {
public:
    // `source_tree`: the project's root; `os_build`: where the guest was built (newlib, headers, runtime).
    GuestProgramBuilder(
        std::filesystem::path source_tree, std::filesystem::path os_build, std::string compiler = "clang-19")
        : source_tree_(std::move(source_tree))
        , os_build_(std::move(os_build))
        , compiler_(std::move(compiler))
    {
    }
    Result<BuiltProgram> build(const std::filesystem::path& directory, const std::vector<std::string>& sources,
        const std::string& name, const std::filesystem::path& output) override;

private:
    std::vector<std::string> compile_command(
        const std::filesystem::path& source, const std::filesystem::path& object) const;
    Result<std::vector<std::string>> link_command(
        const std::vector<std::filesystem::path>& objects, const std::filesystem::path& executable) const;
    Result<std::string> support_library() const;
    // What compiler and linker may touch: a hand-in can name any file in #include and .incbin.
    CommandLimits limits_for(const std::filesystem::path& sources, const std::filesystem::path& output) const;

    std::filesystem::path source_tree_, os_build_;
    std::string compiler_;
};

} // namespace orrery::inspector::lessons
