// Archives and programs that are garbage, cut off or lying: the kernel ends the machine with its panic code and one
// sentence that says what is wrong; it never hangs, faults three times over, or starts them.
#include <fstream>
#include <functional>
#include <gtest/gtest.h>
#include <sstream>

#include "common/elf_image.h"
#include "support/archive.h"
#include "support/guest_run.h"

namespace {

namespace common = orrery::common;
using namespace orrery::guest_test;
using common::ElfProblem;

// os/kernel/boot/panic.h; repeated on purpose: it is a promise to whoever started QEMU.
constexpr unsigned panic_exit_code = 70;

void expect_panic(const std::string& initrd, const std::string& sentence)
{
    const TemporaryFile file(initrd);
    const auto outcome = run_guest({ .program = "", .cpus = 2, .initrd = file.path() });
    ASSERT_TRUE(outcome.has_value()) << outcome.error().sentence;
    EXPECT_EQ(outcome->state, orrery::abi::MachineState::panicked) << *outcome;
    EXPECT_EQ(outcome->exit.guest_code(), panic_exit_code) << *outcome;
    EXPECT_NE(outcome->console.find("@@PANIC " + sentence), std::string::npos) << *outcome;
}

std::string archive_of(const Program& init) { return Archive().add("init", init.bytes()).finish(); }

constexpr const char* no_init = "the initrd holds no program called init, or is no ustar archive";

TEST(HostileInitrd, Garbage)
{
    std::string bytes(64 * 1024, '\0');
    std::uint32_t state = 1;
    for (char& byte : bytes)
        byte = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
    expect_panic(bytes, no_init);
}

TEST(HostileInitrd, OneByte) { expect_panic("x", no_init); }

TEST(HostileInitrd, ArchiveWithoutFiles) { expect_panic(Archive().finish(), no_init); }

TEST(HostileInitrd, ArchiveWithoutInit) { expect_panic(Archive().add("hello", "world").finish(), no_init); }

TEST(HostileInitrd, CutInsideTheHeader) { expect_panic(archive_of({}).substr(0, 300), no_init); }

TEST(HostileInitrd, CutInsideTheProgram) { expect_panic(archive_of({}).substr(0, 512 + 100), no_init); }

TEST(HostileInitrd, SizeBeyondTheArchive)
{
    std::string archive = archive_of({});
    archive.replace(124, 11, "77777777777");
    expect_panic(archive, no_init);
}

TEST(HostileInitrd, NoInitrdAtAll)
{
    auto run = GuestRun {};
    run.initrd.clear();
    const auto outcome = run_guest(run);
    ASSERT_TRUE(outcome.has_value()) << outcome.error().sentence;
    EXPECT_EQ(outcome->exit.guest_code(), panic_exit_code) << *outcome;
    EXPECT_NE(outcome->console.find("@@PANIC there is no initrd"), std::string::npos) << *outcome;
}

// ---- programs ------------------------------------------------------------------------------------------------------

struct BadProgram {
    const char* name;
    ElfProblem problem;
    std::function<void(Program&)> spoil;
};
std::ostream& operator<<(std::ostream& stream, const BadProgram& program) { return stream << program.name; }

class HostileProgram : public testing::TestWithParam<BadProgram> {};

TEST_P(HostileProgram, IsRefusedWithItsSentence)
{
    Program init;
    GetParam().spoil(init);
    expect_panic(archive_of(init), std::string("init cannot be loaded: ") + common::sentence(GetParam().problem));
}

const BadProgram bad_programs[] = {
    { "OtherMagic", ElfProblem::bad_magic, [](Program& program) { program.header.e_ident[0] = 'x'; } },
    { "ThirtyTwoBit", ElfProblem::not_64_bit, [](Program& program) { program.header.e_ident[EI_CLASS] = ELFCLASS32; } },
    { "BigEndian", ElfProblem::not_64_bit, [](Program& program) { program.header.e_ident[EI_DATA] = ELFDATA2MSB; } },
    { "OtherProcessor", ElfProblem::wrong_machine, [](Program& program) { program.header.e_machine = EM_ARM; } },
    { "SharedObject", ElfProblem::not_static, [](Program& program) { program.header.e_type = ET_DYN; } },
    { "HeadersOutsideTheFile", ElfProblem::bad_header_table, [](Program& program) { program.header.e_phoff = 1 << 20; } },
    { "HeadersThatWrap", ElfProblem::bad_header_table, [](Program& program) { program.header.e_phoff = ~0ull - 8; } },
    { "NoSegments", ElfProblem::no_segments, [](Program& program) { program.segments[0].p_type = PT_NULL; } },
    { "ContentsOutsideTheFile", ElfProblem::segment_outside_file,
        [](Program& program) { program.segments[0].p_filesz = program.segments[0].p_memsz = 1 << 20; } },
    { "LargerInFileThanInMemory", ElfProblem::segment_larger_in_file,
        [](Program& program) { program.segments[0].p_memsz = 1; } },
    { "InTheKernelsHalf", ElfProblem::segment_outside_memory,
        [](Program& program) { program.segments[0].p_vaddr = program.header.e_entry = 0xffff'ffff'8020'0000; } },
    { "AtAddressZero", ElfProblem::segment_outside_memory,
        [](Program& program) { program.segments[0].p_vaddr = program.header.e_entry = 0; } },
    { "WritableAndExecutable", ElfProblem::writable_and_executable,
        [](Program& program) { program.segments[0].p_flags = PF_R | PF_W | PF_X; } },
    { "EntryElsewhere", ElfProblem::bad_entry, [](Program& program) { program.header.e_entry = 0x500000; } },
    { "EntryNotCanonical", ElfProblem::bad_entry, [](Program& program) { program.header.e_entry = 0x8000'0000'0000; } },
    { "SegmentsOverlap", ElfProblem::segments_overlap,
        [](Program& program) {
            program.segments.push_back(program.segments[0]);
            program.header.e_phnum = 2;
        } },
    { "TooMuchMemory", ElfProblem::too_large, [](Program& program) { program.segments[0].p_memsz = 1ull << 40; } },
};

INSTANTIATE_TEST_SUITE_P(All, HostileProgram, testing::ValuesIn(bad_programs),
    [](const auto& info) { return std::string(info.param.name); });

TEST(HostileProgram, EmptyFile)
{
    expect_panic(Archive().add("init", "").finish(),
        std::string("init cannot be loaded: ") + common::sentence(ElfProblem::too_short));
}

// ---- programs that init refuses ------------------------------------------------------------------------------------

std::string init_program()
{
    std::stringstream bytes;
    bytes << std::ifstream(guest_directory() / "programs/init", std::ios::binary).rdbuf();
    return bytes.str();
}

// What `init` from the guest's build says of a program in an archive with nothing else.
void expect_refusal(const std::string& file, const std::string& program, int code, const std::string& sentence)
{
    const TemporaryFile archive(Archive().add("init", init_program()).add("garbage", file).finish());
    const auto outcome = run_guest({ .program = program, .cpus = 2, .initrd = archive.path() });
    ASSERT_TRUE(outcome.has_value()) << outcome.error().sentence;
    EXPECT_EQ(outcome->state, orrery::abi::MachineState::ended) << *outcome;
    EXPECT_EQ(outcome->status.code, code) << *outcome;
    EXPECT_NE(outcome->console.find(sentence), std::string::npos) << *outcome;
}

TEST(Init, SaysThatAProgramIsMissing) { expect_refusal("", "nothing", 127, "no program called \"nothing\""); }

TEST(Init, RefusesTextAsAProgram)
{
    expect_refusal("#!/bin/sh\n" + std::string(100, 'x'), "garbage", 126, common::sentence(ElfProblem::bad_magic));
}

TEST(Init, RefusesAProgramThatIsCutOff)
{
    Program program;
    program.segments[0].p_filesz = program.segments[0].p_memsz = 1 << 20;
    expect_refusal(program.bytes(), "garbage", 126, common::sentence(ElfProblem::segment_outside_file));
}

// The machine's status is that of the program: this one is killed by SIGILL at its first instruction.
TEST(Init, HandsOnTheSignalThatEndedTheProgram)
{
    const TemporaryFile archive(Archive().add("init", init_program()).add("ud2", Program().bytes()).finish());
    const auto outcome = run_guest({ .program = "ud2", .cpus = 2, .initrd = archive.path() });
    ASSERT_TRUE(outcome.has_value()) << outcome.error().sentence;
    EXPECT_EQ(outcome->state, orrery::abi::MachineState::ended) << *outcome;
    EXPECT_EQ(outcome->status.signal, 4) << *outcome;
}

} // namespace
