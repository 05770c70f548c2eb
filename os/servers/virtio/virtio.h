// The driver's side of virtio over PCI (Virtual I/O Device specification 1.1, chapters 2 and 4.1): finding a device,
// agreeing on features, and split queues. Whatever device it is, it is not trusted: what it writes is checked.
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <span>

#include "abi/device.h"
#include "abi/error.h"
#include "abi/handle.h"

namespace orrery::virtio {

enum class DeviceType : std::uint16_t { network = 1, block = 2, console = 3, entropy = 4 };

inline constexpr std::uint64_t feature_version_1 = std::uint64_t { 1 } << 32;
inline constexpr std::uint64_t feature_access_platform = std::uint64_t { 1 } << 33; // it goes through the IOMMU

template <typename T>
using Result = abi::Result<T>;

// Memory that the driver and the device both see.
class SharedMemory {
public:
    SharedMemory() = default;
    SharedMemory(const SharedMemory&) = delete;
    SharedMemory& operator=(const SharedMemory&) = delete;
    ~SharedMemory();
    // One run of whole pages. On an unconfined device it is physical memory, for which `hardware` is needed.
    Result<void> make(abi::Handle device, abi::Handle hardware, bool confined, std::uint64_t size, std::uint64_t access);
    void take_from_device(); // the device can't reach it any more, the driver can

    std::byte* bytes() const { return bytes_; }
    std::uint64_t address() const { return address_; } // as the device must name it
    std::uint64_t size() const { return size_; }

private:
    abi::Handle device_ = abi::no_handle;
    abi::Handle memory_ = abi::no_handle;
    std::byte* bytes_ = nullptr;
    std::uint64_t address_ = 0;
    std::uint64_t size_ = 0; // 0 = nothing there
    bool mapped_ = false;
};

class Device {
public:
    Device() = default;
    Device(const Device&) = delete;
    Device& operator=(const Device&) = delete;
    ~Device(); // resets it first

    // The first device of the type. not_found; broken (its capabilities make no sense); what the kernel says.
    Result<void> open(abi::Handle hardware, DeviceType type);
    // Resets it and agrees on VERSION_1, ACCESS_PLATFORM if it is confined, and those of `wanted` that it has.
    // unsupported.
    Result<std::uint64_t> negotiate(std::uint64_t wanted);
    void ready(); // after the queues are set up
    void reset();

    abi::Handle handle() const { return handle_; }
    abi::Handle hardware() const { return hardware_; }
    bool confined() const { return status().confined != 0; }
    abi::DeviceStatus status() const;
    bool needs_reset() const; // it gave up: the driver did something wrong

private:
    friend class Queue;
    struct Place {
        volatile std::byte* begin = nullptr;
        std::uint64_t size = 0;
    };
    static constexpr unsigned region_count = 6;

    Result<void> find_structures();
    Result<Place> structure(unsigned region, std::uint32_t offset, std::uint32_t length);
    template <typename T>
    T read(unsigned offset) const
    {
        return *reinterpret_cast<volatile T*>(common_.begin + offset);
    }
    template <typename T>
    void write(unsigned offset, T value) const
    {
        *reinterpret_cast<volatile T*>(common_.begin + offset) = value;
    }

    abi::Handle hardware_ = abi::no_handle;
    abi::Handle handle_ = abi::no_handle;
    std::array<Place, region_count> regions_ {};
    Place common_;
    Place notify_;
    std::uint32_t notify_multiplier_ = 0;
};

// What the device shall read or write.
struct Buffer {
    std::uint64_t address; // as the device names it
    std::uint32_t length;
    bool device_writes;
};

// One queue with its interrupt. At most one thread uses it.
class Queue {
public:
    static constexpr unsigned capacity = 16;

    Queue() = default;
    Queue(const Queue&) = delete;
    Queue& operator=(const Queue&) = delete;
    ~Queue();

    // Interrupt `interrupt` of the device tells of this queue.
    Result<void> open(Device& device, unsigned number, unsigned interrupt);
    // A chain of buffers as one request; returns its number. limit_reached (wait for an earlier one first).
    Result<unsigned> submit(std::span<const Buffer> chain);
    void notify(); // tells the device of what was submitted
    struct Completion {
        unsigned request;
        std::uint32_t written; // bytes, as the device says
    };
    // The next request that is done, without waiting. not_found; broken (the device names what was not submitted).
    Result<Completion> take();
    // Sleeps until one is done. Also timed_out, interrupted.
    Result<Completion> wait(std::uint64_t deadline);

private:
    struct Descriptor;
    Device* device_ = nullptr;
    unsigned number_ = 0;
    abi::Handle event_ = abi::no_handle;
    SharedMemory memory_; // descriptors, available ring, used ring
    volatile std::byte* doorbell_ = nullptr;
    unsigned size_ = 0;
    std::uint16_t submitted_ = 0; // free-running, as in the rings
    std::uint16_t taken_ = 0;
    std::array<std::uint8_t, capacity> chain_length_ {}; // by first descriptor; 0 = not submitted
    std::array<bool, capacity> used_ {};                 // descriptors
    std::array<std::uint8_t, capacity> next_ {};         // the chain, in memory that the device can't change
};

} // namespace orrery::virtio
