// Plain gdb sees the phases too: `info probes` lists every phase of the table, in the kernel or in a program.
#include <array>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "abi/phase.h"

namespace {

using orrery::abi::PhaseWhere;

std::string os_directory()
{
    const char* other = std::getenv("ORRERY_OS_BUILD_DIR");
    return other ? other : ORRERY_OS_BUILD_DIR;
}

// What gdb prints for a file; the list of probes, or its complaint.
std::string probes_of(const std::string& file)
{
    const std::string command
        = "gdb -nx -batch -ex 'info probes stap ^orrery$' '" + os_directory() + "/" + file + "' 2>&1";
    const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
    std::string output;
    std::array<char, 4096> piece;
    while (pipe && fgets(piece.data(), piece.size(), pipe.get())) output += piece.data();
    return output;
}

TEST(GuestProbes, GdbListsEveryPhase)
{
    const std::string kernel = probes_of("kernel.elf");
    const std::string programs = probes_of("programs/demo-ping") + probes_of("programs/demo-pong");
    for (const auto& phase : orrery::abi::phase_table) {
        const std::string name = std::string(" ") + phase.probe_name + " ";
        if (phase.where == PhaseWhere::kernel || phase.where == PhaseWhere::both)
            EXPECT_NE(kernel.find(name), std::string::npos) << phase.step_name << " is not in kernel.elf:\n" << kernel;
        if (phase.where == PhaseWhere::user)
            EXPECT_NE(programs.find(name), std::string::npos) << phase.step_name << " is in no program:\n" << programs;
    }
}

} // namespace
