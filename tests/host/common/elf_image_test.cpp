// parse_elf: a sound file gives the right plan, and each way of being unsound gives its own problem.
#include "common/elf_image.h"

#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <set>
#include <string>
#include <vector>

namespace orrery {
namespace {

using common::ElfProblem;

// A program of three segments and thread-local data, as bytes that can be spoilt field by field.
class File {
public:
    static constexpr std::uint64_t text_address = 0x201000, data_address = 0x203000;

    File()
        : bytes_(0x3000)
    {
        const unsigned char ident[] = { 0x7f, 'E', 'L', 'F', 2, 1, 1 };
        std::memcpy(bytes_.data(), ident, sizeof ident);
        header(16, 2, std::uint16_t { 2 }); // ET_EXEC
        header(18, 2, std::uint16_t { 62 });
        header(20, 4, std::uint32_t { 1 });
        header(24, 8, text_address + 0x10);
        header(32, 8, std::uint64_t { 64 });
        header(54, 2, std::uint16_t { 56 });
        header(56, 2, std::uint16_t { 4 });
        segment(0, 1, 4, 0, 0x200000, 0x400, 0x400);
        segment(1, 1, 5, 0x1000, text_address, 0x800, 0x800);
        segment(2, 1, 6, 0x2000, data_address, 0x100, 0x5000);
        segment(3, 7, 4, 0x2000, data_address, 0x20, 0x48);
        field(3, 48, std::uint64_t { 16 });
    }

    template <typename T>
    void header(std::size_t offset, std::size_t size, T value)
    {
        std::memcpy(bytes_.data() + offset, &value, size);
    }
    // A 64-bit field of program header `index`.
    void field(unsigned index, std::size_t offset, std::uint64_t value)
    {
        std::memcpy(bytes_.data() + 64 + index * 56 + offset, &value, sizeof value);
    }
    void segment(unsigned index, std::uint32_t type, std::uint32_t flags, std::uint64_t offset, std::uint64_t address,
        std::uint64_t file_size, std::uint64_t memory_size)
    {
        field(index, 0, type | std::uint64_t { flags } << 32);
        field(index, 8, offset);
        field(index, 16, address);
        field(index, 32, file_size);
        field(index, 40, memory_size);
    }
    void resize(std::size_t size) { bytes_.resize(size); }
    std::vector<std::byte>& bytes() { return bytes_; }
    auto parse() const { return common::parse_elf(bytes_); }

private:
    std::vector<std::byte> bytes_;
};

TEST(ElfImage, SoundFileGivesThePlan)
{
    const auto image = File().parse();
    ASSERT_TRUE(image.has_value()) << common::sentence(image.error());
    EXPECT_EQ(image->entry, File::text_address + 0x10);
    ASSERT_EQ(image->segment_count, 3u);
    EXPECT_EQ(image->segments()[1].protection, abi::protection_read | abi::protection_execute);
    EXPECT_EQ(image->segments()[2].protection, abi::protection_read | abi::protection_write);
    EXPECT_EQ(image->segments()[2].memory_size, 0x5000u);
    EXPECT_EQ(image->segments()[2].end_page(), File::data_address + 0x5000);
    EXPECT_EQ(image->program_headers, 0x200000u + 64);
    EXPECT_EQ(image->program_header_count, 4u);
    ASSERT_TRUE(image->thread_storage.has_value());
    EXPECT_EQ(image->thread_storage->memory_size, 0x48u);
    EXPECT_EQ(image->thread_storage->alignment, 16u);
}

struct Fault {
    const char* name;
    ElfProblem problem;
    std::function<void(File&)> spoil;
};

class UnsoundElf : public testing::TestWithParam<Fault> { };

TEST_P(UnsoundElf, IsRefusedWithItsOwnProblem)
{
    File file;
    GetParam().spoil(file);
    const auto image = file.parse();
    ASSERT_FALSE(image.has_value());
    EXPECT_EQ(image.error(), GetParam().problem) << common::sentence(image.error());
    EXPECT_GT(std::string(common::sentence(image.error())).size(), 10u);
}

constexpr std::uint64_t huge = ~std::uint64_t { 0 } - 0xfff;

const Fault faults[] = {
    { "Empty", ElfProblem::too_short, [](File& f) { f.resize(0); } },
    // Memory of its own, so that reading beyond it is seen.
    { "ThreeBytes", ElfProblem::too_short, [](File& f) { f.bytes() = std::vector<std::byte>(3); } },
    { "CutInTheHeader", ElfProblem::too_short, [](File& f) { f.resize(63); } },
    { "OtherMagic", ElfProblem::bad_magic, [](File& f) { f.header(0, 1, 'M'); } },
    { "Bits32", ElfProblem::not_64_bit, [](File& f) { f.header(4, 1, char { 1 }); } },
    { "BigEndian", ElfProblem::not_64_bit, [](File& f) { f.header(5, 1, char { 2 }); } },
    { "OtherVersion", ElfProblem::bad_version, [](File& f) { f.header(20, 4, 2u); } },
    { "OtherMachine", ElfProblem::wrong_machine, [](File& f) { f.header(18, 2, std::uint16_t { 183 }); } },
    { "SharedObject", ElfProblem::not_static, [](File& f) { f.header(16, 2, std::uint16_t { 3 }); } },
    { "Interpreter", ElfProblem::needs_interpreter, [](File& f) { f.segment(3, 3, 4, 0, 0, 1, 1); } },
    { "TableBehindTheEnd", ElfProblem::bad_header_table, [](File& f) { f.header(32, 8, std::uint64_t { 0x2ff0 }); } },
    { "TableWrapsAround", ElfProblem::bad_header_table, [](File& f) { f.header(32, 8, huge); } },
    { "OddHeaderSize", ElfProblem::bad_header_table, [](File& f) { f.header(54, 2, std::uint16_t { 57 }); } },
    { "NothingToLoad", ElfProblem::no_segments, [](File& f) { f.header(56, 2, std::uint16_t { 0 }); } },
    { "ContentsBehindTheEnd", ElfProblem::segment_outside_file,
        [](File& f) { f.segment(2, 1, 6, 0x2000, File::data_address, 0x1001, 0x5000); } },
    { "OffsetWrapsAround", ElfProblem::segment_outside_file,
        [](File& f) { f.segment(2, 1, 6, huge, File::data_address, 0x2000, 0x5000); } },
    { "LargerInTheFile", ElfProblem::segment_larger_in_file,
        [](File& f) { f.segment(2, 1, 6, 0x2000, File::data_address, 0x100, 0xff); } },
    { "Misaligned", ElfProblem::segment_misaligned,
        [](File& f) { f.segment(2, 1, 6, 0x2001, File::data_address, 0x10, 0x10); } },
    { "AddressZero", ElfProblem::segment_outside_memory, [](File& f) { f.segment(0, 1, 4, 0, 0, 0x10, 0x10); } },
    { "KernelAddress", ElfProblem::segment_outside_memory,
        [](File& f) { f.segment(2, 1, 6, 0x2000, 0xffff'ffff'8000'0000, 0x10, 0x10); } },
    { "EndWrapsAround", ElfProblem::segment_outside_memory,
        [](File& f) { f.segment(2, 1, 6, 0x2000, File::data_address, 0x10, huge); } },
    { "TouchesTheLastPage", ElfProblem::segment_outside_memory,
        [](File& f) { f.segment(2, 1, 6, 0x2000, abi::user_end - 0x1000, 0x10, 0x1001); } },
    { "Overlap", ElfProblem::segments_overlap,
        [](File& f) { f.segment(2, 1, 6, 0x1800, File::text_address + 0x800, 0x10, 0x10); } },
    { "Descending", ElfProblem::segments_overlap, [](File& f) { f.segment(2, 1, 6, 0x2000, 0x100000, 0x10, 0x10); } },
    { "WritableCode", ElfProblem::writable_and_executable,
        [](File& f) { f.segment(1, 1, 7, 0x1000, File::text_address, 0x800, 0x800); } },
    { "EntryInData", ElfProblem::bad_entry, [](File& f) { f.header(24, 8, File::data_address); } },
    { "EntryBehindTheCode", ElfProblem::bad_entry, [](File& f) { f.header(24, 8, File::text_address + 0x800); } },
    { "ThreadImageNotLoaded", ElfProblem::bad_thread_storage, [](File& f) { f.field(3, 16, 0x400000); } },
    { "ThreadImageLargerInTheFile", ElfProblem::bad_thread_storage, [](File& f) { f.field(3, 40, 0x10); } },
    { "TwoThreadSegments", ElfProblem::bad_thread_storage,
        [](File& f) { f.segment(0, 7, 4, 0x2000, File::data_address, 0x20, 0x48); } },
    { "ThreadAlignmentOdd", ElfProblem::bad_thread_storage, [](File& f) { f.field(3, 48, 24); } },
    { "ThreadAlignmentAboveAPage", ElfProblem::bad_thread_storage, [](File& f) { f.field(3, 48, 8192); } },
    { "TooLarge", ElfProblem::too_large,
        [](File& f) { f.segment(2, 1, 6, 0x2000, File::data_address, 0x10, common::elf_max_memory + 1); } },
    { "TooManySegments", ElfProblem::too_many_segments,
        [](File& f) {
            f.header(56, 2, std::uint16_t { 12 });
            for (unsigned i = 3; i < 12; i++)
                f.segment(i, 1, 4, 0x2000, 0x400000 + i * 0x10000, 0, 0x10);
        } },
};

INSTANTIATE_TEST_SUITE_P(Each, UnsoundElf, testing::ValuesIn(faults), [](const auto& test) { return test.param.name; });

// Every problem of the table is reached above: none is only there on paper.
TEST(ElfImage, EveryProblemIsTested)
{
    std::set<ElfProblem> reached;
    for (const Fault& fault : faults)
        reached.insert(fault.problem);
    std::size_t count = 0;
#define X(name, sentence)                                                                                              \
    count++;                                                                                                           \
    EXPECT_TRUE(reached.contains(ElfProblem::name)) << #name;
    ORRERY_ELF_PROBLEMS(X)
#undef X
    EXPECT_EQ(reached.size(), count);
}

// A file that lies at an odd address, and one that ends right behind its last header.
TEST(ElfImage, NeedsNoAlignment)
{
    File file;
    std::vector<std::byte> shifted(file.bytes().size() + 1);
    std::memcpy(shifted.data() + 1, file.bytes().data(), file.bytes().size());
    EXPECT_TRUE(common::parse_elf(std::span(shifted).subspan(1)).has_value());
}

} // namespace
} // namespace orrery
