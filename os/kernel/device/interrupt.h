// Interrupts of devices as events. A device writes to the processor's interrupt controller to tell that it wants
// something (MSI-X, PCI Local Bus 3.0, 6.8.2); the kernel alone decides what it writes for that. What a driver can make
// it write there as if to memory is another matter: cpu/trap.cpp bears it.
#pragma once

#include <cstdint>

#include "kernel/device/event.h"

namespace orrery::kernel {

class Device;

// Entry `index` of the device's table. After it has fired once it is masked until somebody waits for it again: a device
// whose driver does not keep up, or that went mad, can't keep the processor busy. What comes meanwhile is not lost: the
// device keeps it pending. It is closed when the device's last handle goes.
class DeviceInterrupt final : public Event {
public:
    // already_exists (somebody has this one), invalid_argument (the device has no such), limit_reached, out_of_memory,
    // peer_closed (the device has no handle).
    static Result<Ref<DeviceInterrupt>> create(Ref<Device> device, unsigned index);
    ~DeviceInterrupt() override;

    void arrived(); // from the interrupt

private:
    DeviceInterrupt(Ref<Device> device, unsigned index);
    void wanted() override;

    const Ref<Device> device_;
    const unsigned index_;
    std::uint8_t vector_ = 0; // 0 = none yet
};

inline constexpr std::uint8_t first_device_vector = 0x30;
inline constexpr std::uint8_t last_device_vector = 0xef;

// From the interrupt itself; one that belongs to nobody (any more) is ignored.
void dispatch_device_interrupt(std::uint8_t vector);

} // namespace orrery::kernel
