// How much memory the system itself takes: the kernel at boot, and a thousand threads in a small machine.
#include <gtest/gtest.h>

#include "support/guest_run.h"

namespace {

using namespace orrery::guest_test;

TEST(GuestMemory, TheKernelStaysUnderFourMebibytes)
{
    const auto outcome = run_guest({ .program = "hello" });
    ASSERT_TRUE(outcome.has_value()) << outcome.error().sentence;
    ASSERT_TRUE(outcome->passed()) << *outcome;
    EXPECT_GT(outcome->boot_memory, 500u << 10) << "it can't be less than its own image";
    EXPECT_LT(outcome->boot_memory, 4u << 20);
}

TEST(GuestMemory, AThousandThreadsInSixtyFourMebibytes)
{
    for (const unsigned cpus : { 1u, 2u }) {
        const auto outcome = run_guest({ .program = "test-many-threads", .cpus = cpus, .memory_mebibytes = 64 });
        ASSERT_TRUE(outcome.has_value()) << outcome.error().sentence;
        EXPECT_TRUE(outcome->passed()) << *outcome;
    }
}

} // namespace
