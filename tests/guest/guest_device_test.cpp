// Drivers in user space on machines with a real (emulated) device: behind an IOMMU, and without one.
#include <gtest/gtest.h>

#include "support/guest_run.h"

namespace {

using namespace orrery::guest_test;

class GuestDevice : public testing::TestWithParam<unsigned> {};

void run(const std::string& mode, unsigned cpus, std::vector<std::string> arguments, unsigned mebibytes = 128)
{
    const auto outcome = run_guest({ .program = "test-device," + mode,
        .cpus = cpus,
        .memory_mebibytes = mebibytes,
        .extra_arguments = std::move(arguments) });
    ASSERT_TRUE(outcome.has_value()) << outcome.error().sentence;
    EXPECT_TRUE(outcome->passed()) << *outcome;
}

TEST_P(GuestDevice, BehindAnIommu)
{
    run("confined", GetParam(),
        { "-device", "intel-iommu,intremap=off", "-device", "virtio-rng-pci,disable-legacy=on,iommu_platform=on" });
}

TEST_P(GuestDevice, BehindAnIommuWithFourLevels)
{
    run("confined", GetParam(),
        { "-device", "intel-iommu,intremap=off,aw-bits=48,caching-mode=on", "-device",
            "virtio-rng-pci,disable-legacy=on,iommu_platform=on" });
}

TEST_P(GuestDevice, WithoutAnIommu) { run("open", GetParam(), { "-device", "virtio-rng-pci,disable-legacy=on" }); }

// The machine's memory goes on above the place where devices have their registers.
TEST_P(GuestDevice, BelowMuchMemory)
{
    run("open", GetParam(), { "-device", "virtio-rng-pci,disable-legacy=on" }, 4096);
}

INSTANTIATE_TEST_SUITE_P(Cpus, GuestDevice, testing::Values(1u, 2u, 4u), testing::PrintToStringParamName());

} // namespace
