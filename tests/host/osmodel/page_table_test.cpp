// Page tables and memory objects as a picture keeps them, from guests that are sound and from guests that lie.
#include <cstddef>
#include <gmock/gmock.h>

#include "abi/startup.h"
#include "inspector/core/osmodel/explain_address.h"
#include "synthetic_guest.h"

namespace orrery::inspector {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string space_type = "orrery::kernel::AddressSpace";
const std::string mapping_type = "orrery::kernel::Mapping";
const std::string object_type = "orrery::kernel::MemoryObject";
constexpr std::uint64_t no_execute = std::uint64_t { 1 } << 63;
constexpr std::uint64_t page = abi::page_size;

// One space with a read-write mapping of sixteen pages at 0x7000'0000, of which an object of sixteen pages is seen.
class PageTables : public testing::Test {
protected:
    static constexpr std::uint64_t begin = 0x7000'0000;
    SyntheticGuest guest { GUEST_PATH };
    std::uint64_t space = 0, root = 0, object = 0, leaf = 0, frames = 0;

    PageTables()
    {
        guest.describe(1);
        space = guest.add_space(1, "ping");
        root = guest.root_of(space);
        frames = SyntheticGuest::direct_map + guest.allocate_pages(32);
        guest.set(guest.address_of("orrery::kernel::frame_allocator"), "orrery::kernel::FrameAllocator", "frames_", frames);
        object = guest.make(object_type);
        guest.set(object, object_type, "number", 12);
        guest.set_enumerator(object, object_type, "kind", "memory");
        guest.set(object, object_type, "size_", 16 * page);
        leaf = SyntheticGuest::direct_map + guest.allocate_pages();
        guest.set(object, object_type, "slots_.root_", leaf);
        const auto mapping = guest.make(mapping_type);
        guest.set(mapping, mapping_type, "begin", begin);
        guest.set(mapping, mapping_type, "end", begin + 16 * page);
        guest.set(mapping, mapping_type, "protection", abi::protection_read | abi::protection_write);
        guest.set(mapping, mapping_type, "object", object);
        guest.set(space, space_type, "mappings_", mapping);
        guest.set(space, space_type, "mapping_count_", 1);
    }
    // Gives the object's page a frame; physical address.
    std::uint64_t own(unsigned number, unsigned flags = 0)
    {
        const auto physical = guest.allocate_pages();
        guest.put(leaf + number * 8, (frames + physical / page * guest.size_of("orrery::kernel::Frame")) | flags);
        return physical;
    }
    // The same, and enters it in the tables.
    std::uint64_t present(unsigned number, std::uint64_t bits = 7, unsigned flags = 0)
    {
        const auto physical = own(number, flags);
        guest.set_entry(root, begin + number * page, physical | bits | no_execute);
        return physical;
    }
    SnapshotPointer take() { return guest.reader().take(Freshness::stopped); }
    AddressView at(std::uint64_t address)
    {
        const auto snapshot = take();
        return explain_address(*snapshot, snapshot->spaces.at(0), address);
    }
    std::uint64_t table_of(unsigned level) // that the walk of `begin` goes through
    {
        const auto walk = walk_page_tables(take()->spaces.at(0), begin);
        return walk.levels.at(4 - level).table;
    }
};

TEST_F(PageTables, AreKeptWholeAndWalkedLater)
{
    const auto physical = present(3);
    const auto snapshot = take();
    EXPECT_THAT(snapshot->problems, IsEmpty());
    const auto& view = snapshot->spaces.at(0);
    EXPECT_THAT(view.page_tables.oddities, IsEmpty());
    EXPECT_EQ(view.page_tables.tables.size(), 4u);
    for (unsigned level = 1; level <= 4; ++level) EXPECT_EQ(view.page_tables.tables_at_level[level], 1u) << level;
    guest.put(SyntheticGuest::direct_map + root, std::uint64_t { 0 }); // the guest goes on; the picture stays
    const auto walk = walk_page_tables(view, begin + 3 * page + 0x123);
    ASSERT_TRUE(walk.mapped) << walk.problem;
    EXPECT_EQ(walk.physical_address, physical + 0x123);
    EXPECT_EQ(walk.level_count, 4u);
    EXPECT_TRUE(walk.writable && walk.user && !walk.executable);
    EXPECT_FALSE(walk_page_tables(view, begin + 4 * page).mapped);
}

TEST_F(PageTables, PresentPagesAreCountedByMapping)
{
    present(0);
    present(3, 5); // not writable
    const auto stray = guest.allocate_pages();
    guest.map(root, 0x1234'5000, stray, true);
    const auto snapshot = take();
    const auto presence = presence_of(snapshot->spaces.at(0));
    ASSERT_EQ(presence.mappings.size(), 1u);
    EXPECT_EQ(presence.mappings[0].pages, 16u);
    EXPECT_EQ(presence.mappings[0].present, 2u);
    EXPECT_EQ(presence.mappings[0].writable, 1u);
    EXPECT_EQ(presence.present, 3u);
    EXPECT_EQ(presence.stray, 1u);
    EXPECT_THAT(presence_by_parts(snapshot->spaces[0], snapshot->spaces[0].mappings[0], 8), testing::ElementsAre(1, 1, 0, 0, 0, 0, 0, 0));
    EXPECT_THAT(presence_by_parts(snapshot->spaces[0], { .begin = 8, .end = ~std::uint64_t { 0 } }, 8), IsEmpty());
    EXPECT_EQ(presence.tables, 6u) << "both addresses share the two upper levels";
}

TEST_F(PageTables, ObjectsTellWhatBecameOfTheirPages)
{
    const auto frame = own(1, abi::slot_shared | abi::slot_pinned);
    guest.put(leaf + 2 * 8, std::uint64_t { abi::slot_discarded });
    guest.put(leaf + 4 * 8, frames - 64); // before the first frame
    guest.put(leaf + 5 * 8, std::uint64_t { abi::slot_clean }); // a flag without a frame
    const auto snapshot = take();
    ASSERT_EQ(snapshot->memory_objects.size(), 1u);
    const auto& view = snapshot->memory_objects[0];
    EXPECT_EQ(snapshot->memory_object(object), &view);
    EXPECT_EQ(view.label, "memory 12");
    EXPECT_TRUE(view.page(0).untouched());
    EXPECT_EQ(view.page(page + 7).frame, frame);
    EXPECT_TRUE(view.page(page).has(abi::slot_shared) && view.page(page).has(abi::slot_pinned));
    EXPECT_TRUE(view.page(2 * page).has(abi::slot_discarded));
    EXPECT_FALSE(view.page(2 * page).untouched());
    EXPECT_FALSE(view.page(4 * page).sound);
    EXPECT_FALSE(view.page(5 * page).sound);
    EXPECT_FALSE(view.page(16 * page).known) << "beyond its end";
}

TEST_F(PageTables, AnAddressIsExplainedFromMappingObjectAndTables)
{
    present(0);
    own(2);
    EXPECT_THAT(at(begin).sentence, HasSubstr("is mapped read-write (memory 12 at offset 0x0), and its page is there"));
    EXPECT_EQ(at(begin + page + 4).sentence,
              "0x70001004 is mapped read-write (memory 12 at offset 0x1004), but its page was never touched: the level-1 table "
              "(page table) has no entry for it, so the first access faults and the kernel makes a zeroed page");
    EXPECT_THAT(at(begin + 2 * page).sentence, HasSubstr("and its page exists at physical"));
    EXPECT_THAT(at(0x1000'0000).sentence, HasSubstr("is not mapped in space 1 (ping): the first mapping begins at 0x70000000"));
    for (const auto& view : { at(begin), at(begin + page), at(begin + 2 * page) }) EXPECT_THAT(view.contradictions, IsEmpty());
}

TEST_F(PageTables, ACircleOfTablesEnds)
{
    present(0);
    const auto second = table_of(2);
    // The last level leads back up: every entry of the page table is the directory above it.
    guest.put(SyntheticGuest::direct_map + second + 5 * 8, root | 7);
    guest.put(SyntheticGuest::direct_map + root + 255 * 8, root | 7);
    const auto snapshot = take();
    const auto& view = snapshot->spaces.at(0);
    EXPECT_THAT(view.page_tables.oddities, Contains(HasSubstr("the tables run in a circle")));
    EXPECT_LE(view.page_tables.tables.size(), 1024u);
    EXPECT_GT(presence_of(view).stray, 0u);
    const auto walk = walk_page_tables(view, std::uint64_t { 255 } << 39 | std::uint64_t { 255 } << 30);
    EXPECT_LE(walk.level_count, 4u);
}

// 512 entries at each of four levels that all lead to the next table: a naive count would take 2^36 steps.
TEST_F(PageTables, ATreeThatSharesItsTablesIsCountedAtOnce)
{
    std::uint64_t tables[4] = { root, guest.allocate_pages(), guest.allocate_pages(), guest.allocate_pages() };
    const auto data = guest.allocate_pages();
    for (unsigned level = 0; level < 4; ++level)
        for (unsigned i = 0; i < 512; ++i)
            guest.put(SyntheticGuest::direct_map + tables[level] + i * 8, (level < 3 ? tables[level + 1] : data) | 7);
    const auto snapshot = take();
    const auto& view = snapshot->spaces.at(0);
    EXPECT_EQ(view.page_tables.tables.size(), 4u);
    EXPECT_THAT(view.page_tables.oddities, Contains(HasSubstr("is used for more than one range")));
    EXPECT_EQ(presence_of(view).present, std::uint64_t { 1 } << 35) << "the whole user half";
    EXPECT_THAT(explain_address(*snapshot, view, begin).contradictions, Contains(HasSubstr("the tables allow to write and to execute")));
}

TEST_F(PageTables, EntriesBeyondRamAreTold)
{
    present(0);
    const auto first = table_of(1);
    guest.put(SyntheticGuest::direct_map + first + 8, (SyntheticGuest::memory_size + 0x1000) | 7 | no_execute);
    EXPECT_THAT(at(begin + page).contradictions, Contains(HasSubstr("beyond the RAM, which ends at 0x800000")));
    guest.put(SyntheticGuest::direct_map + first + 8, std::uint64_t { 7 } | std::uint64_t { 1 } << 45);
    EXPECT_THAT(at(begin + page).contradictions, Contains(HasSubstr("has reserved bits set")));
    const auto second = table_of(2);
    guest.put(SyntheticGuest::direct_map + second + (begin >> 21 & 511) * 8, (SyntheticGuest::memory_size + 0x1000) | 7);
    const auto snapshot = take();
    EXPECT_THAT(snapshot->spaces.at(0).page_tables.oddities, Contains(HasSubstr("lies outside of RAM")));
    const auto view = explain_address(*snapshot, snapshot->spaces.at(0), begin);
    EXPECT_EQ(view.walk.level_count, 3u) << "what could be read is shown";
    EXPECT_THAT(view.contradictions, Contains(HasSubstr("lies outside of RAM")));
    guest.set(space, space_type, "page_table_.root_", ~std::uint64_t { 0 });
    EXPECT_THAT(at(begin).contradictions, Contains(HasSubstr("can't be read")));
}

TEST_F(PageTables, MoreTablesThanAPictureTakesAreLeftOut)
{
    // The synthetic guest has not the memory for a thousand tables: they overlap the kernel's image instead, which is as
    // good as any bytes.
    const auto third = guest.allocate_pages(), second = guest.allocate_pages(2);
    guest.put(SyntheticGuest::direct_map + root, third | 7);
    for (unsigned i = 0; i < 2; ++i) {
        guest.put(SyntheticGuest::direct_map + third + i * 8, (second + i * page) | 7);
        for (unsigned j = 0; j < 512; ++j)
            guest.put(SyntheticGuest::direct_map + second + i * page + j * 8, (i * 512 + j) * page | 7);
    }
    const auto snapshot = take();
    EXPECT_FALSE(snapshot->spaces.at(0).page_tables.complete);
    EXPECT_EQ(snapshot->spaces.at(0).page_tables.tables.size(), 1024u);
}

TEST_F(PageTables, PagersAndRegistersAreKnown)
{
    EXPECT_FALSE(take()->memory_objects.at(0).paged);
    guest.set(object, object_type, "pager_", SyntheticGuest::direct_map + 0x1000);
    EXPECT_TRUE(take()->memory_objects.at(0).paged);
    EXPECT_THAT(at(begin).sentence, HasSubstr("its page is with a pager"));
    guest.set(object, object_type, "registers_", 0xfebd'0000);
    guest.set(object, object_type, "holes_[1].begin", page);
    guest.set(object, object_type, "holes_[1].end", 2 * page);
    const auto snapshot = take();
    EXPECT_EQ(snapshot->memory_objects.at(0).page(2 * page).frame, 0xfebd'2000u);
    EXPECT_EQ(snapshot->memory_objects[0].page(page).frame, 0u);
    EXPECT_TRUE(snapshot->memory_objects[0].page(page).device);
}

TEST_F(PageTables, ALargeObjectIsATreeOfWhatWasTouched)
{
    guest.set(object, object_type, "size_", std::uint64_t { 1 } << 40); // 2^28 pages: four levels
    guest.set(object, object_type, "slots_.top_level_", 3);
    const auto node = [&] { return SyntheticGuest::direct_map + guest.allocate_pages(); };
    const std::uint64_t nodes[] = { node(), node(), node() };
    guest.set(object, object_type, "slots_.root_", nodes[0]);
    guest.put(nodes[0] + 1 * 8, nodes[1]);
    guest.put(nodes[1] + 2 * 8, nodes[2]);
    guest.put(nodes[2] + 3 * 8, leaf);
    const auto frame = own(4);
    const auto snapshot = take();
    const auto& view = snapshot->memory_objects.at(0);
    EXPECT_TRUE(view.complete) << view.problem;
    ASSERT_EQ(view.leaves.size(), 1u);
    const auto number = ((1ull * 512 + 2) * 512 + 3) * 512 + 4;
    EXPECT_EQ(view.page(number * page).frame, frame);
    EXPECT_TRUE(view.page((number + 1) * page).untouched());
    EXPECT_TRUE(view.page(0).untouched());
}

TEST_F(PageTables, AnObjectThatLiesIsTold)
{
    guest.set(object, object_type, "slots_.top_level_", 9);
    EXPECT_THAT(take()->memory_objects.at(0).problem, HasSubstr("the pages of memory 12 can't be read"));
    EXPECT_THAT(at(begin).sentence, HasSubstr("the kernel looks up what the object holds"));
    guest.set(object, object_type, "slots_.top_level_", 0);
    guest.set(object, object_type, "slots_.root_", 0x1000);
    EXPECT_THAT(take()->memory_objects.at(0).problem, HasSubstr("the pages of memory 12 can't be read"));
    // Every node leads to the same one, at every level: 2^36 leaves for who believes it.
    guest.set(object, object_type, "size_", std::uint64_t { 1 } << 46);
    guest.set(object, object_type, "slots_.top_level_", 3);
    guest.set(object, object_type, "slots_.root_", leaf);
    for (unsigned i = 0; i < 512; ++i) guest.put(leaf + i * 8, leaf);
    const auto snapshot = take();
    EXPECT_FALSE(snapshot->memory_objects.at(0).complete);
    EXPECT_LE(snapshot->memory_objects[0].leaves.size(), 1024u);
    EXPECT_FALSE(snapshot->memory_objects[0].page(std::uint64_t { 1 } << 45).known);
}

} // namespace
} // namespace orrery::inspector
