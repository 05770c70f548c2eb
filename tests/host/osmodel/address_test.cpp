// What an address is, in sentences: every reason why an access works, faults, copies or raises a signal.
#include <gmock/gmock.h>

#include "inspector/core/osmodel/explain_address.h"
#include "inspector/core/osmodel/render.h"
#include "kept_tables.h"

namespace orrery::inspector {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr std::uint64_t page = abi::page_size;
constexpr std::uint64_t data = 0x40'3000, code = 0x40'0000, guard = 0x50'0000;
constexpr std::uint64_t object_address = 0xffff'8000'0010'0000, code_address = 0xffff'8000'0010'1000;

class Addresses : public testing::Test {
protected:
    Snapshot snapshot;

    Addresses()
    {
        snapshot.physical_end = 128 << 20;
        SpaceView space;
        space.id = 2;
        space.name = "ping";
        space.cr3 = 0x1000'000;
        const auto read_write = abi::protection_read | abi::protection_write;
        space.mappings = { { code, code + 2 * page, 0, abi::protection_read | abi::protection_execute, "memory 7", code_address },
            { data, data + 8 * page, 0, read_write, "memory 8", object_address },
            { guard, guard + page, 0, abi::protection_none, "memory 8", object_address } };
        snapshot.spaces.push_back(std::move(space));
        add_object(snapshot, object_address, 8, 8);
        add_object(snapshot, code_address, 7, 2).leaves[0].pages[0].frame = 0x20'0000;
        enter_page(space_view(), code, 0x20'0000 | 0x25); // present, user, accessed
    }
    SpaceView& space_view() { return snapshot.spaces[0]; }
    ObjectPage& slot(unsigned number) { return snapshot.memory_objects[0].leaves[0].pages[number]; }
    AddressView at(std::uint64_t address) { return explain_address(snapshot, space_view(), address); }
    std::string read(std::uint64_t address) { return at(address).accesses[0].sentence; }
    std::string write(std::uint64_t address) { return at(address).accesses[1].sentence; }
    std::string execute(std::uint64_t address) { return at(address).accesses[2].sentence; }
};

TEST_F(Addresses, APageThatWasNeverTouched)
{
    EXPECT_EQ(at(data).sentence, "0x403000 is mapped read-write (memory 8 at offset 0x0), but its page was never touched: the "
                                 "level-1 table (page table) has no entry for it, so the first access faults and the kernel makes "
                                 "a zeroed page");
    EXPECT_EQ(write(data), "a write faults once: the kernel makes a zeroed page and enters it; if memory or the limit of whoever pays for it is used up, "
                           "SIGBUS (BUS_ADRERR) is raised instead");
    EXPECT_EQ(at(data).accesses[1].outcome, AccessOutcome::faults_and_works);
    EXPECT_EQ(execute(data), "an execution raises SIGSEGV (SEGV_ACCERR), because the mapping gives no right to execute (W^X: what "
                             "can be written is never executed)");
}

TEST_F(Addresses, APageThatIsThere)
{
    EXPECT_EQ(at(code + 0x123).sentence,
              "0x400123 is mapped read-execute (memory 7 at offset 0x123), and its page is there: the tables lead to physical 0x200123");
    EXPECT_EQ(read(code), "a read works, without the kernel: every level allows it");
    EXPECT_EQ(execute(code), "an execution works, without the kernel: every level allows it");
    EXPECT_EQ(write(code), "a write raises SIGSEGV (SEGV_ACCERR), because the mapping gives no right to write (W^X: what can be "
                           "executed is never written)");
    EXPECT_EQ(at(code).accesses[1].outcome, AccessOutcome::raises);
    EXPECT_THAT(at(code).contradictions, IsEmpty());
}

TEST_F(Addresses, APageThatTheObjectHasAndTheTablesDoNot)
{
    slot(1).frame = 0x30'0000;
    EXPECT_THAT(at(data + page).sentence, HasSubstr("and its page exists at physical 0x300000, but the level-1 table"));
    EXPECT_EQ(read(data + page), "a read faults once: the kernel enters the page that the object has");
}

TEST_F(Addresses, ASharedPageIsCopiedByAWrite)
{
    slot(0) = { 0x30'0000, abi::slot_shared };
    enter_page(space_view(), data, 0x30'0000 | 0x25 | no_execute_bit);
    EXPECT_THAT(at(data).sentence, HasSubstr("its page is there: the tables lead to physical 0x300000; it is marked copy-on-write"));
    EXPECT_THAT(write(data), HasSubstr("a write faults and copies: the page is shared copy-on-write"));
    EXPECT_EQ(at(data).accesses[1].outcome, AccessOutcome::copies);
    EXPECT_THAT(read(data), HasSubstr("works, without the kernel"));
    EXPECT_THAT(at(data).contradictions, IsEmpty());
    enter_page(space_view(), data, 0x30'0000 | 0x27 | no_execute_bit);
    EXPECT_THAT(at(data).contradictions, Contains(HasSubstr("allow writing to a page that is shared copy-on-write")));
}

TEST_F(Addresses, CleanDroppedAndRenewedPages)
{
    slot(0) = { 0x30'0000, abi::slot_clean };
    enter_page(space_view(), data, 0x30'0000 | 0x25 | no_execute_bit);
    EXPECT_EQ(write(data), "a write faults once: the page is clean, and the kernel notes that it is not any more");
    slot(0) = { 0x30'0000, 0 };
    EXPECT_EQ(write(data), "a write faults once: the entry is older than the mapping's right, and the kernel renews it");
    slot(1) = { 0, abi::slot_discarded };
    EXPECT_THAT(at(data + page).sentence, HasSubstr("was dropped when memory was short"));
    EXPECT_EQ(read(data + page), "a read raises SIGBUS (BUS_OBJERR), because the page was dropped and the program has not restored it");
}

TEST_F(Addresses, APagerBringsPages)
{
    snapshot.memory_objects[0].paged = true;
    EXPECT_THAT(at(data).sentence, HasSubstr("but its page is with a pager: the level-1 table"));
    EXPECT_EQ(read(data), "a read faults and waits until the pager has brought the page; if it has none, SIGBUS is raised");
    slot(0) = { 0x30'0000, abi::slot_clean | abi::slot_writing };
    enter_page(space_view(), data, 0x30'0000 | 0x25 | no_execute_bit);
    EXPECT_THAT(at(data).sentence, HasSubstr("its pager is writing it back"));
    EXPECT_THAT(write(data), HasSubstr("the page is clean"));
}

TEST_F(Addresses, RegistersOfADevice)
{
    auto& object = snapshot.memory_objects[0];
    object.registers = 0xfebd'0000;
    object.holes = { { page, 2 * page } };
    EXPECT_THAT(at(data).sentence, HasSubstr(": these are a device's registers at physical 0xfebd0000"));
    EXPECT_THAT(at(data + page).sentence, HasSubstr("the kernel keeps this part of them for itself"));
    EXPECT_THAT(read(data + page), HasSubstr("SEGV_ACCERR"));
    enter_page(space_view(), data, 0xfebd'0000 | 0x3f | no_execute_bit);
    EXPECT_THAT(at(data).contradictions, IsEmpty()) << "beyond the RAM, and rightly so";
    EXPECT_THAT(at(data).sentence, HasSubstr("it is a register of a device, and no memory"));
}

TEST_F(Addresses, NothingIsMapped)
{
    EXPECT_EQ(at(0x40'2000).sentence, "0x402000 is not mapped in space 2 (ping): it lies between the mapping that ends at 0x402000 and "
                                      "the one that begins at 0x403000");
    EXPECT_EQ(read(0x40'2000), "a read raises SIGSEGV (SEGV_MAPERR), because nothing is mapped there");
    EXPECT_THAT(at(0x7f00'0000'0000).sentence, HasSubstr("the last mapping ends at 0x501000"));
    EXPECT_EQ(at(0x10).sentence,
              "0x10 is not mapped and never will be: the first 64 KiB stay empty, so that a null pointer faults");
    EXPECT_EQ(read(0x10), "a read raises SIGSEGV (SEGV_MAPERR), because no program can map anything there");
    EXPECT_THAT(at(0xffff'8000'0000'0000).sentence, HasSubstr("belongs to the kernel's half"));
    EXPECT_THAT(read(0xffff'8000'0000'0000), HasSubstr("SEGV_MAPERR"));
    EXPECT_THAT(at(std::uint64_t { 1 } << 50).sentence, HasSubstr("is no address: bits 63 to 47 differ"));
    EXPECT_THAT(read(std::uint64_t { 1 } << 50), HasSubstr("SIGSEGV (SI_KERNEL, without an address)"));
    space_view().mappings.clear();
    EXPECT_THAT(at(data).sentence, HasSubstr("nothing is mapped there at all"));
    space_view().ended = true;
    EXPECT_THAT(at(data).sentence, HasSubstr("is not mapped any more: space 2 (ping) has ended"));
}

TEST_F(Addresses, AGuardPage)
{
    EXPECT_EQ(at(guard).sentence, "0x500000 is mapped without any right (memory 8 at offset 0x0): every access raises SIGSEGV "
                                  "(SEGV_ACCERR), whatever the page holds");
    for (const auto& access : at(guard).accesses) EXPECT_THAT(access.sentence, HasSubstr("SEGV_ACCERR")) << access.sentence;
}

TEST_F(Addresses, ReadingCantBeForbiddenByAnEntry)
{
    space_view().mappings[0].protection = abi::protection_execute;
    EXPECT_THAT(read(code), HasSubstr("entries have no bit against reading"));
    EXPECT_THAT(at(code).contradictions, IsEmpty());
}

TEST_F(Addresses, ContradictionsAreTold)
{
    enter_page(space_view(), data + page, 0x30'0000 | 0x27 | no_execute_bit);
    EXPECT_THAT(at(data + page).contradictions, Contains(HasSubstr("and the memory object has no page there")));
    slot(1).frame = 0x31'0000;
    EXPECT_THAT(at(data + page).contradictions, Contains(HasSubstr("and the memory object has the page at 0x310000")));
    slot(1).sound = false;
    EXPECT_THAT(at(data + page).contradictions, Contains(HasSubstr("points at no frame")));
    enter_page(space_view(), code, 0x20'0000 | 0x27);
    EXPECT_THAT(at(code).contradictions, testing::IsSupersetOf({ HasSubstr("to write and to execute"), HasSubstr("allow writing, and the mapping does not") }));
    enter_page(space_view(), data + 2 * page, 0x32'0000 | 0x3);
    slot(2).frame = 0x32'0000;
    EXPECT_THAT(at(data + 2 * page).contradictions, testing::IsSupersetOf({ HasSubstr("keep programs out"), HasSubstr("allow execution, and the mapping does not") }));
    enter_page(space_view(), 0x60'0000, 0x33'0000 | 0x27 | no_execute_bit);
    EXPECT_THAT(at(0x60'0000).contradictions, Contains("the tables have a page where nothing is mapped"));
    EXPECT_THAT(read(0x60'0000), HasSubstr("works, although nothing is mapped"));
}

TEST_F(Addresses, BitsHaveNames)
{
    ram::PageTableLevel level;
    level.level = 1;
    EXPECT_EQ(entry_bits_text(level), "empty");
    level.entry = 0x30'0000 | 0x67 | no_execute_bit;
    EXPECT_EQ(entry_bits_text(level), "present, write, user, no execute, accessed, dirty");
    level.entry = 0x6;
    EXPECT_EQ(entry_bits_text(level), "not present, write, user");
    level.level = 2;
    level.entry = 0x81 | 1 << 4;
    EXPECT_EQ(entry_bits_text(level), "present, large page, uncached");
}

TEST_F(Addresses, AreRenderedForOneSpaceOrAll)
{
    snapshot.spaces.push_back({ .id = 3, .name = "pong" });
    snapshot.spaces.push_back({ .id = 4, .name = "gone", .ended = true });
    const auto all = render_address(snapshot, code);
    EXPECT_THAT(all, HasSubstr("space 2 (ping)\n  0x400000 is mapped read-execute"));
    EXPECT_THAT(all, HasSubstr("    level 1  table "));
    EXPECT_THAT(all, HasSubstr("    physical 0x200000 in a page of 4 KiB\n"));
    EXPECT_THAT(all, HasSubstr("space 3 (pong)\n"));
    EXPECT_THAT(all, Not(HasSubstr("gone")));
    EXPECT_THAT(render_address(snapshot, code, 3), Not(HasSubstr("ping")));
    EXPECT_EQ(render_address(snapshot, code, 9), "there is no space 9\n");
    const auto document = address_json(snapshot, code, 2);
    ASSERT_EQ(document["spaces"].size(), 1u);
    const auto& space = document["spaces"][0];
    EXPECT_EQ(space["physical"], "0x200000");
    EXPECT_EQ(space["walk"].size(), 4u);
    EXPECT_EQ(space["walk"][3]["entry"], "0x200025");
    EXPECT_EQ(space["walk"][3]["leads_to"], "0x200000");
    EXPECT_EQ(space["mapping"]["object"], "memory 7");
    EXPECT_EQ(space["accesses"][1]["outcome"], "raises a signal");
    EXPECT_TRUE(address_json(snapshot, 0x40'2000, 2)["spaces"][0].contains("problem"));
}

} // namespace
} // namespace orrery::inspector
