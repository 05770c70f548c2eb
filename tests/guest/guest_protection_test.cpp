// What the processor is told to protect on every CPU, seen from outside: supervisor code neither runs nor reads user pages by
// accident, programs are not told where the kernel's tables are, and a page without memory lies under each kernel stack.
#include <array>
#include <gtest/gtest.h>

#include "inspector/core/session/session.h"
#include "kernel/cpu/layout.h"
#include "support/guest_run.h"

namespace {

using namespace orrery;
using namespace orrery::guest_test;

constexpr std::uint64_t page = 4096;

// A machine that has come as far as its first program, and stands still.
std::unique_ptr<inspector::Session> stopped_machine(unsigned cpus)
{
    const auto kernel = KernelImage::load(kernel_path());
    if (!kernel) return nullptr;
    const auto place = kernel->address("orrery_descriptor");
    if (!place) return nullptr;
    const auto descriptor = kernel->physical(*place);
    auto options = launch_options({ .program = "demo", .cpus = cpus });
    options.stopped_at_start = true;
    auto session = inspector::Session::launch(options);
    if (!descriptor || !session) return nullptr;
    for (std::uint64_t started = 0; started == 0;) {
        if (!(*session)->run() || !(*session)->pause()) return nullptr;
        const auto value = (*session)->memory().value<std::uint64_t>(
            *descriptor + offsetof(orrery::abi::Descriptor, first_user_instruction_tsc));
        if (!value) return nullptr;
        started = *value;
    }
    return std::move(*session);
}

TEST(GuestProtection, IsOnEverywhere)
{
    constexpr unsigned cpus = 2;
    const auto session = stopped_machine(cpus);
    ASSERT_TRUE(session);
    for (unsigned cpu = 0; cpu < cpus; ++cpu) {
        const auto registers = session->registers(cpu);
        ASSERT_TRUE(registers.has_value());
        // Intel SDM volume 3 section 2.5 and 2.2.1.
        EXPECT_TRUE(registers->cr4 >> 20 & 1) << "SMEP on CPU " << cpu;
        EXPECT_TRUE(registers->cr4 >> 21 & 1) << "SMAP on CPU " << cpu;
        EXPECT_TRUE(registers->cr4 >> 11 & 1) << "UMIP on CPU " << cpu;
        EXPECT_TRUE(registers->cr0 >> 16 & 1) << "write protection also for the kernel, on CPU " << cpu;
        EXPECT_TRUE(registers->efer >> 11 & 1) << "pages that are not executed, on CPU " << cpu;
    }
}

struct Pages {
    std::uint64_t seen = 0, writable_code = 0;
};

// Intel SDM volume 3 section 4.5: bit 0 present, 1 writable, 7 a page of 2 MiB or 1 GiB, 63 not executable. What every level
// allows is allowed.
void count_pages(const inspector::Session& session, std::uint64_t table, unsigned level, bool writable, bool executable, Pages& pages)
{
    for (std::uint64_t index = level == 4 ? 256 : 0; index < 512; ++index) {
        const auto entry = session.memory().value<std::uint64_t>(table + index * 8);
        ASSERT_TRUE(entry.has_value());
        if ((*entry & 1) == 0) continue;
        const bool may_write = writable && (*entry >> 1 & 1) != 0;
        const bool may_run = executable && (*entry >> 63) == 0;
        if (level > 1 && (*entry >> 7 & 1) == 0) {
            count_pages(session, *entry & 0x000f'ffff'ffff'f000, level - 1, may_write, may_run, pages);
            continue;
        }
        ++pages.seen;
        if (may_write && may_run) ++pages.writable_code;
    }
}

TEST(GuestProtection, NothingInTheKernelsHalfIsBothWrittenAndExecuted)
{
    const auto session = stopped_machine(1);
    ASSERT_TRUE(session);
    const auto root = session->page_table_root(0);
    ASSERT_TRUE(root.has_value());
    Pages pages;
    count_pages(*session, *root & ~(page - 1), 4, true, true, pages);
    EXPECT_GT(pages.seen, 64u) << "the direct map and the kernel itself";
    EXPECT_EQ(pages.writable_code, 0u);
}

TEST(GuestProtection, KernelStacksHavePagesWithoutMemoryBetween)
{
    const auto session = stopped_machine(1);
    ASSERT_TRUE(session);
    const auto root = session->page_table_root(0);
    ASSERT_TRUE(root.has_value());
    constexpr std::uint64_t stack_pages = 4, stride = stack_pages + 1;
    std::array<std::byte, 8> bytes {};
    unsigned stacks = 0;
    for (std::uint64_t index = 0;; ++index, ++stacks) {
        const std::uint64_t guard = kernel::kernel_stack_area + index * stride * page;
        EXPECT_FALSE(session->read_virtual(*root, guard, bytes).has_value()) << "stack " << index;
        EXPECT_FALSE(session->read_virtual(*root, guard + page - 8, bytes).has_value()) << "stack " << index;
        if (!session->read_virtual(*root, guard + page, bytes)) break;
        EXPECT_TRUE(session->read_virtual(*root, guard + stride * page - 8, bytes).has_value());
    }
    EXPECT_GE(stacks, 1u);
}

} // namespace
