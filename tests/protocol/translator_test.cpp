// The page-table walk over synthetic tables: each page size, each way of being unmapped, and trees that lie.
#include <gtest/gtest.h>
#include <map>

#include "inspector/core/ram/virtual_memory.h"

namespace orrery::inspector::ram {

namespace {
// 8-byte words by address; all other RAM up to 16 MiB is zero.
class WordMemory final : public PhysicalMemory {
public:
    std::map<std::uint64_t, std::uint64_t> words;
    Result<void> read(std::uint64_t address, std::span<std::byte> into) const override
    {
        if (address + into.size() > (16u << 20)) return failure(ErrorCode::unmapped, "no RAM there");
        for (std::size_t i = 0; i < into.size(); ++i) {
            const auto found = words.find((address + i) & ~std::uint64_t { 7 });
            into[i] = static_cast<std::byte>(found == words.end() ? 0 : found->second >> (8 * ((address + i) & 7)));
        }
        return {};
    }
};

constexpr std::uint64_t no_execute = std::uint64_t { 1 } << 63;
constexpr std::uint64_t at(unsigned l4, unsigned l3, unsigned l2, unsigned l1, unsigned offset)
{
    const auto address = (std::uint64_t { l4 } << 39) | (std::uint64_t { l3 } << 30) | (std::uint64_t { l2 } << 21)
        | (std::uint64_t { l1 } << 12) | offset;
    return l4 >= 256 ? address | 0xffff'0000'0000'0000 : address;
}

struct Translator : testing::Test {
    WordMemory memory;
    AddressTranslator translator { memory, 0x1fff }; // flags in the low bits of cr3
    void SetUp() override
    {
        memory.words[0x1000 + 8 * 1] = 0x2000 | 7;
        memory.words[0x1000 + 8 * 511] = 0x2000 | 3;
        memory.words[0x2000 + 8 * 2] = 0x3000 | 7;
        memory.words[0x2000 + 8 * 3] = 0x4000'0000 | 0x83; // 1 GiB
        memory.words[0x3000 + 8 * 4] = 0x4000 | 7;
        memory.words[0x3000 + 8 * 5] = 0x0060'0000 | 0x87 | no_execute; // 2 MiB
        memory.words[0x4000 + 8 * 6] = 0x0012'3000 | 5; // 4 KiB, read-only, user
    }
    std::string problem(std::uint64_t address)
    {
        const auto result = translator.translate(address);
        EXPECT_FALSE(result) << std::hex << address;
        return result ? "mapped" : result.error().sentence;
    }
};
} // namespace

TEST_F(Translator, walks_4_kib_pages_and_shows_every_level)
{
    const auto walk = translator.walk(at(1, 2, 4, 6, 0xabc));
    ASSERT_TRUE(walk) << walk.error().sentence;
    EXPECT_TRUE(walk->mapped);
    EXPECT_EQ(walk->physical_address, 0x123abcu);
    EXPECT_EQ(walk->page_size, 4096u);
    EXPECT_TRUE(walk->user);
    EXPECT_FALSE(walk->writable); // the last level takes it away
    EXPECT_TRUE(walk->executable);
    ASSERT_EQ(walk->level_count, 4u);
    EXPECT_EQ(walk->levels[0].table, 0x1000u);
    EXPECT_EQ(walk->levels[0].index, 1u);
    EXPECT_EQ(walk->levels[3].table, 0x4000u);
    EXPECT_EQ(walk->levels[3].index, 6u);
    EXPECT_EQ(walk->levels[3].entry, 0x123005u);
    EXPECT_EQ(walk->levels[3].level, 1u);
}

TEST_F(Translator, walks_2_mib_pages)
{
    const auto walk = translator.walk(at(1, 2, 5, 1, 0x10));
    ASSERT_TRUE(walk);
    EXPECT_EQ(walk->physical_address, 0x60'1010u);
    EXPECT_EQ(walk->page_size, 2u << 20);
    EXPECT_FALSE(walk->executable);
    EXPECT_TRUE(walk->writable);
    EXPECT_EQ(walk->level_count, 3u);
}

TEST_F(Translator, walks_1_gib_pages_in_the_upper_half)
{
    const auto walk = translator.walk(at(511, 3, 1, 2, 3));
    ASSERT_TRUE(walk);
    EXPECT_EQ(walk->physical_address, 0x4020'2003u);
    EXPECT_EQ(walk->page_size, 1u << 30);
    EXPECT_FALSE(walk->user);
    EXPECT_EQ(walk->level_count, 2u);
}

TEST_F(Translator, the_pat_bit_of_large_pages_is_no_address_bit)
{
    memory.words[0x3000 + 8 * 5] |= 1 << 12;
    EXPECT_EQ(translator.translate(at(1, 2, 5, 0, 0)).value(), 0x60'0000u);
}

TEST_F(Translator, names_the_level_that_is_not_present)
{
    EXPECT_NE(
        problem(at(2, 0, 0, 0, 0)).find("entry 2 of its PML4 at physical 0x1000 is not present"), std::string::npos);
    EXPECT_NE(problem(at(1, 7, 0, 0, 0)).find("entry 7 of its page directory pointer table"), std::string::npos);
    EXPECT_NE(problem(at(1, 2, 9, 0, 0)).find("entry 9 of its page directory at physical 0x3000"), std::string::npos);
    EXPECT_NE(problem(at(1, 2, 4, 5, 0)).find("entry 5 of its page table"), std::string::npos);
    const auto walk = translator.walk(at(1, 2, 9, 0, 0));
    ASSERT_TRUE(walk);
    EXPECT_EQ(walk->level_count, 3u); // as far as the tree goes
    EXPECT_FALSE(walk->mapped);
}

TEST_F(Translator, refuses_reserved_bits)
{
    memory.words[0x1000 + 8 * 3] = 0x2000 | 7 | 0x80; // a PML4 entry can't be a page
    EXPECT_NE(problem(at(3, 2, 4, 6, 0)).find("reserved bits set (0x80)"), std::string::npos);
    memory.words[0x3000 + 8 * 5] |= 1 << 13;
    EXPECT_NE(problem(at(1, 2, 5, 0, 0)).find("reserved bits set (0x2000)"), std::string::npos);
    memory.words[0x2000 + 8 * 3] |= 1 << 29;
    EXPECT_NE(problem(at(1, 3, 5, 0, 0)).find("reserved bits"), std::string::npos);
    memory.words[0x4000 + 8 * 6] |= std::uint64_t { 1 } << 45; // beyond 40 physical bits
    EXPECT_NE(problem(at(1, 2, 4, 6, 0)).find("reserved bits"), std::string::npos);
    EXPECT_EQ(AddressTranslator(memory, 0x1000, 48).translate(at(1, 2, 4, 6, 0)).value(), 0x2000'0012'3000u);
}

TEST_F(Translator, refuses_addresses_that_are_not_canonical)
{
    EXPECT_NE(problem(0x0000'8000'0000'0000).find("not canonical"), std::string::npos);
    EXPECT_NE(problem(0xfffe'8000'0000'0000).find("not canonical"), std::string::npos);
    EXPECT_EQ(translator.walk(0x0000'8000'0000'0000)->level_count, 0u);
}

TEST_F(Translator, a_table_outside_ram_is_an_error_of_its_own)
{
    memory.words[0x3000 + 8 * 4] = 0x20'0000'0000 | 7;
    const auto walk = translator.walk(at(1, 2, 4, 6, 0));
    ASSERT_FALSE(walk);
    EXPECT_NE(walk.error().sentence.find("the page table of virtual address"), std::string::npos)
        << walk.error().sentence;
    EXPECT_FALSE(AddressTranslator(memory, 0x7'ffff'f000).walk(0));
}

TEST_F(Translator, a_table_that_maps_itself_is_no_trap)
{
    memory.words[0x1000 + 8 * 510] = 0x1000 | 3;
    EXPECT_EQ(translator.translate(at(510, 510, 510, 510, 8)).value(), 0x1008u);
}

TEST_F(Translator, reads_across_pages_that_lie_apart)
{
    memory.words[0x4000 + 8 * 7] = 0x0050'0000 | 5;
    memory.words[0x12'3ff8] = 0x1111'1111'1111'1111;
    memory.words[0x50'0000] = 0x2222'2222'2222'2222;
    const AddressSpace space(memory, 0x1000);
    EXPECT_EQ(space.value<std::uint64_t>(at(1, 2, 4, 6, 0xffc)), 0x2222'2222'1111'1111u);
    std::byte bytes[4096 + 16];
    const auto done = space.read_bytes(at(1, 2, 4, 7, 8), bytes);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, ErrorCode::unmapped);
    EXPECT_FALSE(space.read(0xffff'ffff'ffff'fff8, bytes)); // would wrap around to 0
}

} // namespace orrery::inspector::ram
