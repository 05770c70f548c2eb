// A hostile peer driven by the fuzzer: the input is a list of writes into the shared memory and of operations of the
// victim, among them writes while the victim "sleeps" in the kernel. AddressSanitizer guards the memory; this file
// guards what an honest caller may rely on.
//
// Input: 1 byte capacity, 1 byte "how", 4 bytes start index; then steps of 1 byte operation and its arguments.
#include "abi/ring_queue.h"

#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <span>

namespace {

using namespace orrery::abi;

void require(bool condition)
{
    if (!condition)
        std::abort();
}

// Bytes of the input; zeroes after its end.
class Input {
public:
    explicit Input(std::span<const std::uint8_t> bytes)
        : bytes_(bytes)
    {
    }
    template <typename T>
    T take()
    {
        T value {};
        const std::size_t size = std::min(sizeof value, bytes_.size());
        std::memcpy(&value, bytes_.data(), size);
        bytes_ = bytes_.subspan(size);
        return value;
    }
    bool empty() const { return bytes_.empty(); }

private:
    std::span<const std::uint8_t> bytes_;
};

struct SharedMemory {
    void* bytes;
    std::size_t size;
    std::size_t words() const { return size / sizeof(std::uint32_t); }
};

// Mostly the words that matter, as they are or nearly.
void write_something(Input& input, SharedMemory memory)
{
    auto* const words = static_cast<std::uint32_t*>(memory.bytes);
    const std::uint8_t where = input.take<std::uint8_t>();
    const std::size_t index = where < 192 ? where % (sizeof(RingHeader) / sizeof(std::uint32_t))
                                          : input.take<std::uint32_t>() % memory.words();
    const std::int8_t step = input.take<std::int8_t>();
    words[index] = step == 0 ? input.take<std::uint32_t>()
                             : words[index] + static_cast<std::uint32_t>(std::int32_t { step });
}

struct HostileSystem {
    Input* input;
    SharedMemory memory;
    void wake(RingSide) { write_something(*input, memory); }
    Error wait(RingSide, std::uint64_t)
    {
        if (input->empty())
            return Error::timed_out;
        write_something(*input, memory);
        return static_cast<Error>(input->take<std::uint8_t>() % 20);
    }
};

void run(Input& input, SharedMemory memory)
{
    const HostileSystem system { &input, memory };
    auto producer = RingProducer<Sqe, HostileSystem>::attach(memory.bytes, memory.size, 0, system);
    auto consumer = RingConsumer<Sqe, HostileSystem>::attach(memory.bytes, memory.size, 0, system);
    std::array<Sqe, 40> entries {};
    while (!input.empty()) {
        const std::uint8_t operation = input.take<std::uint8_t>();
        const std::size_t count = operation / 16 * 3 % entries.size();
        switch (operation % 10) {
        case 0:
        case 1:
        case 2: write_something(input, memory); break;
        case 3:
            if (producer) {
                const std::uint32_t before = producer->index();
                const RingResult result = producer->push(entries[0]);
                require(producer->index() - before == (result == RingResult::done ? 1 : 0));
                require(result != RingResult::empty);
            }
            break;
        case 4:
            if (consumer) {
                const std::uint32_t before = consumer->index();
                const RingResult result = consumer->pop(entries[0]);
                require(consumer->index() - before == (result == RingResult::done ? 1 : 0));
                require(result != RingResult::full);
            }
            break;
        case 5:
            if (producer) {
                const RingBatch batch = producer->push_batch(std::span(entries).first(count));
                require(batch.count <= count && batch.count <= producer->capacity());
            }
            break;
        case 6:
            if (consumer) {
                const RingBatch batch = consumer->pop_batch(std::span(entries).first(count));
                require(batch.count <= count && batch.count <= consumer->capacity());
            }
            break;
        case 7:
            if (producer)
                producer->push_wait(entries[0], 0, operation / 64);
            break;
        case 8:
            if (consumer)
                consumer->pop_wait(entries[0], 0, operation / 64);
            break;
        case 9:
            if (consumer && consumer->prepare_wait())
                consumer->cancel_wait();
            break;
        }
        // Broken is final.
        if (producer && producer->broken_reason() != BrokenReason::none)
            require(producer->push(entries[0]) == RingResult::broken && !producer->prepare_wait());
        if (consumer && consumer->broken_reason() != BrokenReason::none)
            require(consumer->pop(entries[0]) == RingResult::broken && !consumer->prepare_wait());
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    Input input({ data, size });
    const std::uint32_t capacity = 1u << input.take<std::uint8_t>() % 6;
    const std::uint8_t how = input.take<std::uint8_t>();
    const std::uint32_t start = input.take<std::uint32_t>();
    const std::size_t bytes = ring_entries_offset + capacity * sizeof(Sqe);
    const std::unique_ptr<void, decltype(&std::free)> memory(std::aligned_alloc(64, bytes), std::free);
    std::memset(memory.get(), 0, bytes);
    auto& header = *static_cast<RingHeader*>(memory.get());
    header.magic = ring_magic;
    header.entry_size = sizeof(Sqe);
    header.capacity = capacity;
    header.entries_offset = ring_entries_offset;
    header.producer.index = start;
    header.consumer.index = start;
    // Garbage before attach, in one of four runs.
    for (unsigned i = 0; how % 4 == 3 && i < 1u + how / 64; ++i)
        write_something(input, { memory.get(), bytes });
    run(input, { memory.get(), bytes });
    return 0;
}
