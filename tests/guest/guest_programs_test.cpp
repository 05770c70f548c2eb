// Every guest test program must end with status 0, on one processor, on two and on four. The programs are found in the guest's
// build: each whose name starts with "test-".
#include <gtest/gtest.h>

#include "support/guest_run.h"

namespace {

using namespace orrery::guest_test;

class GuestProgram : public testing::TestWithParam<std::tuple<std::string, unsigned>> {};

TEST_P(GuestProgram, EndsWithStatusZero)
{
    const auto& [program, cpus] = GetParam();
    const auto outcome = run_guest({ .program = program, .cpus = cpus });
    ASSERT_TRUE(outcome.has_value()) << outcome.error().sentence;
    EXPECT_TRUE(outcome->passed()) << *outcome;
}

INSTANTIATE_TEST_SUITE_P(All, GuestProgram,
    testing::Combine(testing::ValuesIn(guest_programs("test-")), testing::Values(1u, 2u, 4u)), [](const auto& info) {
        std::string name = std::get<0>(info.param) + "_on_" + std::to_string(std::get<1>(info.param));
        for (char& letter : name)
            if (letter == '-' || letter == '.') letter = '_';
        return name;
    });
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(GuestProgram);

// Without this, a guest build that lost its programs would pass by testing nothing.
TEST(GuestPrograms, AreThere) { EXPECT_FALSE(guest_programs("test-").empty()) << guest_directory(); }

} // namespace
