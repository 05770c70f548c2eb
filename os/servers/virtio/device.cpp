// Finding a virtio device and agreeing with it.
#include <orrery/orrery.h>

#include "abi/memory.h"
#include "abi/startup.h"
#include "posix/runtime/syscall.h"
#include "servers/virtio/virtio.h"

namespace orrery::virtio {

namespace raw = runtime::raw;
using runtime::result_of;

namespace {

    constexpr std::uint16_t vendor = 0x1af4;
    constexpr std::uint16_t first_device = 0x1040; // 4.1.2.1: plus the type

    // PCI capabilities (4.1.4).
    constexpr unsigned capabilities_pointer = 0x34;
    constexpr std::uint8_t capability_vendor = 0x09;
    constexpr std::uint8_t structure_common = 1, structure_notify = 2;

    // Common configuration (4.1.4.3).
    constexpr unsigned device_feature_select = 0, device_feature = 4, driver_feature_select = 8, driver_feature = 12;
    constexpr unsigned configuration_vector = 16, device_status = 20;
    constexpr unsigned common_size = 56;
    constexpr std::uint16_t no_vector = 0xffff;

    // Device status (2.1).
    constexpr std::uint8_t acknowledged = 1, has_driver = 2, driver_ok = 4, features_ok = 8, wants_reset = 64;

    std::uint64_t own_space() { return orrery_auxiliary(static_cast<std::uint64_t>(abi::Auxiliary::space_handle), 0, 0); }

} // namespace

SharedMemory::~SharedMemory()
{
    take_from_device();
    if (bytes_) raw::memory_unmap(own_space(), bytes_, size_);
    if (memory_) raw::handle_close(memory_);
}

Result<void> SharedMemory::make(
    abi::Handle device, abi::Handle hardware, bool confined, std::uint64_t size, std::uint64_t access)
{
    size = (size + abi::page_size - 1) / abi::page_size * abi::page_size;
    const auto memory = result_of(confined ? raw::memory_create(size, 0)
                                           : raw::memory_create_physical(hardware, size, size, abi::physical_contiguous));
    if (!memory) return std::unexpected(memory.error());
    memory_ = static_cast<abi::Handle>(*memory);
    const auto place = result_of(
        raw::memory_map(own_space(), memory_, 0, 0, size, abi::protection_read | abi::protection_write));
    if (!place) return std::unexpected(place.error());
    bytes_ = reinterpret_cast<std::byte*>(*place);
    size_ = size;
    const auto address = result_of(raw::device_map(device, memory_, 0, size, access));
    if (!address) return std::unexpected(address.error());
    device_ = device;
    address_ = *address;
    mapped_ = true;
    return {};
}

void SharedMemory::take_from_device()
{
    if (mapped_) raw::device_unmap(device_, address_);
    mapped_ = false;
}

Device::~Device()
{
    if (common_.begin) reset();
    for (const Place& region : regions_)
        if (region.begin) raw::memory_unmap(own_space(), const_cast<std::byte*>(region.begin), region.size);
    if (handle_) raw::handle_close(handle_);
}

Result<void> Device::open(abi::Handle hardware, DeviceType type)
{
    hardware_ = hardware;
    const std::uint32_t wanted = std::uint32_t { static_cast<std::uint16_t>(type) } + first_device;
    for (unsigned index = 0;; ++index) {
        const auto opened = result_of(raw::device_open(hardware, index));
        if (!opened) return std::unexpected(opened.error()); // not_found behind the last
        handle_ = static_cast<abi::Handle>(*opened);
        if (status().identity == (wanted << 16 | vendor)) return find_structures();
        raw::handle_close(handle_);
        handle_ = abi::no_handle;
    }
}

// A part of a region, which is mapped for it once.
Result<Device::Place> Device::structure(unsigned region, std::uint32_t offset, std::uint32_t length)
{
    if (region >= region_count) return std::unexpected(abi::Error::broken);
    Place& whole = regions_[region];
    if (!whole.begin) {
        const auto memory = result_of(raw::device_memory(handle_, region));
        if (!memory) return std::unexpected(memory.error());
        const auto size = result_of(raw::memory_size(*memory));
        const auto place = size ? result_of(raw::memory_map(own_space(), *memory, 0, 0, *size,
                                      abi::protection_read | abi::protection_write))
                                : size;
        raw::handle_close(*memory);
        if (!place) return std::unexpected(place.error());
        whole = { reinterpret_cast<volatile std::byte*>(*place), *size };
    }
    if (offset > whole.size || length > whole.size - offset) return std::unexpected(abi::Error::broken);
    return Place { whole.begin + offset, length };
}

Result<void> Device::find_structures()
{
    const auto word = [this](unsigned offset) {
        return static_cast<std::uint32_t>(result_of(raw::device_read(handle_, offset & 0xfc)).value_or(0));
    };
    unsigned offset = word(capabilities_pointer) & 0xfc;
    for (unsigned left = 48; left > 0 && offset != 0; --left) {
        const std::uint32_t header = word(offset);
        const std::uint8_t kind = static_cast<std::uint8_t>(header >> 24);
        if ((header & 0xff) == capability_vendor && (kind == structure_common || kind == structure_notify)) {
            const auto place = structure(word(offset + 4) & 0xff, word(offset + 8), word(offset + 12));
            if (!place) return std::unexpected(place.error());
            if (kind == structure_common) {
                common_ = *place;
            } else {
                notify_ = *place;
                notify_multiplier_ = word(offset + 16);
            }
        }
        offset = header >> 8 & 0xfc;
    }
    if (common_.size < common_size || !notify_.begin) {
        common_ = {};
        return std::unexpected(abi::Error::broken);
    }
    return {};
}

abi::DeviceStatus Device::status() const
{
    abi::DeviceStatus status {};
    raw::device_status(handle_, &status);
    return status;
}

void Device::reset()
{
    write<std::uint8_t>(device_status, 0);
    while (read<std::uint8_t>(device_status) != 0) raw::thread_yield(); // 4.1.4.3.2: until it reads 0
}

Result<std::uint64_t> Device::negotiate(std::uint64_t wanted)
{
    reset();
    write<std::uint8_t>(device_status, acknowledged | has_driver);
    std::uint64_t offered = 0;
    for (const std::uint32_t half : { 0u, 1u }) {
        write(device_feature_select, half);
        offered |= std::uint64_t { read<std::uint32_t>(device_feature) } << 32 * half;
    }
    // A device that could pass by the IOMMU is not confined, whatever the machine has.
    const std::uint64_t needed = feature_version_1 | (confined() ? feature_access_platform : 0);
    if ((offered & needed) != needed) return std::unexpected(abi::Error::unsupported);
    const std::uint64_t agreed = (offered & wanted) | needed;
    for (const std::uint32_t half : { 0u, 1u }) {
        write(driver_feature_select, half);
        write(driver_feature, static_cast<std::uint32_t>(agreed >> 32 * half));
    }
    write<std::uint8_t>(device_status, acknowledged | has_driver | features_ok);
    if (!(read<std::uint8_t>(device_status) & features_ok)) return std::unexpected(abi::Error::unsupported);
    write(configuration_vector, no_vector);
    return agreed;
}

void Device::ready() { write<std::uint8_t>(device_status, acknowledged | has_driver | features_ok | driver_ok); }
bool Device::needs_reset() const { return (read<std::uint8_t>(device_status) & wants_reset) != 0; }

} // namespace orrery::virtio
