// The kernel half that all page tables share: image, direct map, device registers, kernel stacks.
#include "kernel/base/spinlock.h"
#include "kernel/boot/panic.h"
#include "kernel/cpu/machine.h"
#include "kernel/cpu/page_table.h"
#include "kernel/cpu/page_table_entry.h"
#include "kernel/memory/frame_allocator.h"

namespace orrery::kernel {

using namespace page_entry;

extern "C" char kernel_text_begin[], kernel_text_end[], kernel_rodata_begin[], kernel_rodata_end[];
extern "C" char kernel_data_begin[], kernel_data_end[];

namespace {

    PageTable kernel_table { 0 };
    Spinlock kernel_table_lock { LockRank::page_table };
    VirtualAddress next_stack GUARDED_BY(kernel_table_lock) = kernel_stack_area;
    VirtualAddress next_stack_page GUARDED_BY(kernel_table_lock) = kernel_stack_area + page_size;
    VirtualAddress free_stacks GUARDED_BY(kernel_table_lock) = 0; // linked through the stacks' lowest words
    VirtualAddress next_device GUARDED_BY(kernel_table_lock) = device_area;

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
