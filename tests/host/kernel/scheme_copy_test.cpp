// Schemes: copies between a server and the buffer of a call, also of pages that have to be copied themselves first.
#include "scheme_fixture.h"

#include <atomic>
#include <cstring>
#include <memory>
#include <thread>

#include "kernel/cpu/apic.h"
#include "kernel/cpu/machine.h"
#include "kernel/thread/scheduler.h"

namespace orrery::kernel::host {
namespace {

TEST_F(Schemes, buffers_are_copied_as_far_as_the_caller_allows)
{
    constexpr VirtualAddress place = 0x40'0000, here = 0x50'0000;
    const auto memory = *MemoryObject::create(4 * page_size);
    ASSERT_TRUE(client_->map(memory, 0, place, 2 * page_size, read_write));
    ASSERT_TRUE(server_->map(memory, 2 * page_size, here, 2 * page_size, read_write));
    std::memset(user_memory(*client_, place), 'a', page_size);
    std::memset(user_memory(*client_, place + page_size), 'b', page_size);
    const auto thread = run_client([&] {
        Operation operation = operation_of(0, abi::sqe_readable_buffer);
        operation.entry.arguments[abi::buffer_argument] = place + 100;
        operation.entry.arguments[abi::buffer_argument + 1] = page_size;
        EXPECT_TRUE(scheme_->call(operation, never));
        operation.entry.flags = abi::sqe_writable_buffer;
        EXPECT_TRUE(scheme_->call(operation, never));
        operation.entry.arguments[abi::buffer_argument] = 0x90'0000; // nothing is there
        EXPECT_TRUE(scheme_->call(operation, never));
        const auto* bytes = static_cast<const char*>(user_memory(*client_, place + page_size));
        EXPECT_EQ(std::string(bytes + 82, 20), "bb" + std::string(16, 'c') + "bb");
    });
    serve([&] {
        using enum abi::SchemeCopy;
        auto entry = *scheme_->receive(nullptr, never);
        EXPECT_TRUE(scheme_->copy(entry.tag, 0, here, page_size, from_caller));
        const auto* bytes = static_cast<const char*>(user_memory(*server_, here));
        EXPECT_EQ(bytes[0], 'a');
        EXPECT_EQ(bytes[page_size - 1], 'b');
        EXPECT_EQ(error_of(scheme_->copy(entry.tag, 0, here, 8, to_caller)), Error::access_denied);
        EXPECT_EQ(error_of(scheme_->copy(entry.tag, page_size - 7, here, 8, from_caller)), Error::invalid_argument);
        EXPECT_EQ(error_of(scheme_->copy(entry.tag, ~std::uint64_t { 0 }, here, 8, from_caller)), Error::invalid_argument);
        EXPECT_EQ(error_of(scheme_->copy(entry.tag, 0, 0x90'0000, 8, from_caller)), Error::bad_address);
        EXPECT_EQ(error_of(scheme_->copy(entry.tag + 1, 0, here, 8, from_caller)), Error::not_found);
        abi::Cqe answer = answer_to(entry, 0);
        entry = *scheme_->receive(&answer, never);
        std::memset(user_memory(*server_, here), 'c', 16);
        EXPECT_TRUE(scheme_->copy(entry.tag, page_size - 16, here, 16, to_caller));
        answer = answer_to(entry, 0);
        entry = *scheme_->receive(&answer, never);
        EXPECT_EQ(error_of(scheme_->copy(entry.tag, 0, here, 8, to_caller)), Error::bad_address);
        EXPECT_TRUE(scheme_->reply(answer_to(entry, 0)));
    });
    machine_.run_ready();
}

// A space without a thread that maps an object, and whose last handle is closed while a page is being taken out of all
// page tables: then whoever does that has the last reference, and with it the space's end.
class DyingMapper {
public:
    DyingMapper(Ref<AddressSpace> space, const Ref<MemoryObject>& object) : space_(std::move(space))
    {
        EXPECT_TRUE(space_->map(object, 0, 0x60'0000, page_size, read_write));
        EXPECT_TRUE(space_->resolve_fault(0x60'0000, abi::protection_read));
        space_->loaded_on = 1u << cpu; // so it is asked to forget the page
        thread_ = std::thread([this] {
            current_cpu = &cpus[cpu];
            while (!interrupt_is_pending(cpu, vector_shootdown)) std::this_thread::yield();
            space_->loaded_on = 0;
            space_ = nullptr;
            spin_wait_hook();
        });
    }
    ~DyingMapper() { thread_.join(); }
    DyingMapper(const DyingMapper&) = delete;
    DyingMapper& operator=(const DyingMapper&) = delete;

private:
    static constexpr unsigned cpu = 1;
    QuietCpu quiet_ { cpu };
    Ref<AddressSpace> space_;
    std::thread thread_;
};

char first_of(MemoryObject& object)
{
    return *static_cast<const char*>(frame_allocator.memory_of(object.access(0, false)->frame));
}

// Each side's page is shared copy-on-write in turn. The spaces' ends take locks that come before the scheme's.
TEST_F(Schemes, no_space_ends_under_the_lock_of_a_scheme)
{
    constexpr VirtualAddress place = 0x40'0000, here = 0x50'0000;
    const auto theirs = *MemoryObject::create(page_size);
    const auto own = *MemoryObject::create(page_size);
    ASSERT_TRUE(client_->map(theirs, 0, place, page_size, read_write));
    ASSERT_TRUE(server_->map(own, 0, here, page_size, read_write));
    std::memset(user_memory(*client_, place), 'a', page_size);
    std::memset(user_memory(*server_, here), 'b', page_size);
    const auto thread = run_client([&] {
        Operation operation = operation_of(0, abi::sqe_readable_buffer | abi::sqe_writable_buffer);
        operation.entry.arguments[abi::buffer_argument] = place;
        operation.entry.arguments[abi::buffer_argument + 1] = page_size;
        EXPECT_TRUE(scheme_->call(operation, never));
    });
    serve([&] {
        const auto entry = *scheme_->receive(nullptr, never);
        {
            const auto before = *theirs->clone(0, page_size);
            const DyingMapper mapper(machine_.make_space("mapper"), theirs);
            EXPECT_TRUE(scheme_->copy(entry.tag, 0, here, 16, abi::SchemeCopy::to_caller));
            EXPECT_EQ(first_of(*before), 'a');
        }
        EXPECT_EQ(*static_cast<const char*>(user_memory(*client_, place)), 'b');
        {
            const auto before = *own->clone(0, page_size);
            const DyingMapper mapper(machine_.make_space("mapper"), own);
            EXPECT_TRUE(scheme_->copy(entry.tag, 16, here, 16, abi::SchemeCopy::from_caller));
            EXPECT_EQ(first_of(*before), 'b');
        }
        EXPECT_EQ(*static_cast<const char*>(user_memory(*server_, here)), 'a');
        EXPECT_TRUE(scheme_->reply(answer_to(entry, 0)));
    });
    machine_.run_ready();
}

class AbsentPager final : public Pager {
public:
    Status fetch(std::uint64_t, bool) override { return fail(Error::not_found); }
    std::uint32_t number() const override { return 0; }
};

// A page of the caller's is written back again and again while the server writes to it: whatever it wrote last must be
// written back once more.
TEST_F(Schemes, no_change_by_a_server_is_lost_to_the_write_back)
{
    constexpr VirtualAddress place = 0x40'0000, here = 0x50'0000;
    constexpr std::uint64_t last_word = page_size - 8;
    const auto file = *MemoryObject::create_paged(page_size, std::make_unique<AbsentPager>());
    const auto own = *MemoryObject::create(page_size), source = *MemoryObject::create(page_size);
    ASSERT_TRUE(source->page(0));
    ASSERT_TRUE(file->supply(0, *source, 0));
    ASSERT_TRUE(client_->map(file, 0, place, page_size, read_write));
    ASSERT_TRUE(server_->map(own, 0, here, page_size, read_write));
    auto* const wanted = static_cast<std::uint64_t*>(user_memory(*server_, here + last_word));
    const auto* const present = static_cast<const std::uint64_t*>(user_memory(*client_, place + last_word));
    std::atomic<std::uint64_t> written { 0 }, passes { 0 };
    std::atomic<bool> over { false };
    const auto thread = run_client([&] {
        Operation operation = operation_of(0, abi::sqe_writable_buffer);
        operation.entry.arguments[abi::buffer_argument] = place;
        operation.entry.arguments[abi::buffer_argument + 1] = page_size;
        EXPECT_TRUE(scheme_->call(operation, never));
    });
    const QuietCpu quiet(1);
    std::thread pager([&] {
        current_cpu = &cpus[1];
        for (std::uint64_t changed[1]; !over; ++passes) {
            if (*file->collect_changed(0, changed) == 0) continue;
            written = __atomic_load_n(present, __ATOMIC_RELAXED);
            EXPECT_TRUE(file->settle(0, page_size, abi::Settlement::written));
        }
    });
    serve([&] {
        const auto entry = *scheme_->receive(nullptr, never);
        for (std::uint64_t round = 1; round <= 2000 && !HasFailure(); ++round) {
            *wanted = round;
            EXPECT_TRUE(scheme_->copy(entry.tag, 0, here, page_size, abi::SchemeCopy::to_caller));
            const std::uint64_t pass = passes;
            while (passes < pass + 2) spin_wait_hook();
            EXPECT_EQ(written, round);
        }
        EXPECT_TRUE(scheme_->reply(answer_to(entry, 0)));
    });
    machine_.run_ready();
    over = true;
    pager.join();
}

} // namespace
} // namespace orrery::kernel::host
