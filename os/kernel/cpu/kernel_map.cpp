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
    VirtualAddress next_stack GUARDED_BY(kernel_table_lock) = kernel_stack_area; // its guard page
    // Stacks for the next threads, linked through their highest words; and the places of stacks that were unmapped,
    // linked through notes in their guard pages' entries.
    VirtualAddress free_stacks GUARDED_BY(kernel_table_lock) = 0;
    unsigned free_stack_count GUARDED_BY(kernel_table_lock) = 0;
    VirtualAddress empty_places GUARDED_BY(kernel_table_lock) = 0;
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

namespace {

    constexpr VirtualAddress guard_of(VirtualAddress top) { return top - kernel_stack_size - page_size; }

    // A stack that no CPU uses any more goes, and its place is kept.
    void unmap_kernel_stack(VirtualAddress top, VirtualAddress mapped_end) EXCLUDES(kernel_table_lock)
    {
        constexpr std::size_t most = kernel_stack_size / page_size;
        PhysicalAddress pages[most];
        std::size_t count = 0;
        const VirtualAddress bottom = top - kernel_stack_size;
        {
            Guard guard(kernel_table_lock);
            for (VirtualAddress page = bottom; page < mapped_end; page += page_size) pages[count++] = kernel_table.remove(page);
        }
        shoot_down_kernel(bottom, top);
        for (std::size_t index = 0; index < count; ++index) frame_allocator.release(frame_allocator.frame_at(pages[index]));
        Guard guard(kernel_table_lock);
        (void)kernel_table.set_note(guard_of(top), empty_places); // its table is there
        empty_places = top;
    }

    // A kept stack if there is one (then `is_mapped`), or a place for one; 0 if memory is out.
    VirtualAddress take_place(bool& is_mapped)
    {
        Guard guard(kernel_table_lock);
        is_mapped = free_stacks != 0;
        if (is_mapped) {
            const VirtualAddress top = free_stacks;
            free_stacks = *reinterpret_cast<VirtualAddress*>(top - sizeof(VirtualAddress));
            --free_stack_count;
            return top;
        }
        if (empty_places) {
            const VirtualAddress top = empty_places;
            empty_places = kernel_table.note(guard_of(top));
            return top;
        }
        if (!kernel_table.set_note(next_stack, 0)) return 0;
        next_stack += page_size + kernel_stack_size;
        return next_stack;
    }

} // namespace

VirtualAddress allocate_kernel_stack()
{
    bool is_mapped = false;
    const VirtualAddress top = take_place(is_mapped);
    if (!top || is_mapped) return top;
    for (VirtualAddress page = top - kernel_stack_size; page < top; page += page_size) {
        Frame* frame = frame_allocator.allocate();
        Status mapped = fail(Error::out_of_memory);
        if (frame) {
            Guard guard(kernel_table_lock);
            mapped = kernel_table.map(page, frame_allocator.address_of(frame), { .write = true });
        }
        if (mapped) continue;
        if (frame) frame_allocator.release(frame);
        unmap_kernel_stack(top, page);
        return 0;
    }
    return top;
}

// Some are kept for the next threads, so that the other CPUs need not forget a stack whenever a thread ends.
void free_kernel_stack(VirtualAddress top)
{
    constexpr unsigned most_kept = 8;
    {
        Guard guard(kernel_table_lock);
        if (free_stack_count < most_kept) {
            ++free_stack_count;
            *reinterpret_cast<VirtualAddress*>(top - sizeof(VirtualAddress)) = free_stacks;
            free_stacks = top;
            return;
        }
    }
    unmap_kernel_stack(top, top);
}

} // namespace orrery::kernel
