// The guest knows the date that its machine's battery clock has.
#include <gtest/gtest.h>

#include "support/guest_run.h"

namespace {

using namespace orrery::guest_test;

TEST(GuestDate, IsThatOfTheBatteryClock)
{
    const std::pair<const char*, const char*> dates[] = {
        { "2026-11-27T23:59:30", "1795823970" },
        { "2024-02-29T12:00:00", "1709208000" },
        { "1999-12-31T00:00:00", "946598400" },
    };
    for (const auto& [date, second] : dates) {
        const auto outcome = run_guest(
            { .program = std::string("test-date,0") + second, .extra_arguments = { "-rtc", std::string("base=") + date } });
        ASSERT_TRUE(outcome.has_value()) << outcome.error().sentence;
        EXPECT_TRUE(outcome->passed()) << date << ": " << *outcome;
    }
}

// QEMU's clock does not go without a date, but it can have one that POSIX does not count.
TEST(GuestDate, SaysWhenThereIsNone)
{
    const auto outcome
        = run_guest({ .program = "test-date,0", .extra_arguments = { "-rtc", "base=1965-01-01T00:00:00" } });
    ASSERT_TRUE(outcome.has_value()) << outcome.error().sentence;
    EXPECT_TRUE(outcome->passed()) << "it starts in 1970: " << *outcome;
    EXPECT_NE(outcome->console.find("CLOCK_REALTIME starts in 1970"), std::string::npos) << *outcome;
}

} // namespace
