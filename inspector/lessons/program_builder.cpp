// The compiler and linker commands of a guest program, run bounded.
#include "inspector/lessons/program_builder.h"

#include "inspector/core/text.h"
#include "inspector/lessons/compose.h"
#include "inspector/lessons/lesson_files.h"

namespace orrery::inspector::lessons {

namespace fs = std::filesystem;

namespace {

constexpr const char* target = "--target=x86_64-unknown-none-elf";
constexpr std::size_t output_limit = 4000; // bytes of the compiler's words that a student gets

// The compiler's words without the machine's folders, cut at a line.
std::string said(const CommandOutcome& outcome, const fs::path& directory)
{
    std::string text = outcome.output;
    const auto prefix = directory.string() + "/";
    for (auto at = text.find(prefix); at != std::string::npos; at = text.find(prefix, at))
        text.erase(at, prefix.size());
    if (text.size() > output_limit) text = text.substr(0, text.rfind('\n', output_limit)) + "\n... (cut)";
    return text;
}

std::string problem_of(const CommandOutcome& outcome, const fs::path& directory, std::string_view what)
{
    if (outcome.timed_out) return compose("the program does not {}: the compiler did not come to an end in time", what);
    if (outcome.signal != 0)
        return compose("the program does not {}: the compiler was ended by signal {}", what, outcome.signal);
    return compose("the program does not {}:\n{}", what, said(outcome, directory));
}

} // namespace

std::vector<std::string> GuestProgramBuilder::compile_command(const fs::path& source, const fs::path& object) const
{
    const bool is_cpp = source.extension() == ".cpp";
    std::vector<std::string> command { compiler_, target, "-c", "-g", "-O1", "-fno-pic", "-fno-stack-protector",
        "-fno-asynchronous-unwind-tables", "-ffunction-sections", "-fdata-sections", "-ftls-model=local-exec",
        "-fno-color-diagnostics", "-fno-inline-functions", "-Wall", "-D_GNU_SOURCE", "-nostdlibinc" };
    const auto system = [&](const fs::path& folder) {
        command.push_back("-isystem");
        command.push_back(folder.string());
    };
    if (is_cpp) {
        for (const auto* option :
            { "-std=c++23", "-fno-exceptions", "-fno-rtti", "-fno-threadsafe-statics", "-nostdinc++" })
            command.emplace_back(option);
        system(source_tree_ / "os/sdk/libcxx");
        system("/usr/lib/llvm-19/include/c++/v1");
    } else {
        command.emplace_back("-std=gnu17");
    }
    system(source_tree_ / "os/posix/include");
    system(os_build_ / "include");
    system(os_build_ / "newlib/include");
    // libc++ wants newlib's types before its own headers.
    if (is_cpp) command.insert(command.end(), { "-include", "stdio.h" });
    command.insert(command.end(), { "-o", object.string(), source.string() });
    return command;
}

// Where the compiler keeps what it calls without being asked (128-bit division and the like).
Result<std::string> GuestProgramBuilder::support_library() const
{
    auto outcome = run_bounded(
        { compiler_, "--target=x86_64-pc-linux-gnu", "-print-libgcc-file-name", "--rtlib=compiler-rt" }, "/");
    if (!outcome) return std::unexpected(outcome.error());
    auto path = outcome->output;
    while (!path.empty() && (path.back() == '\n' || path.back() == '\r'))
        path.pop_back();
    std::error_code ignored;
    if (!fs::exists(path, ignored))
        return failure("the compiler's support library is missing: install the package libclang-rt-19-dev");
    return path;
}

Result<std::vector<std::string>> GuestProgramBuilder::link_command(
    const std::vector<fs::path>& objects, const fs::path& executable) const
{
    const auto support = support_library();
    if (!support) return std::unexpected(support.error());
    // At an address of its own: a breakpoint at a phase of this program must not be met in every other program, which
    // all lie at the linker's default. The linker's driver takes bare x86-64 for a system without a linker of its own,
    // so lld is named outright.
    std::vector<std::string> command { "ld.lld-19", "-static", "--no-pie", "-z", "max-page-size=4096", "-z", "norelro",
        "-z", "separate-code", "--gc-sections", "--image-base=0x10000000", "--build-id=none", "-e", "_start", "-o",
        executable.string() };
    for (const auto& object : objects)
        command.push_back(object.string());
    for (const auto& library : { os_build_ / "posix/liborrery_posix.a", os_build_ / "newlib/lib/libc.a",
             os_build_ / "newlib/lib/libm.a", fs::path(*support) })
        command.push_back(library.string());
    return command;
}

CommandLimits GuestProgramBuilder::limits_for(const fs::path& sources, const fs::path& output) const
{
    CommandLimits limits;
    limits.files = Confinement {
        .readable = { "/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache", "/etc/alternatives", source_tree_ / "os",
            os_build_, sources },
        .writable = { output, "/dev/null" },
    };
    return limits;
}

Result<BuiltProgram> GuestProgramBuilder::build(
    const fs::path& directory, const std::vector<std::string>& sources, const std::string& name, const fs::path& output)
{
    std::error_code problem;
    for (const auto* needed : { "posix/liborrery_posix.a", "newlib/lib/libc.a" })
        if (!fs::exists(os_build_ / needed, problem))
            return failure(compose("the guest's runtime is not built ({} is missing): run ./orrery build",
                printable((os_build_ / needed).string())));
    fs::create_directories(output, problem);
    if (problem) return failure(compose("can't make the folder {}: {}", printable(output.string()), problem.message()));
    const auto limits = limits_for(directory, output);
    std::vector<fs::path> objects;
    for (const auto& source : sources) {
        auto path = file_inside(directory, source);
        if (!path)
            return BuiltProgram { .executable = {}, .problem = compose("the submission: {}", path.error().sentence) };
        if (const auto text = read_text_file(*path); !text)
            return BuiltProgram { .executable = {}, .problem = compose("the submission: {}", text.error().sentence) };
        if (source.ends_with(".h")) continue;
        objects.push_back(output / (source + ".o"));
        auto outcome = run_bounded(compile_command(*path, objects.back()), output, limits);
        if (!outcome) return std::unexpected(outcome.error());
        if (!outcome->succeeded())
            return BuiltProgram { .executable = {}, .problem = problem_of(*outcome, path->parent_path(), "compile") };
    }
    BuiltProgram built { .executable = output / name, .problem = {} };
    const auto command = link_command(objects, built.executable);
    if (!command) return std::unexpected(command.error());
    auto outcome = run_bounded(*command, output, limits);
    if (!outcome) return std::unexpected(outcome.error());
    if (!outcome->succeeded())
        return BuiltProgram { .executable = {}, .problem = problem_of(*outcome, output, "link") };
    return built;
}

} // namespace orrery::inspector::lessons
