// Intel VT-d in its first form: root and context tables, second-level page tables, invalidation and fault records
// through registers (Intel Virtualization Technology for Directed I/O, chapters 9 to 11).
#include "kernel/device/iommu.h"

#include <new>

#include "kernel/base/spinlock.h"
#include "kernel/boot/panic.h"
#include "kernel/cpu/cpu.h"
#include "kernel/cpu/page_table.h"
#include "kernel/device/device.h"
#include "kernel/memory/frame_allocator.h"

namespace orrery::kernel {
namespace {

    // Registers, chapter 11.4.
    constexpr unsigned capability = 0x08, extended_capability = 0x10;
    constexpr unsigned global_command = 0x18, global_status = 0x1c, root_table = 0x20, context_command = 0x28;
    constexpr unsigned fault_status = 0x34, fault_control = 0x38, fault_data = 0x3c, fault_address = 0x40;
    constexpr unsigned fault_address_upper = 0x44;
    constexpr std::uint32_t translation_enable = 1u << 31, set_root = 1u << 30;
    constexpr std::uint64_t invalidate = std::uint64_t { 1 } << 63;
    constexpr std::uint64_t context_globally = std::uint64_t { 1 } << 61;
    constexpr std::uint64_t pages_of_domain = std::uint64_t { 2 } << 60, pages_globally = std::uint64_t { 1 } << 60;
    constexpr std::uint64_t drain = std::uint64_t { 3 } << 48; // reads and writes under way come to an end first

    constexpr std::uint64_t table_present = 1;
    constexpr std::uint64_t address_bits = 0x000f'ffff'ffff'f000;
    constexpr unsigned entries_per_table = 512;

    volatile std::byte* registers = nullptr;
    unsigned pages_register = 0;      // of the unit that forgets translations
    unsigned fault_records = 0;       // offset of the first
    unsigned fault_record_count = 0;
    unsigned levels = 0;              // of the tables: 3 or 4
    bool caches_absence = false;      // it must be told of new entries, too
    bool coherent = false;            // it sees what is in the processor's caches
    std::uint64_t* contexts = nullptr; // of bus 0, two words a function
    std::atomic<bool> on { false };
    Spinlock registers_lock { LockRank::iommu };

    std::uint32_t read32(unsigned offset) { return *reinterpret_cast<volatile std::uint32_t*>(registers + offset); }
    void write32(unsigned offset, std::uint32_t value) { *reinterpret_cast<volatile std::uint32_t*>(registers + offset) = value; }
    std::uint64_t read64(unsigned offset) { return *reinterpret_cast<volatile std::uint64_t*>(registers + offset); }
    void write64(unsigned offset, std::uint64_t value) { *reinterpret_cast<volatile std::uint64_t*>(registers + offset) = value; }

    template <typename Condition>
    bool wait_until(Condition condition)
    {
        for (unsigned turn = 0; turn < 10'000'000; ++turn) {
            if (condition()) return true;
            spin_wait_hook();
        }
        return false;
    }

    std::uint64_t* table_at(PhysicalAddress address) { return static_cast<std::uint64_t*>(to_virtual(address)); }

    // A change that the unit must see.
    void store(std::uint64_t* place, std::uint64_t value)
    {
        __atomic_store_n(place, value, __ATOMIC_RELEASE);
        if (!coherent) flush_cache_line(place);
    }

    PhysicalAddress make_table()
    {
        Frame* const frame = frame_allocator.allocate_zeroed();
        if (!frame) return 0;
        const PhysicalAddress address = frame_allocator.address_of(frame);
        for (std::uint64_t offset = 0; !coherent && offset < page_size; offset += 64)
            flush_cache_line(reinterpret_cast<std::byte*>(table_at(address)) + offset);
        return address;
    }

    void free_table(PhysicalAddress address) { frame_allocator.release(frame_allocator.frame_at(address)); }

    // The number that the unit keeps a device's translations under. Never 0, which some units keep for themselves.
    constexpr std::uint64_t domain_of(PciLocation location) { return std::uint64_t { location } + 1; }

    void command_and_wait(unsigned offset, std::uint64_t value)
    {
        write64(offset, value);
        if (!wait_until([&] { return !(read64(offset) & invalidate); })) panic("the IOMMU does not answer");
    }

    void forget_contexts()
    {
        Guard guard(registers_lock);
        command_and_wait(context_command, invalidate | context_globally);
        command_and_wait(pages_register, invalidate | pages_globally | drain);
    }

    void forget_pages(PciLocation location)
    {
        Guard guard(registers_lock);
        command_and_wait(pages_register, invalidate | pages_of_domain | drain | domain_of(location) << 32);
    }

} // namespace

void initialize_iommu(PhysicalAddress place)
{
    if (place == 0 || !is_page_aligned(place)) return;
    registers = static_cast<volatile std::byte*>(map_device_page(place));
    const std::uint64_t can = read64(capability);
    const std::uint64_t also = read64(extended_capability);
    const auto widths = static_cast<unsigned>(can >> 8 & 31);
    levels = widths & 2 ? 3 : widths & 4 ? 4 : 0;
    coherent = (also & 1) != 0;
    caches_absence = (can & 1u << 7) != 0;
    pages_register = static_cast<unsigned>(also >> 8 & 0x3ff) * 16 + 8;
    fault_records = static_cast<unsigned>(can >> 24 & 0x3ff) * 16;
    fault_record_count = static_cast<unsigned>(can >> 40 & 0xff) + 1;
    // All of them are in the first page of every unit that there is; another kind of unit is left alone.
    const bool fits = pages_register + 8 <= page_size && fault_records + fault_record_count * 16 <= page_size;
    const PhysicalAddress root = levels != 0 && fits ? make_table() : 0;
    const PhysicalAddress context = root != 0 ? make_table() : 0;
    if (context == 0) return;
    contexts = table_at(context);
    store(table_at(root), context | table_present);

    write64(root_table, root);
    write32(global_command, set_root);
    if (!wait_until([] { return (read32(global_status) & set_root) != 0; })) return;
    forget_contexts();
    write32(fault_data, vector_iommu);
    write32(fault_address, 0xfee0'0000 | cpus[0].apic_id << 12);
    write32(fault_address_upper, 0);
    write32(fault_control, 0);
    write32(global_command, translation_enable);
    on = wait_until([] { return (read32(global_status) & translation_enable) != 0; });
}

bool iommu_is_on() { return on.load(std::memory_order_relaxed); }

void handle_iommu_faults()
{
    constexpr std::uint64_t is_fault = std::uint64_t { 1 } << 63, was_read = std::uint64_t { 1 } << 62;
    Guard guard(registers_lock);
    for (unsigned index = 0; index < fault_record_count; ++index) {
        const unsigned record = fault_records + index * 16;
        const std::uint64_t high = read64(record + 8);
        if (!(high & is_fault)) continue;
        const std::uint64_t address = read64(record) & ~std::uint64_t { 0xfff };
        if (Device* const device = device_at(static_cast<PciLocation>(high)))
            device->note_fault(address, static_cast<std::uint32_t>(high >> 32 & 0xff), !(high & was_read));
        write64(record + 8, is_fault); // seen: it may be used again
    }
    write32(fault_status, 1); // records may have been lost meanwhile; what was there is read
}

Result<std::unique_ptr<DmaDomain>> DmaDomain::create(PciLocation location)
{
    const PhysicalAddress root = make_table();
    if (root == 0) return fail(Error::out_of_memory);
    auto domain = std::unique_ptr<DmaDomain>(new (std::nothrow) DmaDomain(location, root));
    if (!domain) {
        free_table(root);
        return fail(Error::out_of_memory);
    }
    std::uint64_t* const context = contexts + location * 2;
    const std::uint64_t width = levels - 2; // 1: 39 bits, 2: 48 bits
    store(context + 1, domain_of(location) << 8 | width);
    store(context, root | table_present);
    forget_contexts();
    return domain;
}

DmaDomain::~DmaDomain()
{
    store(contexts + location_ * 2, 0);
    forget_contexts();
    // Tables only: whoever mapped pages has unmapped them.
    const auto free_below = [](auto& self, PhysicalAddress table, unsigned level) -> void {
        for (unsigned index = 0; level > 0 && index < entries_per_table; ++index)
            if (const std::uint64_t entry = table_at(table)[index]; entry & address_bits)
                self(self, entry & address_bits, level - 1);
        free_table(table);
    };
    free_below(free_below, root_, levels - 1);
}

std::uint64_t* DmaDomain::entry_of(std::uint64_t address, bool make)
{
    constexpr std::uint64_t all_access = abi::device_reads | abi::device_writes;
    std::uint64_t* table = table_at(root_);
    for (unsigned level = levels - 1; level > 0; --level) {
        std::uint64_t* const entry = table + (address >> (12 + 9 * level) & (entries_per_table - 1));
        if (!(*entry & all_access)) {
            if (!make) return nullptr;
            const PhysicalAddress below = make_table();
            if (below == 0) return nullptr;
            store(entry, below | all_access);
        }
        table = table_at(*entry & address_bits);
    }
    return table + (address >> 12 & (entries_per_table - 1));
}

Status DmaDomain::map(std::uint64_t address, PhysicalAddress target, std::uint64_t access)
{
    static_assert(abi::device_reads == 1 && abi::device_writes == 2); // as in an entry, 9.8
    std::uint64_t* const entry = entry_of(address, true);
    if (!entry) return fail(Error::out_of_memory);
    store(entry, target | access);
    if (caches_absence) forget_pages(location_);
    return {};
}

void DmaDomain::unmap(std::uint64_t begin, std::uint64_t end)
{
    constexpr std::uint64_t all_access = abi::device_reads | abi::device_writes;
    for (std::uint64_t address = begin; address < end; address += page_size)
        if (std::uint64_t* const entry = entry_of(address, false)) store(entry, *entry & ~all_access);
    forget_pages(location_);
    for (std::uint64_t address = begin; address < end; address += page_size) {
        std::uint64_t* const entry = entry_of(address, false);
        if (!entry || !(*entry & address_bits)) continue;
        frame_allocator.release(frame_allocator.frame_at(*entry & address_bits));
        store(entry, 0);
    }
}

} // namespace orrery::kernel
