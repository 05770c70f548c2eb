// What drivers do with devices.
//
// Race notes:
// (1) Memory is given back only after the device can't reach it: its entries are taken away, the IOMMU has forgotten
//     them, and then the frames go. A device that is not confined is at least told by its command register to stop when
//     its last handle is closed.
// (2) A table entry is masked by the processor that takes the interrupt and unmasked by whoever waits, in any order: if
//     the unmasking comes first, the count is there already and the waiter does not sleep.
// (3) What a use of the device has left ends in one hold of the lock, by whoever comes first: the one who closed its
//     last handle, or the next one who wants something of the device. So a new driver never finds what the old one had,
//     nor loses its own to an end that comes late. A call that comes when no handle is left changes nothing.
#include "kernel/device/device.h"

#include <algorithm>
#include <new>

#include "kernel/cpu/page_table.h"
#include "kernel/device/interrupt.h"

namespace orrery::kernel {
namespace {

    constexpr unsigned max_devices = 32;
    Device* devices[max_devices]; // made at boot, for ever
    unsigned device_count = 0;

    // Addresses that devices get behind an IOMMU: below 4 GiB for the sake of old ones, and off the interrupt
    // controllers' place, which is never translated.
    constexpr std::uint64_t device_addresses_begin = 0x1000'0000;
    constexpr std::uint64_t device_addresses_end = 0xf000'0000;

    // An entry of an interrupt table: address low and high, data, control.
    constexpr unsigned words_per_entry = 4;
    constexpr std::uint32_t entry_masked = 1;
    constexpr std::uint32_t interrupts_enabled = std::uint32_t { 1 } << 31;

    constexpr unsigned ended_shift = 32; // in Device::use_
    constexpr std::uint64_t handle_count = (std::uint64_t { 1 } << ended_shift) - 1;

} // namespace

// What may end spaces, and so must not happen under the lock.
struct Device::Remains {
    Remains() = default;
    Remains(const Remains&) = delete;
    Remains& operator=(const Remains&) = delete;
    ~Remains()
    {
        for (const auto& object : registers)
            if (object) object->withdraw_registers();
    }

    Ref<MemoryObject> memory[max_mappings];
    Ref<MemoryObject> registers[pci::region_count];
    Ref<DeviceInterrupt> interrupts[max_interrupts];
};

Device::Device(std::uint32_t number, PciLocation location) : Object(object_kind, number), location(location)
{
    for (unsigned index = 0; index < pci::region_count; ++index) regions_[index] = pci::read_region(location, index);
}

void initialize_devices()
{
    for (unsigned slot = 0; slot < 32; ++slot)
        for (unsigned function = 0; function < 8; ++function) {
            const auto location = static_cast<PciLocation>(slot << 3 | function);
            if (!pci::is_present(location)) {
                if (function == 0) break;
                continue;
            }
            pci_write(location, pci::command, pci_read(location, pci::command) & 0xffff & ~pci::command_master);
            if (!pci::is_bridge(location) && device_count < max_devices)
                if (auto* device = new (std::nothrow) Device(device_count + 1, location)) devices[device_count++] = device;
            if (function == 0 && !pci::has_more_functions(location)) break;
        }
}

Result<Ref<Device>> find_device(std::uint64_t index)
{
    if (index >= device_count) return fail(Error::not_found);
    return Ref<Device>(devices[index]);
}

Device* device_at(PciLocation location)
{
    for (unsigned index = 0; index < device_count; ++index)
        if (devices[index]->location == location) return devices[index];
    return nullptr;
}

Result<std::uint32_t> Device::read_configuration(std::uint64_t offset) const
{
    if (offset % 4 != 0 || offset >= 256) return fail(Error::invalid_argument);
    return pci_read(location, static_cast<unsigned>(offset));
}

void Device::command(std::uint32_t set, std::uint32_t clear)
{
    const std::uint32_t before = pci_read(location, pci::command) & 0xffff;
    pci_write(location, pci::command, ((before | set) & ~clear) | pci::command_no_line);
}

Result<Ref<MemoryObject>> Device::registers(std::uint64_t region)
{
    if (region >= pci::region_count) return fail(Error::not_found);
    const pci::Region place = regions_[region];
    if (place.size == 0) return fail(Error::not_found);
    MemoryObject::RegisterHole holes[2] {};
    if (const auto table = pci::find_interrupt_table(location)) {
        const auto hole = [](std::uint64_t begin, std::uint64_t size) {
            return MemoryObject::RegisterHole { round_down(begin, page_size), round_up(begin + size, page_size) };
        };
        if (table->region == region) holes[0] = hole(table->offset, table->count * 16);
        if (table->pending_region == region) holes[1] = hole(table->pending_offset, (table->count + 63) / 64 * 8);
    }
    Remains remains;
    Guard guard(lock_);
    TRY_STATUS(enter(remains));
    if (!registers_[region]) {
        command(pci::command_memory, 0);
        TRY(object, MemoryObject::create_registers(place.begin, place.size, holes));
        registers_[region] = object;
    }
    return registers_[region];
}

// Once: where the table is does not change.
void Device::find_interrupts()
{
    if (std::exchange(knows_interrupts_, true)) return;
    const auto table = pci::find_interrupt_table(location);
    if (!table || table->region >= pci::region_count) return;
    const pci::Region region = regions_[table->region];
    // One page of it is enough; a table that does not lie in its region is no table.
    const std::uint64_t in_page = (page_size - table->offset % page_size) / 16;
    const std::uint64_t count = std::min<std::uint64_t>({ table->count, in_page, max_interrupts });
    if (region.size == 0 || table->offset > region.size || region.size - table->offset < table->count * 16) return;
    command(pci::command_memory, 0);
    interrupt_table_ = static_cast<volatile std::uint32_t*>(map_device_page(region.begin + table->offset));
    interrupt_count_ = static_cast<unsigned>(count);
    interrupt_capability_ = table->capability;
}

Status Device::bind_interrupt(unsigned index, DeviceInterrupt& interrupt, std::uint32_t address, std::uint8_t vector)
{
    Remains remains;
    Guard guard(lock_);
    TRY_STATUS(enter(remains));
    find_interrupts();
    if (index >= interrupt_count_) return fail(Error::invalid_argument);
    Guard interrupts(interrupts_lock_);
    if (interrupts_[index]) return fail(Error::already_exists);
    interrupts_[index] = &interrupt;
    // A message is a write to memory: the device must be allowed to make any.
    command(pci::command_memory | pci::command_master, 0);
    for (unsigned each = 0; each < interrupt_count_; ++each)
        if (!interrupts_[each]) interrupt_table_[each * words_per_entry + 3] = entry_masked;
    volatile std::uint32_t* const entry = interrupt_table_ + index * words_per_entry;
    entry[3] = entry_masked; // until somebody waits
    entry[0] = address;
    entry[1] = 0;
    entry[2] = vector;
    pci_write(location, interrupt_capability_, pci_read(location, interrupt_capability_) | interrupts_enabled);
    return {};
}

void Device::unbind_interrupt(unsigned index, DeviceInterrupt& interrupt)
{
    Guard guard(interrupts_lock_);
    if (index >= max_interrupts || interrupts_[index] != &interrupt) return;
    interrupts_[index] = nullptr;
    interrupt_table_[index * words_per_entry + 3] = entry_masked;
}

void Device::mask_interrupt(unsigned index, DeviceInterrupt& interrupt, bool masked)
{
    Guard guard(interrupts_lock_);
    if (interrupts_[index] != &interrupt) return;
    interrupt_table_[index * words_per_entry + 3] = masked ? entry_masked : 0; // (2)
}

void Device::end_interrupts(Remains& remains)
{
    for (unsigned index = 0; index < interrupt_count_; ++index) {
        Guard guard(interrupts_lock_);
        DeviceInterrupt* const interrupt = std::exchange(interrupts_[index], nullptr);
        interrupt_table_[index * words_per_entry + 3] = entry_masked;
        if (!interrupt || !interrupt->try_reference()) continue;
        remains.interrupts[index] = Ref<DeviceInterrupt>::adopt(interrupt);
        interrupt->close();
    }
}

Result<std::uint64_t> Device::find_address(std::uint64_t length)
{
    std::uint64_t candidate = device_addresses_begin;
    for (bool moved = true; moved;) {
        moved = false;
        for (const DeviceMapping& mapping : mappings_) {
            if (mapping.length == 0 || candidate >= mapping.address + mapping.length
                || mapping.address >= candidate + length)
                continue;
            candidate = mapping.address + mapping.length;
            moved = true;
        }
    }
    if (candidate + length > device_addresses_end) return fail(Error::limit_reached);
    return candidate;
}

Status Device::map_pages(DeviceMapping& mapping, std::uint64_t access)
{
    for (std::uint64_t done = 0; done < mapping.length; done += page_size) {
        const auto pinned = mapping.object->pin_under_lock(mapping.offset + done); // its reference is the device's
        Status status;
        if (!pinned) {
            status = fail(pinned.error());
        } else {
            const PhysicalAddress target = frame_allocator.address_of(*pinned);
            if (iommu_is_on()) status = domain_->map(mapping.address + done, target, access);
            else if (done == 0) mapping.address = target;
            else if (target != mapping.address + done) status = fail(Error::access_denied);
            if (!status) frame_allocator.release(*pinned);
        }
        if (!status) {
            unmap_pages(mapping, done);
            return status;
        }
    }
    return {};
}

void Device::unmap_pages(DeviceMapping& mapping, std::uint64_t length)
{
    if (iommu_is_on()) {
        domain_->unmap(mapping.address, mapping.address + length);
    } else {
        for (std::uint64_t done = 0; done < length; done += page_size)
            frame_allocator.release(frame_allocator.frame_at(mapping.address + done));
    }
}

Result<std::uint64_t> Device::map(
    Ref<MemoryObject> object, std::uint64_t offset, std::uint64_t length, std::uint64_t access)
{
    if (!is_page_range(offset, length, object->size()) || length > abi::device_map_maximum || access == 0
        || (access & ~(abi::device_reads | abi::device_writes)))
        return fail(Error::invalid_argument);
    // Without an IOMMU nothing but the driver's word says where the device goes; so at least only to memory for
    // devices.
    for (std::uint64_t done = 0; !iommu_is_on() && done < length; done += page_size)
        if (const auto place = object->physical_address(offset + done); !place) return fail(place.error());
    Remains remains;
    Guard guard(lock_);
    TRY_STATUS(enter(remains));
    DeviceMapping* const mapping
        = std::find_if(std::begin(mappings_), std::end(mappings_), [](const auto& each) { return each.length == 0; });
    if (mapping == std::end(mappings_)) return fail(Error::limit_reached);
    if (iommu_is_on()) {
        if (!domain_) {
            TRY(domain, DmaDomain::create(location));
            domain_ = std::move(domain);
        }
        TRY(address, find_address(length));
        mapping->address = address;
    }
    mapping->object = object;
    mapping->offset = offset;
    mapping->length = length;
    if (const Status mapped = map_pages(*mapping, access); !mapped) {
        mapping->length = 0;
        mapping->object = nullptr; // the caller has another reference
        return fail(mapped.error());
    }
    command(pci::command_memory | pci::command_master, 0);
    return mapping->address;
}

Status Device::unmap(std::uint64_t address)
{
    Ref<MemoryObject> object; // goes after the lock
    Guard guard(lock_);
    for (DeviceMapping& mapping : mappings_) {
        if (mapping.length == 0 || mapping.address != address) continue;
        unmap_pages(mapping, mapping.length); // (1)
        mapping.length = 0;
        object = std::exchange(mapping.object, nullptr);
        return {};
    }
    return fail(Error::not_found);
}

void Device::handle_closed(std::uint32_t)
{
    std::uint64_t before = use_.load(std::memory_order_relaxed);
    std::uint64_t after = 0;
    do after = before - 1 + ((before & handle_count) == 1 ? handle_count + 1 : 0);
    while (!use_.compare_exchange_weak(before, after, std::memory_order_acq_rel));
    if ((after & handle_count) != 0) return;
    Remains remains;
    Guard guard(lock_);
    end_past_use(use_.load(std::memory_order_acquire), remains);
}

Status Device::enter(Remains& remains)
{
    const std::uint64_t use = use_.load(std::memory_order_acquire);
    end_past_use(use, remains);
    if ((use & handle_count) == 0) return fail(Error::peer_closed);
    return {};
}

void Device::end_past_use(std::uint64_t use, Remains& remains)
{
    const auto ended = static_cast<std::uint32_t>(use >> ended_shift);
    if (std::exchange(ended_uses_, ended) == ended) return; // (3)
    command(0, pci::command_master); // (1)
    for (unsigned index = 0; index < max_mappings; ++index) {
        DeviceMapping& mapping = mappings_[index];
        if (mapping.length == 0) continue;
        unmap_pages(mapping, mapping.length);
        mapping.length = 0;
        remains.memory[index] = std::exchange(mapping.object, nullptr);
    }
    end_interrupts(remains);
    for (unsigned region = 0; region < pci::region_count; ++region)
        remains.registers[region] = std::exchange(registers_[region], nullptr);
    domain_ = nullptr; // here, or it would take the place in the IOMMU's table from the next one
}

abi::DeviceStatus Device::status()
{
    abi::DeviceStatus status {};
    status.identity = pci_read(location, pci::identity);
    status.location = location;
    status.confined = iommu_is_on();
    {
        Guard guard(lock_);
        find_interrupts();
        status.interrupts = interrupt_count_;
    }
    Guard guard(fault_lock_);
    status.faults = faults_;
    status.fault_address = fault_address_;
    status.fault_reason = fault_reason_;
    status.fault_writes = fault_writes_;
    return status;
}

void Device::note_fault(std::uint64_t address, std::uint32_t reason, bool writes)
{
    Guard guard(fault_lock_);
    ++faults_;
    fault_address_ = address;
    fault_reason_ = reason;
    fault_writes_ = writes;
}

} // namespace orrery::kernel
