// The shared mapping: bounds, the hole below 4 GiB, and files that are not what they are said to be.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <numeric>
#include <sys/mman.h>
#include <unistd.h>

#include "inspector/core/ram/shared_memory.h"

namespace orrery::inspector::ram {

namespace {
constexpr std::uint64_t mebibyte = 1 << 20, gibibyte = 1 << 30;

Descriptor file_of(std::uint64_t size)
{
    Descriptor file { ::memfd_create("test", MFD_CLOEXEC) };
    EXPECT_EQ(::ftruncate(file.get(), static_cast<off_t>(size)), 0);
    return file;
}
void put(const Descriptor& file, std::uint64_t offset, std::uint64_t value)
{
    EXPECT_EQ(::pwrite(file.get(), &value, sizeof value, static_cast<off_t>(offset)), 8);
}
} // namespace

TEST(SharedMemory, reads_what_the_other_side_writes_at_once)
{
    const auto file = file_of(mebibyte);
    const auto memory = SharedMemory::map(file, mebibyte);
    ASSERT_TRUE(memory) << memory.error().sentence;
    EXPECT_EQ((*memory)->value<std::uint64_t>(0x1000).value(), 0u);
    put(file, 0x1000, 0x1122334455667788);
    EXPECT_EQ((*memory)->value<std::uint64_t>(0x1000).value(), 0x1122334455667788u);
    EXPECT_EQ((*memory)->value<std::uint8_t>(0x1007).value(), 0x11u);
    EXPECT_EQ((*memory)->physical_size(), mebibyte);
}

TEST(SharedMemory, copies_every_length_at_every_alignment)
{
    const auto file = file_of(mebibyte);
    std::vector<std::byte> pattern(64);
    for (std::size_t i = 0; i < pattern.size(); ++i)
        pattern[i] = static_cast<std::byte>(i + 1);
    ASSERT_EQ(::pwrite(file.get(), pattern.data(), pattern.size(), 0), 64);
    const auto memory = SharedMemory::map(file, mebibyte);
    ASSERT_TRUE(memory);
    for (std::size_t from = 0; from < 24; ++from)
        for (std::size_t size = 0; from + size <= 48; ++size) {
            std::vector<std::byte> bytes(size);
            ASSERT_TRUE((*memory)->read(from, bytes));
            ASSERT_TRUE(std::equal(bytes.begin(), bytes.end(), pattern.begin() + static_cast<long>(from)))
                << from << "+" << size;
        }
}

TEST(SharedMemory, refuses_what_is_outside)
{
    const auto memory = SharedMemory::map(file_of(mebibyte), mebibyte);
    ASSERT_TRUE(memory);
    std::byte bytes[16];
    for (const std::uint64_t address : { mebibyte, mebibyte - 15, std::uint64_t { 0xfee0'0000 }, 4 * gibibyte,
             std::uint64_t { 0xffff'ffff'ffff'fff8 }, std::uint64_t { 0xffff'ffff'ffff'ffff } }) {
        const auto done = (*memory)->read(address, bytes);
        ASSERT_FALSE(done) << address;
        EXPECT_EQ(done.error().code, ErrorCode::unmapped);
        EXPECT_TRUE((*memory)->view(address, 16).empty());
        EXPECT_FALSE((*memory)->read_physical(address, bytes));
    }
    EXPECT_TRUE((*memory)->read(mebibyte - 16, bytes));
    EXPECT_TRUE((*memory)->view(0, ~std::uint64_t { 0 }).empty());
}

TEST(SharedMemory, large_memory_has_a_hole_and_goes_on_above_4_gib)
{
    // q35: 2 GiB below if RAM is 2.75 GiB or more (checked against a real QEMU in qemu_session_test).
    EXPECT_EQ(RamSplit::for_q35(2 * gibibyte).above_4g, 0u);
    EXPECT_EQ(RamSplit::for_q35(0xb000'0000 - mebibyte).above_4g, 0u);
    EXPECT_EQ(RamSplit::for_q35(0xb000'0000).below_4g, 2 * gibibyte);
    const auto file = file_of(3 * gibibyte); // sparse
    put(file, 2 * gibibyte - 8, 1);
    put(file, 2 * gibibyte, 2);
    put(file, 3 * gibibyte - 8, 3);
    const auto memory = SharedMemory::map(file, 3 * gibibyte);
    ASSERT_TRUE(memory) << memory.error().sentence;
    const auto word = [&](std::uint64_t address) { return (*memory)->value<std::uint64_t>(address); };
    EXPECT_EQ(word(2 * gibibyte - 8).value(), 1u);
    EXPECT_EQ(word(4 * gibibyte).value(), 2u);
    EXPECT_EQ(word(5 * gibibyte - 8).value(), 3u);
    EXPECT_FALSE(word(2 * gibibyte));
    EXPECT_FALSE(word(2 * gibibyte - 4)); // crosses into the hole
    EXPECT_FALSE(word(4 * gibibyte - 4));
    EXPECT_FALSE(word(5 * gibibyte - 4));
    EXPECT_EQ((*memory)->physical_size(), 5 * gibibyte);
}

TEST(SharedMemory, refuses_a_file_that_is_too_short_or_missing)
{
    const auto small = SharedMemory::map(file_of(mebibyte), 2 * mebibyte); // a read would be SIGBUS
    ASSERT_FALSE(small);
    EXPECT_NE(small.error().sentence.find("not the file of this guest"), std::string::npos);
    EXPECT_FALSE(SharedMemory::map(std::filesystem::path("/nonexistent/ram"), mebibyte));
    EXPECT_FALSE(SharedMemory::map(file_of(0), 0));
}

} // namespace orrery::inspector::ram
