// Who gets which interrupt vector.
#include "kernel/device/interrupt.h"

#include <new>

#include "kernel/cpu/cpu.h"
#include "kernel/device/device.h"

namespace orrery::kernel {
namespace {

    constexpr unsigned vector_count = last_device_vector - first_device_vector + 1;
    Spinlock vectors_lock { LockRank::interrupts };
    DeviceInterrupt* targets[vector_count] GUARDED_BY(vectors_lock); // not referenced: the destructor takes itself out

    // Interrupt controllers take addresses of this form as messages (Intel SDM volume 3 section 10.11.1).
    constexpr std::uint32_t message_address(std::uint32_t apic_id) { return 0xfee0'0000 | apic_id << 12; }

    std::uint8_t take_vector(DeviceInterrupt& target)
    {
        Guard guard(vectors_lock);
        for (unsigned index = 0; index < vector_count; ++index) {
            if (targets[index]) continue;
            targets[index] = &target;
            return static_cast<std::uint8_t>(first_device_vector + index);
        }
        return 0;
    }

} // namespace

DeviceInterrupt::DeviceInterrupt(Ref<Device> device, unsigned index)
    : Event(new_number()), device_(std::move(device)), index_(index)
{
}

Result<Ref<DeviceInterrupt>> DeviceInterrupt::create(Ref<Device> device, unsigned index)
{
    auto* const raw = new (std::nothrow) DeviceInterrupt(device, index);
    if (!raw) return fail(Error::out_of_memory);
    const auto interrupt = Ref<DeviceInterrupt>::adopt(raw); // an error below destroys it
    const std::uint8_t vector = take_vector(*raw);
    if (vector == 0) return fail(Error::limit_reached);
    raw->vector_ = vector;
    const Cpu& cpu = cpus[vector % cpu_count]; // spread over the processors
    TRY_STATUS(device->bind_interrupt(index, *raw, message_address(cpu.apic_id), vector));
    return interrupt;
}

DeviceInterrupt::~DeviceInterrupt()
{
    device_->unbind_interrupt(index_, *this);
    if (vector_ == 0) return;
    Guard guard(vectors_lock);
    targets[vector_ - first_device_vector] = nullptr;
}

void DeviceInterrupt::arrived()
{
    device_->mask_interrupt(index_, *this, true);
    signal();
}

void DeviceInterrupt::wanted() { device_->mask_interrupt(index_, *this, false); }

void dispatch_device_interrupt(std::uint8_t vector)
{
    Ref<DeviceInterrupt> target;
    {
        Guard guard(vectors_lock);
        DeviceInterrupt* const found = targets[vector - first_device_vector];
        if (found && found->try_reference()) target = Ref<DeviceInterrupt>::adopt(found);
    }
    if (target) target->arrived();
}

} // namespace orrery::kernel
