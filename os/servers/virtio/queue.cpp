// Split virtqueues (2.6): descriptors, what is available, and what the device has used.
#include <algorithm>
#include <utility>

#include "abi/startup.h"
#include "posix/runtime/syscall.h"
#include "servers/virtio/virtio.h"

namespace orrery::virtio {

namespace raw = runtime::raw;
using runtime::result_of;

struct Queue::Descriptor {
    std::uint64_t address;
    std::uint32_t length;
    std::uint16_t flags;
    std::uint16_t next;
};

namespace {

    // Common configuration (4.1.4.3).
    constexpr unsigned queue_select = 22, queue_size = 24, queue_vector = 26, queue_enable = 28, queue_notify_offset = 30;
    constexpr unsigned queue_descriptors = 32, queue_available = 40, queue_used = 48;

    constexpr std::uint16_t descriptor_next = 1, descriptor_device_writes = 2;

    struct UsedElement {
        std::uint32_t first;
        std::uint32_t written;
    };
    // flags, index, ring.
    constexpr unsigned ring_index = 2, ring_entries = 4;

    // The three parts in one page, each on a line of its own.
    constexpr unsigned available_offset = 1024, used_offset = 2048;
    static_assert(Queue::capacity * 16 <= available_offset);

    template <typename T>
    T& at(std::byte* base, unsigned offset)
    {
        return *reinterpret_cast<T*>(base + offset);
    }

} // namespace

Queue::~Queue()
{
    if (device_) device_->reset(); // or it would go on with memory that is given back
    if (event_) raw::handle_close(event_);
}

Result<void> Queue::open(Device& device, unsigned number, unsigned interrupt)
{
    device.write(queue_select, static_cast<std::uint16_t>(number));
    size_ = std::min<unsigned>(device.read<std::uint16_t>(queue_size), capacity);
    if (size_ == 0 || (size_ & (size_ - 1)) != 0) return std::unexpected(abi::Error::unsupported);
    const auto event = result_of(raw::device_interrupt(device.handle(), interrupt));
    if (!event) return std::unexpected(event.error());
    event_ = static_cast<abi::Handle>(*event);
    const auto made = memory_.make(device.handle(), device.hardware(), device.confined(), abi::page_size,
        abi::device_reads | abi::device_writes);
    if (!made) return made;
    const std::uint64_t bell
        = std::uint64_t { device.read<std::uint16_t>(queue_notify_offset) } * device.notify_multiplier_;
    if (device.notify_.size < 2 || bell > device.notify_.size - 2) return std::unexpected(abi::Error::broken);
    doorbell_ = device.notify_.begin + bell;
    device.write(queue_size, static_cast<std::uint16_t>(size_));
    device.write(queue_descriptors, memory_.address());
    device.write(queue_available, memory_.address() + available_offset);
    device.write(queue_used, memory_.address() + used_offset);
    device.write(queue_vector, static_cast<std::uint16_t>(interrupt));
    if (device.read<std::uint16_t>(queue_vector) != interrupt) return std::unexpected(abi::Error::unsupported);
    device.write<std::uint16_t>(queue_enable, 1);
    device_ = &device;
    number_ = number;
    return {};
}

Result<unsigned> Queue::submit(std::span<const Buffer> chain)
{
    if (chain.empty() || chain.size() > size_) return std::unexpected(abi::Error::invalid_argument);
    std::array<unsigned, capacity> places {};
    std::size_t found = 0;
    for (unsigned index = 0; index < size_ && found < chain.size(); ++index)
        if (!used_[index]) places[found++] = index;
    if (found < chain.size()) return std::unexpected(abi::Error::limit_reached);
    for (std::size_t index = 0; index < chain.size(); ++index) {
        const bool more = index + 1 < chain.size();
        used_[places[index]] = true;
        next_[places[index]] = static_cast<std::uint8_t>(more ? places[index + 1] : 0);
        at<Descriptor>(memory_.bytes(), places[index] * sizeof(Descriptor)) = { chain[index].address, chain[index].length,
            static_cast<std::uint16_t>((more ? descriptor_next : 0) | (chain[index].device_writes ? descriptor_device_writes : 0)),
            static_cast<std::uint16_t>(more ? places[index + 1] : 0) };
    }
    const unsigned first = places[0];
    chain_length_[first] = static_cast<std::uint8_t>(chain.size());
    std::byte* const available = memory_.bytes() + available_offset;
    at<std::uint16_t>(available, ring_entries + 2 * (submitted_ % size_)) = static_cast<std::uint16_t>(first);
    ++submitted_;
    // 2.6.13: the entry is there before the index says so.
    __atomic_store_n(&at<std::uint16_t>(available, ring_index), submitted_, __ATOMIC_RELEASE);
    return first;
}

void Queue::notify()
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    *reinterpret_cast<volatile std::uint16_t*>(doorbell_) = static_cast<std::uint16_t>(number_);
}

Result<Queue::Completion> Queue::take()
{
    std::byte* const used = memory_.bytes() + used_offset;
    const std::uint16_t index = __atomic_load_n(&at<std::uint16_t>(used, ring_index), __ATOMIC_ACQUIRE);
    if (index == taken_) return std::unexpected(abi::Error::not_found);
    const UsedElement element = at<UsedElement>(used, ring_entries + sizeof(UsedElement) * (taken_ % size_));
    if (static_cast<std::uint16_t>(submitted_ - taken_) > size_ || element.first >= size_ || chain_length_[element.first] == 0)
        return std::unexpected(abi::Error::broken);
    ++taken_;
    unsigned place = element.first;
    for (unsigned left = std::exchange(chain_length_[element.first], 0); left > 0; --left) {
        used_[place] = false;
        place = next_[place];
    }
    return Completion { element.first, element.written };
}

Result<Queue::Completion> Queue::wait(std::uint64_t deadline)
{
    for (;;) {
        const auto taken = take();
        if (taken || taken.error() != abi::Error::not_found) return taken;
        // An interrupt that came since the look is counted, so this returns at once then.
        const auto told = result_of(raw::event_wait(event_, deadline));
        if (!told) return std::unexpected(told.error());
    }
}

} // namespace orrery::virtio
