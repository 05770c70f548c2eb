// Backtraces of the subject as it runs.
#include <gmock/gmock.h>

#include "inspector/core/debuginfo/backtrace.h"
#include "subject.h"

namespace orrery::inspector {
namespace {

using abi::SavedRegister;

std::vector<std::string> functions(const Backtrace& trace)
{
    std::vector<std::string> names;
    for (const auto& entry : trace.entries) names.push_back(entry.function);
    return names;
}

TEST(Unwind, WalksFromTheLeafToTheStart)
{
    const auto leaf = subject()->function_named("subject::leaf");
    const auto lines = subject()->lines_between(leaf->begin, leaf->end);
    Tracee program;
    for (const auto& line : lines) { // before, in and after the prologue
        if (!program.step_to(line.begin)) continue;
        const DebugInfoPointer programs[] = { subject() };
        const auto trace = backtrace(program.registers(), program, programs);
        EXPECT_THAT(functions(trace),
                    testing::ElementsAre("subject::leaf", "subject::middle", "void subject::outermost<unsigned long>",
                                         "start_in_cpp", "_start"))
            << trace.end;
        EXPECT_EQ(trace.end, "the outermost frame is reached");
        EXPECT_GT(trace.entries[1].line, 0);
        EXPECT_THAT(trace.entries[1].file, testing::EndsWith("subject.cpp"));
        break;
    }
}

TEST(Unwind, RestoresTheCallersRegisters)
{
    const auto middle = *subject()->function_named("subject::middle");
    const auto leaf = *subject()->function_named("subject::leaf");
    Tracee program;
    ASSERT_TRUE(program.step_to(middle.begin));
    const auto at_entry = program.registers();
    ASSERT_TRUE(program.step_to(leaf.begin));
    ASSERT_EQ(program.registers().general[static_cast<unsigned>(SavedRegister::rbx)], 0xdeadu);
    const auto in_middle = subject()->unwind_step(program.registers(), program, true);
    ASSERT_TRUE(in_middle) << in_middle.error().sentence;
    EXPECT_EQ(subject()->function_at(in_middle->rip())->name, "subject::middle");
    const auto in_outermost = subject()->unwind_step(*in_middle, program, false);
    ASSERT_TRUE(in_outermost) << in_outermost.error().sentence;
    EXPECT_EQ(in_outermost->general[static_cast<unsigned>(SavedRegister::rbx)], 0x600du);
    EXPECT_EQ(in_outermost->rsp(), at_entry.rsp() + 8) << "as after the return from middle";
}

class NoMemory final : public VirtualMemory {
    bool read(std::uint64_t, std::span<std::byte>) const override { return false; }
};

TEST(Unwind, AnUnreadableStackEndsTheWalk)
{
    RegisterFile registers;
    registers.general[static_cast<unsigned>(SavedRegister::rip)] = subject()->function_named("subject::leaf")->begin;
    registers.general[static_cast<unsigned>(SavedRegister::rsp)] = 0x1000;
    const DebugInfoPointer programs[] = { subject() };
    const auto trace = backtrace(registers, NoMemory(), programs);
    EXPECT_THAT(functions(trace), testing::ElementsAre("subject::leaf"));
    EXPECT_THAT(trace.end, testing::HasSubstr("can't be read"));
}

// Every word of the stack is the same return address: an endless recursion.
class EndlessStack final : public VirtualMemory {
public:
    std::uint64_t word = 0;
    bool read(std::uint64_t, std::span<std::byte> target) const override
    {
        std::memcpy(target.data(), &word, std::min<std::size_t>(target.size(), 8));
        return true;
    }
};

TEST(Unwind, AnEndlessStackIsBounded)
{
    const auto middle = *subject()->function_named("subject::middle");
    EndlessStack memory;
    memory.word = middle.end - 1;
    RegisterFile registers;
    registers.general[static_cast<unsigned>(SavedRegister::rip)] = middle.begin;
    registers.general[static_cast<unsigned>(SavedRegister::rsp)] = 0x1000;
    const DebugInfoPointer programs[] = { subject() };
    const auto trace = backtrace(registers, memory, programs, 16);
    EXPECT_EQ(trace.entries.size(), 16u);
    EXPECT_EQ(trace.end, "only the innermost 16 frames are shown");
}

TEST(Unwind, UnknownCodeWithoutFramePointerEndsTheWalk)
{
    RegisterFile registers;
    registers.general[static_cast<unsigned>(SavedRegister::rip)] = 0x1234;
    const auto trace = backtrace(registers, NoMemory(), {});
    ASSERT_EQ(trace.entries.size(), 1u);
    EXPECT_EQ(trace.entries[0].function, "");
    EXPECT_EQ(trace.entries[0].address, 0x1234u);
    EXPECT_THAT(trace.end, testing::HasSubstr("can't be read"));
}

} // namespace
} // namespace orrery::inspector
