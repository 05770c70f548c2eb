// A device: one function of a PCI card, as an object that a driver holds a handle of. The handle is all that the driver
// can do: registers, interrupts, and memory that the device may reach. With the last handle all of that ends.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "abi/device.h"
#include "kernel/base/error.h"
#include "kernel/base/spinlock.h"
#include "kernel/device/iommu.h"
#include "kernel/device/pci.h"
#include "kernel/handle/object.h"
#include "kernel/memory/memory_object.h"

namespace orrery::kernel {

class DeviceInterrupt;

class Device final : public Object {
public:
    static constexpr abi::ObjectKind object_kind = abi::ObjectKind::device;
    static constexpr unsigned max_interrupts = 32;
    static constexpr unsigned max_mappings = 64;

    Device(std::uint32_t number, PciLocation location); // finds out where its registers are; nobody uses it yet

    // A word of the configuration space. invalid_argument: not a multiple of 4 below 256.
    Result<std::uint32_t> read_configuration(std::uint64_t offset) const;
    // The registers of a region as memory that programs can map, until the last handle goes; without the pages where
    // interrupts are set up. not_found: there is no such region, or it is not memory.
    Result<Ref<MemoryObject>> registers(std::uint64_t region) EXCLUDES(lock_);

    // Lets the device reach [offset, offset + length) of the object, and returns the address by which: behind an IOMMU
    // any memory, at an address that means something to this device only; without one only physical memory in one run.
    // The pages stay where they are and exist until unmap. invalid_argument, access_denied (it could move),
    // limit_reached, out_of_memory, not_present (bring the pages for writing first), peer_closed (no handle is left).
    Result<std::uint64_t> map(Ref<MemoryObject> object, std::uint64_t offset, std::uint64_t length, std::uint64_t access)
        EXCLUDES(lock_);
    // Takes back what one map has given: not_found if this is not its address. The device can't reach it any more after
    // that, if it is confined; else its driver must have told it so.
    Status unmap(std::uint64_t address) EXCLUDES(lock_);
    abi::DeviceStatus status() EXCLUDES(lock_);
    void note_fault(std::uint64_t address, std::uint32_t reason, bool writes) EXCLUDES(lock_); // from an interrupt

    // For DeviceInterrupt.
    Status bind_interrupt(unsigned index, DeviceInterrupt& interrupt, std::uint32_t address, std::uint8_t vector)
        EXCLUDES(lock_);
    void unbind_interrupt(unsigned index, DeviceInterrupt& interrupt) EXCLUDES(interrupts_lock_);
    // Does nothing if that one is not bound (any more).
    void mask_interrupt(unsigned index, DeviceInterrupt& interrupt, bool masked) EXCLUDES(interrupts_lock_);

    void handle_opened(std::uint32_t) override { use_.fetch_add(1, std::memory_order_relaxed); }
    void handle_closed(std::uint32_t) override;

    const PciLocation location;

private:
    struct DeviceMapping {
        std::uint64_t address = 0;
        std::uint64_t length = 0; // 0 = unused
        std::uint64_t offset = 0;
        Ref<MemoryObject> object;
    };

    struct Remains; // of a use of the device, whose last handle has gone: for after the lock
    // First of all for whoever wants something of the device: peer_closed if no handle is left.
    Status enter(Remains& remains) REQUIRES(lock_);
    void end_past_use(std::uint64_t use, Remains& remains) REQUIRES(lock_);
    void end_interrupts(Remains& remains) REQUIRES(lock_);
    void find_interrupts() REQUIRES(lock_);
    Result<std::uint64_t> find_address(std::uint64_t length) REQUIRES(lock_);
    Status map_pages(DeviceMapping& mapping, std::uint64_t access) REQUIRES(lock_);
    void unmap_pages(DeviceMapping& mapping, std::uint64_t length) REQUIRES(lock_);
    void command(std::uint32_t set, std::uint32_t clear) REQUIRES(lock_);

    Spinlock lock_ { LockRank::device };
    pci::Region regions_[pci::region_count]; // never change
    // How many handles there are, and in the upper half how often the last one has gone: one word, so that a use of the
    // device ends in the moment its last handle goes, whatever comes next.
    std::atomic<std::uint64_t> use_ { 0 };
    std::uint32_t ended_uses_ GUARDED_BY(lock_) = 0;
    bool knows_interrupts_ GUARDED_BY(lock_) = false;
    unsigned interrupt_count_ GUARDED_BY(lock_) = 0;
    unsigned interrupt_capability_ GUARDED_BY(lock_) = 0;
    volatile std::uint32_t* interrupt_table_ = nullptr; // four words an entry; set once, under lock_
    // A lock of its own, since interrupts come while pages are mapped. The device's entries are written under it.
    Spinlock interrupts_lock_ { LockRank::interrupts };
    DeviceInterrupt* interrupts_[max_interrupts] GUARDED_BY(interrupts_lock_) = {};
    Ref<MemoryObject> registers_[pci::region_count] GUARDED_BY(lock_); // that somebody has asked for in this use
    std::unique_ptr<DmaDomain> domain_ GUARDED_BY(lock_); // made by the first map behind an IOMMU
    DeviceMapping mappings_[max_mappings] GUARDED_BY(lock_);

    Spinlock fault_lock_ { LockRank::waiters };
    std::uint64_t faults_ GUARDED_BY(fault_lock_) = 0;
    std::uint64_t fault_address_ GUARDED_BY(fault_lock_) = 0;
    std::uint32_t fault_reason_ GUARDED_BY(fault_lock_) = 0;
    bool fault_writes_ GUARDED_BY(fault_lock_) = false;
};

// Finds the machine's devices, once. None of them may reach memory until it was given some.
void initialize_devices();
// By number from 0 on, in the order of their locations; not_found behind the last.
Result<Ref<Device>> find_device(std::uint64_t index);
Device* device_at(PciLocation location); // null: there is none

} // namespace orrery::kernel
