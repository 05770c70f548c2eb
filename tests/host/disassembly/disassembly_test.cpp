// Instructions with their text, names and boundaries, and bytes that are none.
#include <cstring>
#include <gmock/gmock.h>

#include "inspector/core/disassembly/disassembly.h"

namespace orrery::inspector {
namespace {

using testing::HasSubstr;

class Bytes final : public VirtualMemory {
public:
    Bytes(std::uint64_t base, std::vector<std::uint8_t> bytes) : base_(base), bytes_(std::move(bytes)) { }
    bool read(std::uint64_t address, std::span<std::byte> target) const override
    {
        if (address < base_ || address - base_ > bytes_.size() || target.size() > bytes_.size() - (address - base_)) return false;
        std::memcpy(target.data(), bytes_.data() + (address - base_), target.size());
        return true;
    }

private:
    std::uint64_t base_;
    std::vector<std::uint8_t> bytes_;
};

std::vector<std::string> texts(const std::vector<Instruction>& instructions)
{
    std::vector<std::string> result;
    for (const auto& instruction : instructions) result.push_back(instruction.text);
    return result;
}

TEST(Disassembly, InstructionsHaveTextBytesAndTargets)
{
    const Bytes memory(0x1000, { 0x48, 0x89, 0xd8, 0xe8, 0xf8, 0x0f, 0x00, 0x00, 0xc3, 0x90 });
    const auto result = disassemble(memory, 0x1000, 0x100a, nullptr);
    ASSERT_TRUE(result);
    EXPECT_THAT(texts(*result), testing::ElementsAre("mov rax, rbx", "call 0x2000", "ret", "nop"));
    EXPECT_EQ((*result)[1].address, 0x1003u);
    EXPECT_EQ((*result)[1].bytes.size(), 5u);
    EXPECT_EQ((*result)[1].target, 0x2000u);
    EXPECT_TRUE((*result)[1].is_call);
    EXPECT_FALSE((*result)[1].is_return);
    EXPECT_TRUE((*result)[2].is_return);
}

TEST(Disassembly, BytesThatAreNoInstructionAreShownOneByOne)
{
    const Bytes memory(0x1000, { 0x06, 0x90, 0x0f });
    EXPECT_THAT(texts(*disassemble(memory, 0x1000, 0x1003, nullptr)), testing::ElementsAre("(bad)", "nop", "(bad)"));
}

TEST(Disassembly, EndsWhereTheMemoryEnds)
{
    const Bytes memory(0x1000, { 0x90, 0x90 });
    EXPECT_EQ(disassemble(memory, 0x1000, 0x2000, nullptr)->size(), 2u);
    EXPECT_EQ(disassemble(memory, 0x1000, 0x2000, nullptr, 1)->size(), 1u);
    EXPECT_THAT(disassemble(memory, 0x3000, 0x3010, nullptr).error().sentence, HasSubstr("there is no code at 0x3000"));
    EXPECT_TRUE(disassemble(memory, 0x1000, 0x1000, nullptr)->empty());
}

class DisassembledProgram : public testing::Test {
protected:
    DebugInfoPointer program = DebugInfo::load(SUBJECT_PATH).value();
    ProgramImage image { program };
};

TEST_F(DisassembledProgram, NamesStandForAddresses)
{
    const auto range = *program->function_named("subject::middle");
    const auto instructions = *disassemble(image, range.begin, range.end, program.get());
    EXPECT_EQ(instructions.front().symbol, "subject::middle");
    EXPECT_THAT(texts(instructions), testing::Contains("call subject::leaf"));
    EXPECT_THAT(texts(instructions), testing::Contains(HasSubstr("[subject::sink]")));
}

TEST_F(DisassembledProgram, BoundariesCoverTheFunction)
{
    const auto range = *program->function_named("subject::leaf");
    const auto boundaries = *instruction_boundaries(image, *program, "subject::leaf");
    const auto instructions = *disassemble(image, range.begin, range.end, nullptr);
    ASSERT_EQ(boundaries.size(), instructions.size());
    EXPECT_EQ(boundaries.front(), range.begin);
    EXPECT_EQ(instructions.back().address + instructions.back().bytes.size(), range.end);
    for (std::size_t i = 1; i < boundaries.size(); ++i)
        EXPECT_EQ(boundaries[i], boundaries[i - 1] + instructions[i - 1].bytes.size());
    EXPECT_THAT(instruction_boundaries(image, *program, "nothing").error().sentence, HasSubstr("has no function nothing"));
}

TEST_F(DisassembledProgram, TheImageHasZeroesForBss)
{
    const auto sink = program->symbol_named("subject::sink")->address;
    EXPECT_EQ(image.value<std::uint64_t>(sink), 0u);
    EXPECT_FALSE(image.value<std::uint64_t>(0x10));
}

} // namespace
} // namespace orrery::inspector
