// Page tables: walking, making and freeing them, and the kernel half that all trees share.
#include "kernel/cpu/page_table.h"

#include <cstring>

#include "kernel/base/spinlock.h"
#include "kernel/boot/panic.h"
#include "kernel/cpu/machine.h"
#include "kernel/memory/frame_allocator.h"

namespace orrery::kernel {
namespace {

    constexpr std::uint64_t entry_present = 1u << 0;
    constexpr std::uint64_t entry_write = 1u << 1;
    constexpr std::uint64_t entry_user = 1u << 2;
    constexpr std::uint64_t entry_uncached = 1u << 3 | 1u << 4;
    constexpr std::uint64_t entry_large = 1u << 7;
    constexpr std::uint64_t entry_global = 1u << 8;
    constexpr std::uint64_t entry_no_execute = std::uint64_t { 1 } << 63;
    constexpr std::uint64_t entry_address = 0x000f'ffff'ffff'f000;
    constexpr unsigned entries_per_table = 512;

    PageTable kernel_table { 0 };
    Spinlock kernel_table_lock { LockRank::page_table };
    VirtualAddress next_stack GUARDED_BY(kernel_table_lock) = kernel_stack_area;
    VirtualAddress next_stack_page GUARDED_BY(kernel_table_lock) = kernel_stack_area + page_size;
    VirtualAddress free_stacks GUARDED_BY(kernel_table_lock) = 0; // linked through the stacks' lowest words
    VirtualAddress next_device GUARDED_BY(kernel_table_lock) = device_area;

    std::uint64_t* table_at(PhysicalAddress address) { return static_cast<std::uint64_t*>(to_virtual(address)); }

    constexpr unsigned index_at(VirtualAddress address, unsigned level) { return address >> (12 + 9 * level) & 511; }

    std::uint64_t bits(PageRights rights)
    {
        return entry_present | (rights.write ? entry_write : 0) | (rights.user ? entry_user : entry_global)
            | (rights.execute ? 0 : entry_no_execute) | (rights.uncached ? entry_uncached : 0);
    }

    void free_table(PhysicalAddress address) { frame_allocator.release(frame_allocator.frame_at(address)); }

    // level: of the table whose entries are walked; 0 = the last.
    void free_tables(PhysicalAddress table, unsigned level, unsigned first, unsigned last)
    {
        for (unsigned index = first; level > 0 && index < last; ++index) {
            const std::uint64_t entry = table_at(table)[index];
            if (!(entry & entry_present) || (entry & entry_large)) continue;
            free_tables(entry & entry_address, level - 1, 0, entries_per_table);
            free_table(entry & entry_address);
            table_at(table)[index] = 0;
        }
    }

} // namespace

std::uint64_t* PageTable::make_entry(VirtualAddress address)
{
    std::uint64_t* table = table_at(root_);
    for (unsigned level = 3; level > 0; --level) {
        std::uint64_t& slot = table[index_at(address, level)];
        if (!(slot & entry_present)) {
            Frame* frame = frame_allocator.allocate_zeroed();
            if (!frame) return nullptr;
            // The last level decides: the tables above grant everything but user access to the kernel half.
            slot = frame_allocator.address_of(frame) | entry_present | entry_write
                | (address < direct_map_base ? entry_user : 0);
        }
        table = table_at(slot & entry_address);
    }
    return &table[index_at(address, 0)];
}

Result<PageTable> PageTable::create()
{
    Frame* frame = frame_allocator.allocate_zeroed();
    if (!frame) return fail(Error::out_of_memory);
    PageTable table(frame_allocator.address_of(frame));
    std::memcpy(table_at(table.root_) + 256, table_at(kernel_table.root()) + 256, 256 * sizeof(std::uint64_t));
    return table;
}

Status PageTable::map(VirtualAddress address, PhysicalAddress target, PageRights rights)
{
    std::uint64_t* slot = make_entry(address);
    if (!slot) return fail(Error::out_of_memory);
    *slot = target | bits(rights);
    return {};
}

template <typename Visit>
void PageTable::for_each_present(VirtualAddress begin, VirtualAddress end, Visit visit)
{
    for (VirtualAddress address = begin; address < end;) {
        std::uint64_t* table = table_at(root_);
        unsigned level = 3;
        while (level > 0 && (table[index_at(address, level)] & entry_present)) {
            table = table_at(table[index_at(address, level)] & entry_address);
            --level;
        }
        if (level > 0) { // nothing below this entry: go to the next one
            const std::uint64_t span = std::uint64_t { page_size } << (9 * level);
            address = round_down(address, span) + span;
            continue;
        }
        std::uint64_t& slot = table[index_at(address, 0)];
        if (slot & entry_present) visit(slot);
        address += page_size;
    }
}

void PageTable::unmap(VirtualAddress begin, VirtualAddress end)
{
    for_each_present(begin, end, [](std::uint64_t& slot) { slot = 0; });
}

void PageTable::restrict(VirtualAddress begin, VirtualAddress end, PageRights rights)
{
    const std::uint64_t take = rights.write ? 0 : entry_write;
    const std::uint64_t add = rights.execute ? 0 : entry_no_execute;
    for_each_present(begin, end, [&](std::uint64_t& slot) { slot = (slot & ~take) | add; });
}

void PageTable::destroy_user_half() { free_tables(root_, 3, 0, 256); }

void PageTable::destroy()
{
    destroy_user_half();
    free_table(root_);
    root_ = 0;
}

extern "C" char kernel_text_begin[], kernel_text_end[], kernel_rodata_begin[], kernel_rodata_end[];
extern "C" char kernel_data_begin[], kernel_data_end[];

namespace {

    void map_kernel_range(const char* begin, const char* end, PageRights rights)
    {
        for (auto address = reinterpret_cast<VirtualAddress>(begin); address < reinterpret_cast<VirtualAddress>(end);
             address += page_size)
            if (!kernel_table.map(address, address - kernel_image_base, rights)) panic("no memory for page tables");
    }

    void map_direct(PhysicalAddress physical_end)
    {
        std::uint64_t* root = table_at(kernel_table.root());
        for (PhysicalAddress address = 0; address < physical_end; address += std::uint64_t { 2 } << 20) {
            const VirtualAddress virtual_address = direct_map_base + address;
            std::uint64_t* table = root;
            for (unsigned level = 3; level > 1; --level) {
                std::uint64_t& slot = table[index_at(virtual_address, level)];
                if (!(slot & entry_present)) {
                    Frame* frame = frame_allocator.allocate_zeroed();
                    if (!frame) panic("no memory for page tables");
                    slot = frame_allocator.address_of(frame) | entry_present | entry_write;
                }
                table = table_at(slot & entry_address);
            }
            table[index_at(virtual_address, 1)] = address | bits({ .write = true }) | entry_large;
        }
    }

} // namespace

void initialize_kernel_page_table(PhysicalAddress physical_end)
{
    Frame* root = frame_allocator.allocate_zeroed();
    if (!root) panic("no memory for page tables");
    kernel_table = PageTable(frame_allocator.address_of(root));
    map_direct(physical_end);
    map_kernel_range(kernel_text_begin, kernel_text_end, { .execute = true });
    map_kernel_range(kernel_rodata_begin, kernel_rodata_end, {});
    map_kernel_range(kernel_data_begin, kernel_data_end, { .write = true });
    // Every later tree copies the upper half's root entries, so each must exist before the first copy is made.
    for (VirtualAddress area : { kernel_stack_area, device_area }) {
        Frame* frame = frame_allocator.allocate_zeroed();
        if (!frame) panic("no memory for page tables");
        table_at(kernel_table.root())[index_at(area, 3)]
            = frame_allocator.address_of(frame) | entry_present | entry_write;
    }
    write_cr3(kernel_table.root());
}

PhysicalAddress kernel_page_table_root() { return kernel_table.root(); }

void* map_device_page(PhysicalAddress address)
{
    Guard guard(kernel_table_lock);
    const VirtualAddress place = next_device;
    next_device += page_size;
    if (!kernel_table.map(place, round_down(address, page_size), { .write = true, .uncached = true }))
        panic("no memory for a device mapping");
    return reinterpret_cast<void*>(place + address % page_size);
}

VirtualAddress allocate_kernel_stack()
{
    Guard guard(kernel_table_lock);
    if (free_stacks) {
        const VirtualAddress top = free_stacks;
        free_stacks = *reinterpret_cast<VirtualAddress*>(top - sizeof(VirtualAddress));
        return top;
    }
    // Pages that a failed attempt has mapped stay for the next one.
    const VirtualAddress end = next_stack + page_size + kernel_stack_size;
    for (; next_stack_page < end; next_stack_page += page_size) {
        Frame* frame = frame_allocator.allocate();
        if (!frame) return 0;
        if (!kernel_table.map(next_stack_page, frame_allocator.address_of(frame), { .write = true })) {
            frame_allocator.release(frame);
            return 0;
        }
    }
    next_stack = end;
    next_stack_page = end + page_size;
    return end;
}

// Stacks are kept for the next thread and never unmapped, so that no TLB of another CPU has to forget them.
void free_kernel_stack(VirtualAddress top)
{
    Guard guard(kernel_table_lock);
    *reinterpret_cast<VirtualAddress*>(top - sizeof(VirtualAddress)) = free_stacks;
    free_stacks = top;
}

} // namespace orrery::kernel
