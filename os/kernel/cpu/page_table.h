// x86-64 page tables (Intel SDM volume 3 chapter 4): four levels, 4 KiB user pages, large pages for the kernel's maps.
#pragma once

#include <cstdint>

#include "kernel/base/error.h"
#include "kernel/memory/account.h"
#include "kernel/memory/layout.h"

namespace orrery::kernel {

struct PageRights {
    bool write = false;
    bool execute = false;
    bool user = false;
    bool uncached = false;
};

// Tables that are in the tree no more, but may still be walked until every TLB has forgotten them. Chained through
// their first entries, which is no change to who walks them: no address of a table has the bit that makes an entry
// present.
struct DetachedTables {
    PhysicalAddress first = 0;
};

// One tree of tables. Not locked: the owner (an address space, or the kernel at boot) orders its changes.
class PageTable {
public:
    // A new tree whose upper half is the kernel's. Tables are charged to the account, which outlives the tree; null: to
    // nobody. limit_reached, out_of_memory.
    static Result<PageTable> create(MemoryAccount* account);
    explicit constexpr PageTable(PhysicalAddress root, MemoryAccount* account = nullptr) : root_(root), account_(account) {}

    PhysicalAddress root() const { return root_; }
    // Maps one 4 KiB page, replacing what was there. limit_reached or out_of_memory if a table cannot be made.
    Status map(VirtualAddress address, PhysicalAddress target, PageRights rights);
    // Change what is mapped in [begin, end); ranges without tables are skipped, so the cost follows what exists. The
    // caller makes TLBs forget.
    void unmap(VirtualAddress begin, VirtualAddress end);
    void restrict(VirtualAddress begin, VirtualAddress end, PageRights rights); // takes rights away, never gives any
    // The page that was mapped at `address`; the caller makes TLBs forget it.
    PhysicalAddress remove(VirtualAddress address);
    // A number with bit 0 clear, kept in the entry of a page that is not mapped: the processor does not look at it
    // (Intel SDM volume 3 section 4.5, entries that are not present). 0 until one is set. out_of_memory, limit_reached.
    Status set_note(VirtualAddress address, std::uint64_t note);
    std::uint64_t note(VirtualAddress address); // of a page that had a note set
    // Takes the tables out that have to do with [begin, end) and with nothing outside of [floor, ceiling), where
    // nothing is mapped. The caller makes TLBs forget [begin, end), and then frees them.
    DetachedTables detach(VirtualAddress begin, VirtualAddress end, VirtualAddress floor, VirtualAddress ceiling);
    void free(DetachedTables tables);
    // Frees all tables (not the pages that they map).
    void destroy();

private:
    struct Range {
        VirtualAddress begin, end;
    };
    Result<std::uint64_t*> make_entry(VirtualAddress address);
    static void detach_below(PhysicalAddress table, unsigned level, VirtualAddress base, const Range& range, const Range& hole,
        DetachedTables& tables);
    void free_table(PhysicalAddress table);
    void free_tables(PhysicalAddress table, unsigned level, unsigned count);
    template <typename Visit>
    void for_each_present(VirtualAddress begin, VirtualAddress end, Visit visit);
    PhysicalAddress root_;
    MemoryAccount* account_;
};

// Builds the kernel's own tables (kernel image with exact rights, direct map up to `physical_end`) and loads them.
void initialize_kernel_page_table(PhysicalAddress physical_end);
PhysicalAddress kernel_page_table_root();
// Uncached access to one page of device registers; the mapping stays for ever.
void* map_device_page(PhysicalAddress address);
// Makes every CPU forget a part of the kernel's half; the change of the tables comes first.
void shoot_down_kernel(VirtualAddress begin, VirtualAddress end);
// A kernel stack of kernel_stack_size bytes with an unmapped page below; returns its top, 0 if memory is out.
inline constexpr std::uint64_t kernel_stack_size = 4 * page_size;
VirtualAddress allocate_kernel_stack();
void free_kernel_stack(VirtualAddress top); // no lock may be held: other CPUs may have to forget it

} // namespace orrery::kernel
