// The tables that everything else is made from: complete, without duplicates, and, where they follow Linux, the same.
#include "abi/descriptor.h"
#include "abi/error.h"
#include "abi/handle.h"
#include "abi/phase.h"
#include "abi/ring.h"
#include "abi/signal.h"
#include "abi/startup.h"
#include "abi/syscall.h"
#include "abi/trace.h"

#include <algorithm>
#include <csignal>
#include <cstring>
#include <elf.h>
#include <gtest/gtest.h>
#include <set>
#include <string>
#include <string_view>
#include <ucontext.h>
#include <vector>

namespace orrery::abi::test {
namespace {

// Names are identifiers, sentences are one line for people, and no name comes twice.
void expect_sound_table(const std::vector<std::pair<std::string, std::string>>& rows, const char* table)
{
    std::set<std::string> names;
    for (const auto& [name, sentence] : rows) {
        EXPECT_TRUE(names.insert(name).second) << table << ": " << name << " twice";
        EXPECT_NE(name, "unknown") << table;
        EXPECT_EQ(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_."), std::string::npos) << name;
        EXPECT_GE(sentence.size(), 8u) << table << ": " << name;
        EXPECT_EQ(sentence.find('\n'), std::string::npos) << name;
        EXPECT_NE(sentence.back(), '.') << name << ": sentences are put together by others";
    }
    EXPECT_FALSE(names.empty());
}

TEST(Tables, errors)
{
    std::vector<std::pair<std::string, std::string>> rows;
    std::int32_t next = 0;
    EXPECT_STREQ(name(Error::none), "none");
#define X(error, text)                                                                                                 \
    EXPECT_EQ(static_cast<std::int32_t>(Error::error), ++next);                                                        \
    EXPECT_STREQ(name(Error::error), #error);                                                                          \
    rows.emplace_back(name(Error::error), sentence(Error::error));
    ORRERY_ERRORS(X)
#undef X
    expect_sound_table(rows, "errors");
    EXPECT_STREQ(name(static_cast<Error>(next + 1)), "unknown");
    EXPECT_STREQ(name(static_cast<Error>(-1)), "unknown");
}

TEST(Tables, object_kinds)
{
    std::vector<std::pair<std::string, std::string>> rows;
#define X(kind, text) rows.emplace_back(name(ObjectKind::kind), text);
    ORRERY_OBJECT_KINDS(X)
#undef X
    expect_sound_table(rows, "object kinds");
    EXPECT_EQ(static_cast<unsigned>(ObjectKind::none), 0u);
    EXPECT_STREQ(name(static_cast<ObjectKind>(rows.size())), "unknown");
}

TEST(Tables, rights_are_single_bits_and_all_of_them)
{
    std::uint32_t seen = 0;
    for (const auto& [right, name] : right_names) {
        EXPECT_STRNE(name, "");
        EXPECT_EQ(right & (right - 1), 0u);
        EXPECT_EQ(seen & right, 0u);
        seen |= right;
    }
    EXPECT_EQ(seen, all_rights);
}

TEST(Tables, system_calls)
{
    std::vector<std::pair<std::string, std::string>> rows;
#define X(call, arguments, text)                                                                                       \
    EXPECT_STREQ(name(Syscall::call), #call);                                                                          \
    EXPECT_EQ(static_cast<std::size_t>(Syscall::call), rows.size());                                                   \
    EXPECT_LE(std::count(std::string_view(arguments).begin(), std::string_view(arguments).end(), ','), 5)              \
        << #call << ": six registers";                                                                                 \
    rows.emplace_back(name(Syscall::call), text);
    ORRERY_SYSCALLS(X)
#undef X
    expect_sound_table(rows, "system calls");
    EXPECT_EQ(static_cast<std::size_t>(Syscall::count), rows.size());
    EXPECT_STREQ(name(Syscall::count), "unknown");
}

TEST(Tables, phases)
{
    std::vector<std::pair<std::string, std::string>> rows;
    for (const PhaseDescription& phase : phase_table) {
        rows.emplace_back(phase.step_name, phase.sentence);
        EXPECT_EQ(phase.step_name, std::string(phase.group) + "." + phase.name);
        EXPECT_EQ(phase.probe_name, std::string(phase.group) + "__" + phase.name);
        for (const char* argument : phase.arguments)
            EXPECT_NE(std::string_view(argument), "");
    }
    expect_sound_table(rows, "phases");
    EXPECT_EQ(rows.size(), phase_count);
    EXPECT_STREQ(phase_table[static_cast<std::size_t>(Phase::ring_popped)].step_name, "ring.popped");
}

TEST(Tables, broken_reasons)
{
    std::vector<std::pair<std::string, std::string>> rows;
#define X(value, reason, text)                                                                                         \
    EXPECT_EQ(static_cast<std::size_t>(BrokenReason::reason), rows.size());                                            \
    EXPECT_STREQ(name(BrokenReason::reason), #reason);                                                                 \
    EXPECT_STREQ(sentence(BrokenReason::reason), text);                                                                \
    rows.emplace_back(name(BrokenReason::reason), sentence(BrokenReason::reason));
    ORRERY_BROKEN_REASONS(X)
#undef X
    expect_sound_table(rows, "broken reasons");
    EXPECT_STREQ(name(static_cast<BrokenReason>(rows.size())), "unknown");
}

// glibc on x86-64 is the oracle for numbers and names.
TEST(Signals, numbers_and_names_are_those_of_linux)
{
    for (int number = 1; number <= 31; ++number) {
        ASSERT_NE(sigabbrev_np(number), nullptr) << number;
        // glibc calls 29 POLL, which is another name of IO.
        const std::string abbreviation = number == SIGIO ? "IO" : sigabbrev_np(number);
        EXPECT_EQ(signal_name(number), "SIG" + abbreviation);
        EXPECT_STRNE(signal_sentence(number), "not a signal");
    }
    EXPECT_STREQ(signal_name(0), "unknown");
    EXPECT_STREQ(signal_name(32), "unknown");
    EXPECT_STREQ(signal_name(33), "SIGRT");
    EXPECT_STREQ(signal_name(64), "SIGRT");
    EXPECT_STREQ(signal_name(65), "unknown");
}

// POSIX.1-2017, <signal.h>, the table of default actions.
TEST(Signals, default_actions_are_those_of_posix)
{
    const std::set<int> core { SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGQUIT, SIGSEGV, SIGSYS, SIGTRAP, SIGXCPU, SIGXFSZ };
    const std::set<int> ignore { SIGCHLD, SIGURG, SIGWINCH };
    const std::set<int> stop { SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU };
    for (int number = 1; number <= signal_count; ++number) {
        const DefaultAction expected = core.contains(number) ? DefaultAction::core
            : ignore.contains(number)                        ? DefaultAction::ignore
            : stop.contains(number)                          ? DefaultAction::stop
            : number == SIGCONT                              ? DefaultAction::proceed
                                                             : DefaultAction::terminate;
        EXPECT_EQ(default_action(number), expected) << number;
    }
}

TEST(Signals, codes_and_flags_are_those_of_linux)
{
    EXPECT_EQ(static_cast<int>(SignalCode::user), SI_USER);
    EXPECT_EQ(static_cast<int>(SignalCode::kernel), SI_KERNEL);
    EXPECT_EQ(static_cast<int>(SignalCode::queue), SI_QUEUE);
    EXPECT_EQ(static_cast<int>(SignalCode::timer), SI_TIMER);
    EXPECT_EQ(static_cast<int>(SignalCode::thread), SI_TKILL);
    for (const int code : std::initializer_list<int> { SEGV_MAPERR, ILL_ILLOPC, FPE_INTDIV, BUS_ADRALN, TRAP_BRKPT })
        EXPECT_EQ(static_cast<int>(SignalCode::fault_1), code);
    for (const int code : std::initializer_list<int> { SEGV_ACCERR, ILL_ILLOPN, FPE_INTOVF, BUS_ADRERR, TRAP_TRACE })
        EXPECT_EQ(static_cast<int>(SignalCode::fault_2), code);
    EXPECT_EQ(static_cast<int>(SignalCode::fault_3), FPE_FLTDIV);
    EXPECT_EQ(static_cast<int>(SignalCode::privileged), ILL_PRVOPC);
    EXPECT_EQ(static_cast<int>(SignalCode::float_invalid), FPE_FLTINV);

    EXPECT_EQ(std::uint32_t { action_no_child_stop }, static_cast<std::uint32_t>(SA_NOCLDSTOP));
    EXPECT_EQ(std::uint32_t { action_no_child_wait }, static_cast<std::uint32_t>(SA_NOCLDWAIT));
    EXPECT_EQ(std::uint32_t { action_siginfo }, static_cast<std::uint32_t>(SA_SIGINFO));
    EXPECT_EQ(std::uint32_t { action_on_stack }, static_cast<std::uint32_t>(SA_ONSTACK));
    EXPECT_EQ(std::uint32_t { action_restart }, static_cast<std::uint32_t>(SA_RESTART));
    EXPECT_EQ(std::uint32_t { action_no_defer }, static_cast<std::uint32_t>(SA_NODEFER));
    EXPECT_EQ(std::uint32_t { action_reset_handler }, static_cast<std::uint32_t>(SA_RESETHAND));
}

TEST(Signals, saved_registers_are_in_the_order_of_linux_gregs)
{
    const std::pair<SavedRegister, int> rows[] { { SavedRegister::r8, REG_R8 }, { SavedRegister::r9, REG_R9 },
        { SavedRegister::r10, REG_R10 }, { SavedRegister::r11, REG_R11 }, { SavedRegister::r12, REG_R12 },
        { SavedRegister::r13, REG_R13 }, { SavedRegister::r14, REG_R14 }, { SavedRegister::r15, REG_R15 },
        { SavedRegister::rdi, REG_RDI }, { SavedRegister::rsi, REG_RSI }, { SavedRegister::rbp, REG_RBP },
        { SavedRegister::rbx, REG_RBX }, { SavedRegister::rdx, REG_RDX }, { SavedRegister::rax, REG_RAX },
        { SavedRegister::rcx, REG_RCX }, { SavedRegister::rsp, REG_RSP }, { SavedRegister::rip, REG_RIP },
        { SavedRegister::rflags, REG_EFL }, { SavedRegister::segments, REG_CSGSFS },
        { SavedRegister::error_code, REG_ERR }, { SavedRegister::trap, REG_TRAPNO },
        { SavedRegister::old_mask, REG_OLDMASK }, { SavedRegister::fault_address, REG_CR2 } };
    for (const auto& [ours, theirs] : rows)
        EXPECT_EQ(static_cast<int>(ours), theirs);
    EXPECT_EQ(static_cast<int>(SavedRegister::count), NGREG);
}

TEST(Startup, auxiliary_numbers_are_those_of_system_v)
{
    EXPECT_EQ(static_cast<std::uint64_t>(Auxiliary::program_headers), std::uint64_t { AT_PHDR });
    EXPECT_EQ(static_cast<std::uint64_t>(Auxiliary::program_header_size), std::uint64_t { AT_PHENT });
    EXPECT_EQ(static_cast<std::uint64_t>(Auxiliary::program_header_count), std::uint64_t { AT_PHNUM });
    EXPECT_EQ(static_cast<std::uint64_t>(Auxiliary::page_size), std::uint64_t { AT_PAGESZ });
    EXPECT_EQ(static_cast<std::uint64_t>(Auxiliary::entry), std::uint64_t { AT_ENTRY });
    EXPECT_GT(static_cast<std::uint64_t>(Auxiliary::space_handle), std::uint64_t { AT_MINSIGSTKSZ });
}

TEST(Startup, exit_status_survives_its_word)
{
    for (unsigned code = 0; code < 256; ++code)
        for (const unsigned signal : { 0u, 1u, 11u, 64u }) {
            const ExitStatus status { static_cast<std::uint8_t>(code), static_cast<std::uint8_t>(signal) };
            const ExitStatus back = ExitStatus::from_word(status.word());
            EXPECT_EQ(back.code, code);
            EXPECT_EQ(back.signal, signal);
            EXPECT_EQ(back.shell_status(), static_cast<int>(signal != 0 ? 128 + signal : code));
        }
}

} // namespace
} // namespace orrery::abi::test
