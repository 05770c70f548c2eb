// SDT argument strings, notes, and the values of arguments in a running program.
#include <algorithm>
#include <gmock/gmock.h>

#include "subject.h"

namespace orrery::inspector {
namespace {

using abi::SavedRegister;

class NoMemory final : public VirtualMemory {
    bool read(std::uint64_t, std::span<std::byte>) const override { return false; }
};
// Every byte has the low byte of its address.
class PatternMemory final : public VirtualMemory {
    bool read(std::uint64_t address, std::span<std::byte> target) const override
    {
        for (auto& byte : target) byte = static_cast<std::byte>(address++);
        return true;
    }
};

RegisterFile some_registers()
{
    RegisterFile registers;
    for (unsigned i = 0; i < registers.general.size(); ++i) registers.general[i] = 0x1122'3344'5566'8700 + i;
    registers.fs_base = 0x1000;
    return registers;
}

Result<std::uint64_t> value(std::string_view text)
{
    const auto operands = parse_probe_arguments(text);
    if (!operands) return std::unexpected(operands.error());
    return evaluate(operands->at(0), 0x4000, some_registers(), PatternMemory(), [](std::string_view name) {
        return name == "counter" ? std::optional<std::uint64_t>(0x10) : std::nullopt;
    });
}

TEST(ProbeArguments, Registers)
{
    const auto rax = some_registers().general[static_cast<unsigned>(SavedRegister::rax)];
    EXPECT_EQ(value("8@%rax"), rax);
    EXPECT_EQ(value("4@%eax"), rax & 0xffff'ffff);
    EXPECT_EQ(value("-2@%ax"), rax << 48 >> 48 | 0xffff'ffff'ffff'0000);
    EXPECT_EQ(value("1@%al"), rax & 0xff);
    EXPECT_EQ(value("1@%ah"), 0x87u);
    EXPECT_EQ(value("-1@%ah"), 0xffff'ffff'ffff'ff87u);
    EXPECT_EQ(value("1@%r10b"), 0x02u);
    EXPECT_EQ(value("-4@%r10d"), 0x5566'8702u);
}

TEST(ProbeArguments, Constants)
{
    EXPECT_EQ(value("4@$5"), 5u);
    EXPECT_EQ(value("-4@$-5"), static_cast<std::uint64_t>(-5));
    EXPECT_EQ(value("8@$0x10"), 16u);
    EXPECT_EQ(value("-8@$-9223372036854775808"), 0x8000'0000'0000'0000u);
    EXPECT_EQ(value("8@$counter+2"), 0x12u);
}

TEST(ProbeArguments, Memory)
{
    const auto rsp = some_registers().rsp();
    const auto low = [](std::uint64_t address) { return address & 0xff; };
    EXPECT_EQ(value("1@16(%rsp)"), low(rsp + 16));
    EXPECT_EQ(value("1@-16(%rsp)"), low(rsp - 16));
    EXPECT_EQ(value("1@(%rsp)"), low(rsp));
    EXPECT_EQ(value("1@4(%rsp,%rcx,8)"), low(4 + rsp + some_registers().general[14] * 8));
    EXPECT_EQ(value("1@4(,%rcx,8)"), low(4 + some_registers().general[14] * 8));
    EXPECT_EQ(value("1@counter(%rip)"), 0x10u);
    EXPECT_EQ(value("1@counter+8(%rip)"), 0x18u);
    EXPECT_EQ(value("1@8(%rip)"), 0x08u);
    EXPECT_EQ(value("1@counter"), 0x10u);
    EXPECT_EQ(value("1@%fs:24"), 0x18u);
    EXPECT_EQ(value("1@%fs:24(%rsp)"), low(rsp + 24));
    EXPECT_EQ(value("2@counter"), 0x1110u);
}

TEST(ProbeArguments, SeveralAndNone)
{
    EXPECT_EQ(parse_probe_arguments("")->size(), 0u);
    EXPECT_EQ(parse_probe_arguments(" 8@%rax   -4@$1 1@(%rbx) ")->size(), 3u);
}

TEST(ProbeArguments, NonsenseIsNamed)
{
    for (const char* text : { "8", "8@", "@%rax", "3@%rax", "8@%rzz", "8@$", "8@$5x", "8@5(", "8@5(%rax", "8@5()", "8@()",
                              "8@(%al)", "8@(%rax,%rbx,3)", "8@(%rax,%rbx,1,1)", "8@(%rip,%rax)", "-0@$1",
                              "8@$99999999999999999999", "8@+", "8@%fs:", "-9223372036854775808@$1" }) {
        const auto result = parse_probe_arguments(text);
        ASSERT_FALSE(result) << text;
        EXPECT_THAT(result.error().sentence, testing::HasSubstr("is not understood")) << text;
    }
    EXPECT_EQ(parse_probe_arguments("1@$1 1@$1 1@$1 1@$1 1@$1 1@$1 1@$1 1@$1 1@$1 1@$1 1@$1 1@$1 1@$1").error().sentence,
              "there are more than 12 arguments");
    EXPECT_FALSE(parse_probe_arguments(std::string(5000, ' ')));
}

TEST(ProbeArguments, WhatCannotBeReadIsSaid)
{
    const auto operands = *parse_probe_arguments("8@16(%rsp) 8@missing(%rip)");
    const auto registers = some_registers();
    EXPECT_THAT(evaluate(operands[0], 0, registers, NoMemory(), {}).error().sentence, testing::HasSubstr("can't be read"));
    EXPECT_THAT(evaluate(operands[1], 0, registers, NoMemory(), {}).error().sentence,
                testing::HasSubstr("names a symbol that the program does not have"));
}

std::vector<std::byte> note(std::uint32_t type, std::string_view owner, std::string_view description)
{
    std::vector<std::byte> bytes;
    const auto put = [&bytes](const void* data, std::size_t size) {
        const auto* begin = static_cast<const std::byte*>(data);
        bytes.insert(bytes.end(), begin, begin + size);
        bytes.resize((bytes.size() + 3) / 4 * 4);
    };
    const std::uint32_t header[] = { static_cast<std::uint32_t>(owner.size()),
                                     static_cast<std::uint32_t>(description.size()), type };
    put(header, sizeof header);
    put(owner.data(), owner.size());
    put(description.data(), description.size());
    return bytes;
}

std::string description(std::uint64_t address, std::uint64_t base, std::uint64_t semaphore, std::string_view strings)
{
    std::string text(24, '\0');
    std::memcpy(text.data(), &address, 8);
    std::memcpy(text.data() + 8, &base, 8);
    std::memcpy(text.data() + 16, &semaphore, 8);
    return text.append(strings);
}

constexpr std::string_view owner("stapsdt\0", 8);
constexpr std::string_view strings("orrery\0a__b\0008@%rax\0", 19);

TEST(ProbeNotes, AreAdjustedByTheBase)
{
    const auto bytes = note(3, owner, description(0x1000, 0x5000, 0x2000, strings));
    std::string problem;
    const auto probes = parse_probe_notes(bytes, 0x5100, &problem);
    ASSERT_EQ(probes.size(), 1u);
    EXPECT_EQ(probes[0].address, 0x1100u);
    EXPECT_EQ(probes[0].semaphore, 0x2100u);
    EXPECT_EQ(probes[0].name, "a__b");
    EXPECT_EQ(problem, "");
    EXPECT_EQ(parse_probe_notes(bytes, 0, nullptr)[0].address, 0x1000u);
}

TEST(ProbeNotes, ForeignNotesArePassedOver)
{
    auto bytes = note(1, std::string_view("GNU\0", 4), "abcdefgh");
    const auto mine = note(3, owner, description(1, 1, 0, strings));
    bytes.insert(bytes.end(), mine.begin(), mine.end());
    EXPECT_EQ(parse_probe_notes(bytes, 1, nullptr).size(), 1u);
}

TEST(ProbeNotes, DamageEndsTheListWithASentence)
{
    const auto good = note(3, owner, description(1, 1, 0, strings));
    const auto problem_of = [&good](std::vector<std::byte> damaged) {
        auto bytes = good;
        bytes.insert(bytes.end(), damaged.begin(), damaged.end());
        std::string problem;
        EXPECT_EQ(parse_probe_notes(bytes, 1, &problem).size(), 1u);
        return problem;
    };
    EXPECT_EQ(problem_of({ 5, std::byte {} }), "the probe notes end in the middle of a header");
    EXPECT_EQ(problem_of({ good.begin(), good.end() - 8 }), "a probe note is longer than its section");
    EXPECT_EQ(problem_of(note(3, owner, "short")), "a probe note is too short for its addresses");
    EXPECT_EQ(problem_of(note(3, owner, description(1, 1, 0, "no end"))), "a probe note's text does not end");
    auto huge = good;
    std::memset(huge.data(), 0xff, 8); // sizes near 2^32
    EXPECT_EQ(problem_of(huge), "a probe note is longer than its section");
}

TEST(ProbeNotes, AProbeWithStrangeArgumentsKeepsItsAddress)
{
    const auto bytes = note(3, owner, description(0x1000, 0, 0, std::string_view("p\0n\0008@%zmm1\0", 13)));
    const auto probes = parse_probe_notes(bytes, 0, nullptr);
    ASSERT_EQ(probes.size(), 1u);
    EXPECT_EQ(probes[0].address, 0x1000u);
    EXPECT_EQ(probes[0].problem, "argument '8@%zmm1' is not understood");
}

TEST(Probes, ArgumentsHaveTheProgramsValuesAtTheStop)
{
    const auto& probes = subject()->probes();
    const auto probe = std::ranges::find(probes, "test__probe", &Probe::name);
    ASSERT_NE(probe, probes.end());
    Tracee program;
    ASSERT_TRUE(program.step_to(probe->address));
    const std::int64_t expected[] = { 42, -7, 200, 12345, -9 };
    for (unsigned i = 0; i < 5; ++i) {
        const auto got = evaluate(probe->arguments[i], probe->address, program.registers(), program,
                                  [](std::string_view name) -> std::optional<std::uint64_t> {
                                      const auto symbol = subject()->symbol_named(name);
                                      return symbol ? std::optional(symbol->address) : std::nullopt;
                                  });
        ASSERT_TRUE(got) << probe->arguments_text << ": " << got.error().sentence;
        EXPECT_EQ(static_cast<std::int64_t>(*got), expected[i]) << probe->arguments[i].text;
    }
}

} // namespace
} // namespace orrery::inspector
