// Names of phases, where they are, and what a stop at one says.
#include <cstddef>
#include <cstring>
#include <gmock/gmock.h>

#include "inspector/core/phases/stepper.h"

namespace orrery::inspector {
namespace {

using abi::Phase;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(PhaseSets, AreParsedFromNames)
{
    EXPECT_EQ(*parse_phases("signal.raised"), only(Phase::signal_raised));
    EXPECT_EQ(*parse_phases(" signal.raised , ring.pushed "), only(Phase::signal_raised) | only(Phase::ring_pushed));
    EXPECT_EQ(*parse_phases("any"), all_phases());
    EXPECT_EQ(parse_phases("ring.*")->count(), 5u);
    EXPECT_EQ(*parse_phases("ring"), *parse_phases("ring.*"));
    EXPECT_EQ(phases_text(*parse_phases("signal.raised,ring.pushed")), "signal.raised, ring.pushed");
    EXPECT_EQ(phases_text(all_phases()), "any");
    EXPECT_EQ(phases_text({}), "none");
}

TEST(PhaseSets, UnknownNamesAreRefusedWithWhatThereIs)
{
    for (const char* text : { "", "signal.", "signal.rised", "signal.raised,", "ring.*x", ".*" }) {
        const auto result = parse_phases(text);
        ASSERT_FALSE(result) << text;
        EXPECT_THAT(result.error().sentence, HasSubstr("there is no phase '"));
        EXPECT_THAT(result.error().sentence, HasSubstr("there are: any, signal.raised, signal.merged"));
    }
}

TEST(PhaseSets, EveryPhaseHasItsName)
{
    for (std::size_t i = 0; i < abi::phase_count; ++i)
        EXPECT_EQ(phase_named(abi::phase_table[i].step_name), static_cast<Phase>(i));
    EXPECT_EQ(phase_named("signal"), std::nullopt);
}

class CatalogTest : public testing::Test {
protected:
    DebugInfoPointer program = DebugInfo::load(SUBJECT_PATH).value();
};

TEST_F(CatalogTest, FindsEveryPlaceOfAPhase)
{
    const PhaseCatalog catalog(nullptr, { { "ping", program } });
    EXPECT_EQ(catalog.places().size(), 4u);
    EXPECT_EQ(catalog.addresses(only(Phase::ring_pushed)).size(), 2u);
    EXPECT_TRUE(catalog.addresses(only(Phase::signal_raised)).empty()) << "that probe is of another provider";
    const auto address = catalog.addresses(only(Phase::signal_handled)).at(0);
    ASSERT_EQ(catalog.at(address).size(), 1u);
    EXPECT_EQ(catalog.at(address)[0]->program, "ping");
    EXPECT_TRUE(catalog.at(program->entry() + 0x10000).empty()) << "no code, so no phase";
}

TEST_F(CatalogTest, TellsOfProbesThatAreNoPhaseAndPhasesWithoutProbe)
{
    const PhaseCatalog catalog(program, {});
    EXPECT_THAT(catalog.problems(), testing::Contains("phases.elf has the probe no__phase, which is no phase"));
    EXPECT_THAT(catalog.problems(), testing::Contains("the kernel has no probe for the phase signal.noticed"));
    EXPECT_THAT(catalog.problems(), testing::Not(testing::Contains(HasSubstr("signal.raised")))) << "users raise, too";
}

TEST_F(CatalogTest, ProgramsAtTheSameAddressAreToldApart)
{
    const PhaseCatalog catalog(nullptr, { { "ping", program }, { "pong", program } });
    EXPECT_EQ(catalog.addresses(only(Phase::ring_pushed)).size(), 2u) << "each address once";
    EXPECT_EQ(catalog.at(catalog.addresses(only(Phase::ring_pushed))[0]).size(), 2u);
    EXPECT_TRUE(catalog.addresses(only(Phase::ring_pushed), std::set<std::string> { "other" }).empty());
}

class NoMemory final : public VirtualMemory {
    bool read(std::uint64_t, std::span<std::byte>) const override { return false; }
};

TEST_F(CatalogTest, ArgumentsAndCauseComeFromTheRegisters)
{
    const PhaseCatalog catalog(nullptr, { { "ping", program } });
    RegisterFile registers;
    registers.general[static_cast<unsigned>(abi::SavedRegister::rdi)] = 3;
    registers.general[static_cast<unsigned>(abi::SavedRegister::rsi)] = 1000;
    const auto pushed = PhaseCatalog::arguments(*catalog.at(catalog.addresses(only(Phase::ring_pushed))[0])[0], registers, NoMemory());
    ASSERT_TRUE(pushed) << pushed.error().sentence;
    EXPECT_THAT(pushed->values, ElementsAre(3, 1000, 7));
    EXPECT_EQ(pushed->cause, std::nullopt);
    const auto framed = PhaseCatalog::arguments(*catalog.at(catalog.addresses(only(Phase::signal_framed))[0])[0], registers, NoMemory());
    EXPECT_EQ(framed->cause, 99u);
}

TEST(Hits, SayWhatHappened)
{
    PhaseHit hit;
    hit.phase = Phase::signal_raised;
    hit.cpu = 1;
    hit.thread = 3;
    hit.space_name = "ping";
    hit.arguments = { 5, 10, 3 };
    EXPECT_EQ(hit_text(hit), "signal.raised on CPU 1 by thread 3 (ping): target 5, signal SIGUSR1, sender 3: a signal was sent");
    hit.phase = Phase::thread_ended;
    EXPECT_THAT(hit_text(hit), testing::Not(HasSubstr("unused")));
    hit.problem = "argument '8@%rax' lies nowhere";
    EXPECT_THAT(hit_text(hit), testing::EndsWith(": argument '8@%rax' lies nowhere"));
}

class OneFrame final : public VirtualMemory {
    bool read(std::uint64_t address, std::span<std::byte> target) const override
    {
        const std::uint64_t cause = 77;
        if (address != 0x7000 + offsetof(abi::SignalFrame, cause)) return false;
        std::memcpy(target.data(), &cause, 8);
        return true;
    }
};

TEST(Causes, ComeFromFrameSlotOrFault)
{
    Snapshot snapshot;
    ThreadView thread;
    thread.id = 5;
    thread.space = 2;
    thread.signals.thread_slots.push_back({ 10, { .cause = 41 } });
    thread.signals.process_slots.push_back({ 15, { .cause = 42 } });
    thread.signals.fault.signal = 11;
    thread.signals.fault.cause = 43;
    snapshot.threads.push_back(thread);
    const auto cause = [&](Phase phase, std::array<std::uint64_t, 3> arguments) {
        return cause_from_model(snapshot, phase, arguments, OneFrame());
    };
    EXPECT_EQ(cause(Phase::signal_handled, { 0x7000, 10, 0 }), 77u);
    EXPECT_EQ(cause(Phase::signal_handled, { 0x9000, 10, 0 }), 0u) << "the frame can't be read";
    EXPECT_EQ(cause(Phase::signal_raised, { 5, 10, 1 }), 41u);
    EXPECT_EQ(cause(Phase::signal_raised, { abi::target_is_space | 2, 15, 1 }), 42u) << "at the space";
    EXPECT_EQ(cause(Phase::signal_raised, { 9, 10, 1 }), 0u);
    EXPECT_EQ(cause(Phase::signal_noticed, { 5, abi::signal_mask64(10) | abi::signal_mask64(15), 0 }), 41u) << "the lowest";
    EXPECT_EQ(cause(Phase::signal_diverted, { 5, 11, 0 }), 43u);
    EXPECT_EQ(cause(Phase::signal_diverted, { 5, 0, 0 }), 0u);
    EXPECT_EQ(cause(Phase::ring_pushed, { 5, 10, 0 }), 0u);
}

} // namespace
} // namespace orrery::inspector
