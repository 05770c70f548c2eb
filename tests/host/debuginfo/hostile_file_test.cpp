// Files that are missing, damaged or of another kind: one sentence each, and never a crash.
#include <gmock/gmock.h>
#include <random>
#include <sys/stat.h>

#include "subject.h"

namespace orrery::inspector {
namespace {

using testing::HasSubstr;

class HostileFile : public testing::Test {
protected:
    ~HostileFile() override { std::filesystem::remove(path_); }
    std::string path_ = testing::TempDir() + "orrery-hostile-" + std::to_string(getpid()) + ".elf";
    void write(const std::vector<char>& contents)
    {
        std::ofstream stream(path_, std::ios::binary);
        stream.write(contents.data(), static_cast<std::streamsize>(contents.size()));
    }
    std::string problem()
    {
        const auto loaded = DebugInfo::load(path_);
        return loaded ? "" : loaded.error().sentence;
    }
    // Uses everything that the file offers, so that a bad offset would be followed.
    void use()
    {
        const auto loaded = DebugInfo::load(path_);
        if (!loaded) {
            EXPECT_NE(loaded.error().sentence, "");
            return;
        }
        const auto& info = **loaded;
        (void)info.structure("subject::Outer");
        (void)info.enumeration("subject::Colour");
        (void)info.variable("subject::outer");
        (void)info.addresses_of("subject.cpp", 30);
        (void)info.describe(info.entry());
        RegisterFile registers;
        registers.general[static_cast<unsigned>(abi::SavedRegister::rip)] = info.entry() + 1;
        const ElfImage memory(SUBJECT_PATH);
        (void)info.unwind_step(registers, memory, true);
    }
};

TEST_F(HostileFile, Missing) { EXPECT_EQ(problem(), "there is no file " + path_); }

TEST_F(HostileFile, ADirectory)
{
    EXPECT_THAT(DebugInfo::load(testing::TempDir()).error().sentence, HasSubstr("is not a file"));
}

TEST_F(HostileFile, Empty)
{
    write({});
    EXPECT_EQ(problem(), path_ + " is not an ELF file");
}

TEST_F(HostileFile, Garbage)
{
    write(std::vector<char>(4096, 'x'));
    EXPECT_EQ(problem(), path_ + " is not an ELF file");
}

TEST_F(HostileFile, OnlyTheMagic)
{
    std::vector<char> contents(64, '\xff');
    std::memcpy(contents.data(), ELFMAG, SELFMAG);
    write(contents);
    EXPECT_THAT(problem(), HasSubstr("is a damaged ELF file"));
}

TEST_F(HostileFile, AnotherMachine)
{
    auto contents = file_contents(SUBJECT_PATH);
    contents[18] = EM_386; // e_machine
    write(contents);
    EXPECT_EQ(problem(), path_ + " is not a 64-bit x86 program");
}

TEST_F(HostileFile, WithoutSections)
{
    auto contents = file_contents(SUBJECT_PATH);
    std::memset(contents.data() + 40, 0, 8); // e_shoff
    std::memset(contents.data() + 58, 0, 6); // e_shentsize, e_shnum, e_shstrndx
    write(contents);
    const auto loaded = DebugInfo::load(path_);
    ASSERT_TRUE(loaded) << loaded.error().sentence;
    EXPECT_THAT((*loaded)->dwarf_problem(), HasSubstr("has no debug information; build it with -g"));
    EXPECT_THAT((*loaded)->structure("x").error().sentence, HasSubstr("has no debug information"));
    EXPECT_FALSE((*loaded)->symbol_at((*loaded)->entry()));
}

TEST_F(HostileFile, CutAtEveryPlace)
{
    const auto whole = file_contents(SUBJECT_PATH);
    for (std::size_t length = 0; length < whole.size(); length += 97) {
        write({ whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length) });
        use();
    }
}

TEST_F(HostileFile, RandomDamage)
{
    const auto whole = file_contents(SUBJECT_PATH);
    std::mt19937 random(2026); // a fixed seed, so that a failure comes back
    for (int round = 0; round < 400; ++round) {
        auto contents = whole;
        for (int i = 0; i < 8; ++i) contents[EI_NIDENT + random() % (contents.size() - EI_NIDENT)] = static_cast<char>(random());
        write(contents);
        SCOPED_TRACE(round);
        use();
    }
}

} // namespace
} // namespace orrery::inspector
