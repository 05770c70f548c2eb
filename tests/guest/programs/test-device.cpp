// A driver in user space: registers, interrupts and memory of a virtio entropy device. With the arguments `confined` or `open`
// the device must be there, behind an IOMMU or not; without any, only what every machine has is tried.
#include <array>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "scheme_process.h"
#include "servers/virtio/virtio.h"

namespace {

using namespace orrery;
using namespace orrery::test;
namespace raw = orrery::runtime::raw;

std::uint64_t hardware() { return auxiliary(abi::Auxiliary::hardware_handle); }
std::uint64_t soon() { return must(raw::clock_now(), "clock_now") + 20'000'000'000; } // only against a hang

template <typename T>
T expect(abi::Result<T> result, const char* what)
{
    if (result) return *result;
    std::printf("%s failed: %s\n", what, abi::sentence(result.error()));
    std::exit(1);
}
void expect(abi::Result<void> result, const char* what)
{
    if (result) return;
    std::printf("%s failed: %s\n", what, abi::sentence(result.error()));
    std::exit(1);
}

// What every machine has: devices that can be named, and calls that must be refused.
void test_refusals()
{
    CHECK_EQUAL(raw::device_open(hardware(), 999), error(abi::Error::not_found));
    CHECK_EQUAL(raw::device_open(own_space(), 0), error(abi::Error::wrong_kind));
    const std::uint64_t device = must(raw::device_open(hardware(), 0), "device_open");
    const std::uint64_t identity = must(raw::device_read(device, 0), "device_read");
    abi::DeviceStatus status {};
    CHECK_EQUAL(raw::device_status(device, &status), 0);
    CHECK_EQUAL(status.identity, identity);
    CHECK_EQUAL(raw::device_status(device, 8), error(abi::Error::bad_address));
    CHECK_EQUAL(raw::device_read(device, 2), error(abi::Error::invalid_argument));
    CHECK_EQUAL(raw::device_read(device, 256), error(abi::Error::invalid_argument));
    CHECK_EQUAL(raw::device_memory(device, 6), error(abi::Error::not_found));
    CHECK_EQUAL(raw::device_interrupt(device, 99), error(abi::Error::invalid_argument));
    CHECK_EQUAL(raw::device_unmap(device, page), error(abi::Error::not_found));
    const std::uint64_t memory = must(raw::memory_create(page, 0), "memory_create");
    CHECK_EQUAL(raw::device_map(device, memory, 0, page, 0), error(abi::Error::invalid_argument));
    CHECK_EQUAL(raw::device_map(device, memory, 1, page, 1), error(abi::Error::invalid_argument));
    CHECK_EQUAL(raw::device_map(device, memory, 0, 2 * page, 1), error(abi::Error::invalid_argument));
    CHECK_EQUAL(raw::device_map(device, memory, 0, ~0ull & ~(page - 1), 1), error(abi::Error::invalid_argument));
    // The word of the driver that its memory stays where it is, is not enough.
    if (status.confined == 0)
        CHECK_EQUAL(raw::device_map(device, memory, 0, page, abi::device_reads), error(abi::Error::access_denied));
    raw::handle_close(memory);
    raw::handle_close(device);
}

struct Entropy {
    virtio::Device device;
    std::optional<virtio::SharedMemory> buffer;
    std::optional<virtio::Queue> queue;

    void open()
    {
        expect(device.open(static_cast<abi::Handle>(hardware()), virtio::DeviceType::entropy), "opening the device");
        start();
    }
    void start()
    {
        queue.reset();
        buffer.reset();
        (void)expect(device.negotiate(0), "agreeing with the device");
        buffer.emplace();
        expect(buffer->make(device.handle(), device.hardware(), device.confined(), page, abi::device_writes), "its buffer");
        queue.emplace();
        expect(queue->open(device, 0, 0), "its queue");
        device.ready();
    }
    void ask(std::uint64_t address, std::uint32_t length)
    {
        const virtio::Buffer chain[] = { { address, length, true } };
        (void)expect(queue->submit(chain), "a request");
        queue->notify();
    }
};

void test_requests(Entropy& entropy)
{
    std::array<std::byte, 64> before {};
    for (int round = 0; round < 50; ++round) {
        std::memset(entropy.buffer->bytes(), 0, page);
        entropy.ask(entropy.buffer->address(), before.size());
        const auto done = expect(entropy.queue->wait(soon()), "waiting for the device");
        CHECK(done.written > 0);
        CHECK(done.written <= before.size());
        CHECK(std::memcmp(entropy.buffer->bytes(), before.data(), done.written) != 0);
        std::memcpy(before.data(), entropy.buffer->bytes(), before.size());
    }
    // Several on the way at once; each is told once.
    for (unsigned index = 0; index < 8; ++index) entropy.ask(entropy.buffer->address() + 64 * index, 64);
    for (unsigned index = 0; index < 8; ++index) (void)expect(entropy.queue->wait(soon()), "waiting for the device");
    CHECK(entropy.queue->take().error() == abi::Error::not_found);
    CHECK(entropy.queue->wait(must(raw::clock_now(), "clock_now") + 3'000'000).error() == abi::Error::timed_out);
}

// The pages where the device's interrupts are set up are the kernel's.
void test_interrupts_cannot_be_forged(Entropy& entropy)
{
    const std::uint64_t device = entropy.device.handle();
    CHECK_EQUAL(raw::device_interrupt(device, 0), error(abi::Error::already_exists));
    const std::uint64_t second = must(raw::device_interrupt(device, 1), "device_interrupt");
    CHECK_EQUAL(raw::event_signal(second), error(abi::Error::access_denied));
    CHECK_EQUAL(raw::event_wait(second, must(raw::clock_now(), "clock_now") + 1'000'000), error(abi::Error::timed_out));
    raw::handle_close(second);
    raw::handle_close(must(raw::device_interrupt(device, 1), "device_interrupt")); // free again
    unsigned refused = 0, seen = 0;
    for (unsigned region = 0; region < 6; ++region) {
        const std::int64_t memory = raw::device_memory(device, region);
        if (memory < 0) continue;
        const std::uint64_t size = must(raw::memory_size(memory), "memory_size");
        CHECK_EQUAL(raw::memory_clone(memory, 0, page), error(abi::Error::access_denied));
        CHECK_EQUAL(raw::device_map(device, memory, 0, page, abi::device_reads), error(abi::Error::access_denied));
        const std::uint64_t place = must(raw::memory_map(own_space(), memory, 0, 0, size, read_write), "memory_map");
        for (std::uint64_t offset = 0; offset < size; offset += page) {
            ++seen;
            // The kernel reads the name there; of what can't be mapped it can't.
            if (raw::space_create(place + offset, 4) == error(abi::Error::bad_address)) ++refused;
        }
        must(raw::memory_unmap(own_space(), place, size), "memory_unmap");
        raw::handle_close(memory);
    }
    CHECK(refused >= 1);
    CHECK(seen > refused);
}

// What the device was not given it does not reach, and the kernel tells where it went.
void test_confinement(Entropy& entropy)
{
    const std::uint64_t before = entropy.device.status().faults;
    constexpr std::uint64_t nowhere = 0x7700'0000;
    entropy.ask(nowhere, 64);
    while (entropy.device.status().faults == before) raw::thread_yield();
    const abi::DeviceStatus status = entropy.device.status();
    CHECK_EQUAL(status.fault_address, nowhere);
    CHECK_EQUAL(status.fault_writes, 1);
    CHECK_EQUAL(status.confined, 1);

    // Memory that was taken back from the device, while the driver still has it.
    entropy.start();
    const std::uint64_t gone = entropy.buffer->address();
    std::memset(entropy.buffer->bytes(), 'x', page);
    const std::uint64_t then = entropy.device.status().faults;
    entropy.buffer->take_from_device();
    entropy.ask(gone, 64);
    while (entropy.device.status().faults == then) raw::thread_yield();
    CHECK_EQUAL(entropy.device.status().fault_address, gone);
    for (std::uint64_t index = 0; index < page; ++index) CHECK(entropy.buffer->bytes()[index] == std::byte { 'x' });
    entropy.start(); // and all is well again
    test_requests(entropy);
}

// A page that is shared with a clone: the device writes to that of the object which it was given, and to no other.
void test_shared_pages(Entropy& entropy)
{
    const std::uint64_t memory = must(raw::memory_create(page, 0), "memory_create");
    const auto* bytes = reinterpret_cast<std::byte*>(
        must(raw::memory_map(own_space(), memory, 0, 0, page, read_write), "memory_map"));
    std::memset(const_cast<std::byte*>(bytes), 'x', page);
    const std::uint64_t copy = must(raw::memory_clone(memory, 0, page), "memory_clone");
    const auto* copied = reinterpret_cast<std::byte*>(
        must(raw::memory_map(own_space(), copy, 0, 0, page, read_write), "memory_map"));
    const std::uint64_t address
        = must(raw::device_map(entropy.device.handle(), memory, 0, page, abi::device_writes), "device_map");
    entropy.ask(address, 64);
    const auto done = expect(entropy.queue->wait(soon()), "waiting for the device");
    CHECK(std::memcmp(bytes, copied, done.written) != 0);
    for (std::uint64_t index = 0; index < page; ++index) CHECK(copied[index] == std::byte { 'x' });
    CHECK_EQUAL(raw::device_unmap(entropy.device.handle(), address), 0);
    must(raw::memory_unmap(own_space(), reinterpret_cast<std::uint64_t>(bytes), page), "memory_unmap");
    must(raw::memory_unmap(own_space(), reinterpret_cast<std::uint64_t>(copied), page), "memory_unmap");
    raw::handle_close(copy);
    raw::handle_close(memory);
}

// With the last handle of a device its registers and interrupts are gone, also for who has them already.
void test_end_of_use()
{
    constexpr std::uint32_t entropy_identity = 0x1044'1af4;
    std::uint64_t device = 0;
    for (std::uint64_t index = 0; device == 0; ++index) {
        device = must(raw::device_open(hardware(), index), "device_open");
        if (raw::device_read(device, 0) == entropy_identity) break;
        raw::handle_close(std::exchange(device, 0));
    }
    const std::uint64_t interrupt = must(raw::device_interrupt(device, 0), "device_interrupt");
    // The kernel reads a name there; whether it is a good one does not matter.
    const auto is_readable
        = [](std::uint64_t place) { return raw::space_create(place, 4) != error(abi::Error::bad_address); };
    std::vector<std::uint64_t> places;
    for (unsigned region = 0; region < 6; ++region) {
        const std::int64_t memory = raw::device_memory(device, region);
        if (memory < 0) continue;
        const std::uint64_t place = must(raw::memory_map(own_space(), memory, 0, 0, page, read_write), "memory_map");
        raw::handle_close(memory);
        if (is_readable(place)) places.push_back(place);
        else must(raw::memory_unmap(own_space(), place, page), "memory_unmap");
    }
    CHECK(!places.empty());
    raw::handle_close(device);
    for (const std::uint64_t place : places) {
        CHECK(!is_readable(place));
        must(raw::memory_unmap(own_space(), place, page), "memory_unmap");
    }
    CHECK_EQUAL(raw::event_wait(interrupt, soon()), error(abi::Error::peer_closed));
    raw::handle_close(interrupt);
}

// A driver that is killed with requests on the way: the device is free for the next one, and its memory for others.
void test_dying_driver()
{
    for (int round = 0; round < 4; ++round) {
        const auto driver = start("test-device", "drive",
            { { abi::Auxiliary::hardware_handle, static_cast<abi::Handle>(hardware()), abi::right_manage } });
        const std::uint64_t now = must(raw::clock_now(), "clock_now");
        (void)raw::space_wait(driver.space, now + static_cast<std::uint64_t>(round) * 4'000'000); // at whatever point of it
        CHECK_EQUAL(orrery_kill(driver.space, SIGKILL), 0);
        const auto status = process::wait_for_end(driver);
        CHECK(status.has_value());
        CHECK_EQUAL(status->signal, SIGKILL);
    }
    Entropy entropy;
    entropy.open();
    test_requests(entropy);
}

[[noreturn]] void drive_for_ever()
{
    Entropy entropy;
    entropy.open();
    for (;;) {
        entropy.ask(entropy.buffer->address(), 64);
        (void)entropy.queue->wait(abi::no_deadline);
    }
}

} // namespace

int main(int count, char** arguments)
{
    if (count > 1 && std::strcmp(arguments[1], "drive") == 0) drive_for_ever();
    test_refusals();
    if (count < 2) return 0;
    const bool confined = std::strcmp(arguments[1], "confined") == 0;
    {
        Entropy entropy;
        entropy.open();
        CHECK_EQUAL(entropy.device.confined(), confined);
        test_requests(entropy);
        test_interrupts_cannot_be_forged(entropy);
        if (confined) test_confinement(entropy);
        if (confined) test_shared_pages(entropy);
    }
    test_end_of_use();
    test_dying_driver();
    return 0;
}
