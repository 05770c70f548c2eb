// What a program can't do: read, write or run the kernel, use the processor's privileged instructions, have memory that is writable
// and executable, see what others left in registers or memory, and reach through an old translation.
#include <array>
#include <atomic>
#include <csetjmp>
#include <csignal>
#include <cstring>
#include <initializer_list>
#include <pthread.h>

#include "abi/device.h"
#include "abi/memory.h"
#include "abi/scheme.h"
#include "abi/signal.h"
#include "check.h"

namespace {

using namespace orrery;
using namespace orrery::test;
namespace raw = orrery::runtime::raw;

constexpr std::uint64_t kernel_places[] = { 0xffff'8000'0000'0000, 0xffff'8000'0010'0000, 0xffff'c000'0000'1000,
    0xffff'd000'0000'0000, 0xffff'ffff'8020'0000, 0xffff'ffff'8022'0000, 0xffff'ffff'ffff'f000 };

sigjmp_buf escape;
volatile sig_atomic_t caught = 0;
void catch_signal(int number)
{
    caught = number;
    siglongjmp(escape, 1);
}

// The signal that `action` raises, 0 if it comes back.
template <typename Action>
int signal_of(Action action)
{
    caught = 0;
    if (sigsetjmp(escape, 1) == 0) action();
    return caught;
}

void test_kernel_addresses()
{
    for (const std::uint64_t place : kernel_places) {
        auto* const word = reinterpret_cast<volatile std::uint64_t*>(place);
        CHECK_EQUAL(signal_of([&] { (void)*word; }), SIGSEGV);
        CHECK_EQUAL(signal_of([&] { *word = 0; }), SIGSEGV);
        CHECK_EQUAL(signal_of([&] { reinterpret_cast<void (*)()>(place)(); }), SIGSEGV);
        // Nor may the kernel be asked to do it.
        for (const std::uint64_t length : { std::uint64_t { 1 }, page }) {
            CHECK_EQUAL(raw::space_create(place, length), error(abi::Error::bad_address));
            CHECK_EQUAL(raw::memory_map(own_space(), must(raw::memory_create(page, 0), "memory_create"), 0, place, page, read_write),
                error(abi::Error::invalid_argument));
        }
        CHECK_EQUAL(raw::futex_wait(place, 0, 0), error(abi::Error::bad_address));
        CHECK_EQUAL(raw::memory_unmap(own_space(), place, page), error(abi::Error::invalid_argument));
        CHECK_EQUAL(raw::memory_protect(own_space(), place, page, abi::protection_read), error(abi::Error::invalid_argument));
        CHECK_EQUAL(raw::signal_register(place, place + page, place), error(abi::Error::invalid_argument));
        CHECK_EQUAL(raw::thread_create(own_space(), place, 0x1'0000, 0, 0), error(abi::Error::bad_address));
    }
    // An address that is not canonical is no way in either.
    CHECK_EQUAL(signal_of([] { reinterpret_cast<void (*)()>(0x8000'0000'0000)(); }), SIGSEGV);
}

void test_privileged_instructions()
{
    std::uint64_t space[2] = {};
    const auto expect_signal = [](auto action) {
        const int signal = signal_of(action);
        CHECK(signal == SIGSEGV || signal == SIGILL);
    };
    expect_signal([] { asm volatile("hlt"); });
    expect_signal([] { asm volatile("cli"); });
    expect_signal([] { asm volatile("sti"); });
    expect_signal([] { asm volatile("clac"); });
    expect_signal([] { asm volatile("swapgs"); });
    expect_signal([] { asm volatile("wbinvd" ::: "memory"); });
    expect_signal([] { asm volatile("invlpg (%0)" ::"r"(0x1000)); });
    expect_signal([] { asm volatile("mov %%cr0, %0" : "=r"(*new std::uint64_t)); });
    expect_signal([] { asm volatile("mov %0, %%cr3" ::"r"(0ull)); });
    expect_signal([] { asm volatile("mov %0, %%cr4" ::"r"(0ull)); });
    expect_signal([] { asm volatile("mov %0, %%dr7" ::"r"(0ull)); });
    expect_signal([] { asm volatile("rdmsr" ::"c"(0xc0000080) : "rax", "rdx"); });
    expect_signal([] { asm volatile("wrmsr" ::"c"(0xc0000082), "a"(0), "d"(0)); });
    expect_signal([] { asm volatile("inb $0x60, %%al" ::: "al"); });
    expect_signal([] { asm volatile("outb %%al, $0xf4" ::"a"(0)); }); // would end the machine
    expect_signal([] { asm volatile("outl %%eax, %%dx" ::"a"(0), "d"(0xcf8)); });
    expect_signal([&] { asm volatile("lgdt (%0)" ::"r"(space)); });
    expect_signal([&] { asm volatile("lidt (%0)" ::"r"(space)); });
    expect_signal([] { asm volatile("ltr %w0" ::"r"(0x28)); });
    expect_signal([] { asm volatile("lmsw %w0" ::"r"(0)); });
    expect_signal([] { asm volatile("xsetbv" ::"c"(0), "a"(1), "d"(0)); });
    expect_signal([] { asm volatile("sysretq"); });
    expect_signal([] { asm volatile("int $0x20"); }); // the kernel's own vectors
    expect_signal([] { asm volatile("int $0x80"); });
    // UMIP: where the kernel's tables are is not told.
    expect_signal([&] { asm volatile("sgdt (%0)" ::"r"(space) : "memory"); });
    expect_signal([&] { asm volatile("sidt (%0)" ::"r"(space) : "memory"); });
    expect_signal([&] { asm volatile("str (%0)" ::"r"(space) : "memory"); });
    CHECK_EQUAL(space[0], 0);
}

void test_write_xor_execute()
{
    const std::uint64_t memory = must(raw::memory_create(page, 0), "memory_create");
    constexpr std::uint32_t both = abi::protection_write | abi::protection_execute;
    for (const std::uint32_t more : { 0u, static_cast<std::uint32_t>(abi::protection_read) })
        CHECK_EQUAL(raw::memory_map(own_space(), memory, 0, 0, page, both | more), error(abi::Error::invalid_argument));
    const std::uint64_t place = must(raw::memory_map(own_space(), memory, 0, 0, page, read_write), "memory_map");
    CHECK_EQUAL(raw::memory_protect(own_space(), place, page, both), error(abi::Error::invalid_argument));
    *reinterpret_cast<unsigned char*>(place) = 0xc3; // RET
    CHECK_EQUAL(signal_of([&] { reinterpret_cast<void (*)()>(place)(); }), SIGSEGV);
    // One or the other, in turn.
    CHECK_EQUAL(raw::memory_protect(own_space(), place, page, abi::protection_read | abi::protection_execute), 0);
    CHECK_EQUAL(signal_of([&] { reinterpret_cast<void (*)()>(place)(); }), 0);
    CHECK_EQUAL(signal_of([&] { *reinterpret_cast<volatile char*>(place) = 1; }), SIGSEGV);
    // A handle without the right to execute gives none, now or later.
    const std::uint64_t data = must(raw::handle_duplicate(memory, abi::right_read | abi::right_write), "handle_duplicate");
    CHECK_EQUAL(raw::memory_map(own_space(), data, 0, 0, page, abi::protection_execute), error(abi::Error::access_denied));
    const std::uint64_t second = must(raw::memory_map(own_space(), data, 0, 0, page, abi::protection_read), "memory_map");
    CHECK_EQUAL(raw::memory_protect(own_space(), second, page, abi::protection_execute), error(abi::Error::access_denied));
    must(raw::memory_unmap(own_space(), place, page), "memory_unmap");
    must(raw::memory_unmap(own_space(), second, page), "memory_unmap");
    raw::handle_close(memory);
    raw::handle_close(data);
}

// After a call no register holds what a kernel address looks like, but for those that the program itself put there.
void test_registers_after_calls()
{
    for (std::uint64_t number = 0; number < static_cast<std::uint64_t>(abi::Syscall::count); ++number) {
        switch (static_cast<abi::Syscall>(number)) {
        case abi::Syscall::thread_end:
        case abi::Syscall::thread_filter:
        case abi::Syscall::signal_stop:
        case abi::Syscall::signal_timer: continue; // they would end or stop this
        default: break;
        }
        std::uint64_t seen[15] = {};
        // Arguments that every call refuses or that do nothing; RBX, RBP and the stack pointer are the compiler's.
        asm volatile(
            "xorl %%edi, %%edi; xorl %%esi, %%esi; xorl %%edx, %%edx; xorl %%r10d, %%r10d; xorl %%r8d, %%r8d; xorl %%r9d, %%r9d;"
            "xorl %%r12d, %%r12d; xorl %%r13d, %%r13d; xorl %%r14d, %%r14d; xorl %%r15d, %%r15d;"
            "syscall;"
            "movq %%rax, 0(%%rbx); movq %%rcx, 8(%%rbx); movq %%rdx, 16(%%rbx); movq %%rsi, 24(%%rbx); movq %%rdi, 32(%%rbx);"
            "movq %%r8, 40(%%rbx); movq %%r9, 48(%%rbx); movq %%r10, 56(%%rbx); movq %%r11, 64(%%rbx); movq %%r12, 72(%%rbx);"
            "movq %%r13, 80(%%rbx); movq %%r14, 88(%%rbx); movq %%r15, 96(%%rbx)"
            :
            : "a"(number), "b"(seen)
            : "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "memory");
        for (std::size_t index = 1; index < 13; ++index) CHECK(seen[index] < 0x8000'0000'0000);
        CHECK(static_cast<std::int64_t>(seen[0]) > -100); // a value or an error, and no address
        if (seen[0] < 0x1'0000'0000 && static_cast<abi::Syscall>(number) == abi::Syscall::memory_create) raw::handle_close(seen[0]);
    }
}

// New memory is zeroed, whatever it held before; what the kernel copies out has no holes with its own bytes.
void test_nothing_is_left_over()
{
    for (int round = 0; round < 20; ++round) {
        const std::uint64_t memory = must(raw::memory_create(64 * page, 0), "memory_create");
        auto* const words = reinterpret_cast<std::uint64_t*>(
            must(raw::memory_map(own_space(), memory, 0, 0, 64 * page, read_write), "memory_map"));
        for (std::uint64_t index = 0; index < 64 * page / 8; ++index) {
            CHECK_EQUAL(words[index], 0);
            words[index] = 0xdead'beef'dead'beef;
        }
        must(raw::memory_unmap(own_space(), words, 64 * page), "memory_unmap");
        raw::handle_close(memory);
    }
    // Types that are copied to programs: every byte is a member's.
    static_assert(std::has_unique_object_representations_v<abi::Sqe>);
    static_assert(std::has_unique_object_representations_v<abi::Cqe>);
    static_assert(std::has_unique_object_representations_v<abi::DeviceStatus>);
    static_assert(std::has_unique_object_representations_v<abi::SignalInfo>);
}

// While others write through a translation it is taken away. Once the call has returned no write may land any more.
constexpr int writers = 3;
std::atomic<std::uint64_t*> target { nullptr };
std::atomic<bool> over { false };
std::atomic<int> faults { 0 };
thread_local sigjmp_buf writer_escape;

void on_writers_fault(int) { siglongjmp(writer_escape, 1); }

void* write_often(void*)
{
    while (!over) {
        if (sigsetjmp(writer_escape, 1) != 0) {
            ++faults;
            while (!over && target.load() == nullptr) raw::thread_yield();
            continue;
        }
        std::uint64_t* const place = target.load();
        for (int count = 0; place && count < 1000; ++count)
            __atomic_fetch_add(place, 1, __ATOMIC_RELAXED);
    }
    return nullptr;
}

void test_old_translations()
{
    struct sigaction action {};
    action.sa_handler = on_writers_fault;
    action.sa_flags = SA_NODEFER;
    CHECK_EQUAL(sigaction(SIGSEGV, &action, nullptr), 0);
    std::array<pthread_t, writers> threads {};
    for (auto& thread : threads) CHECK_EQUAL(pthread_create(&thread, nullptr, write_often, nullptr), 0);
    for (int round = 0; round < 30; ++round) {
        const std::uint64_t memory = must(raw::memory_create(page, 0), "memory_create");
        auto* const shown = reinterpret_cast<std::uint64_t*>(
            must(raw::memory_map(own_space(), memory, 0, 0, page, read_write), "memory_map"));
        const auto* const watched = reinterpret_cast<const std::uint64_t*>(
            must(raw::memory_map(own_space(), memory, 0, 0, page, abi::protection_read), "memory_map"));
        target = shown;
        const std::uint64_t begin = __atomic_load_n(watched, __ATOMIC_RELAXED);
        while (__atomic_load_n(watched, __ATOMIC_RELAXED) < begin + 10) raw::thread_yield();
        if (round % 3 == 0) CHECK_EQUAL(raw::memory_protect(own_space(), shown, page, abi::protection_read), 0);
        else if (round % 3 == 1) CHECK_EQUAL(raw::memory_unmap(own_space(), shown, page), 0);
        else must(raw::memory_move(own_space(), shown, page, 0x6000'0000), "memory_move");
        const std::uint64_t then = __atomic_load_n(watched, __ATOMIC_SEQ_CST);
        for (int look = 0; look < 6000; ++look) {
            CHECK_EQUAL(__atomic_load_n(watched, __ATOMIC_SEQ_CST), then);
            if (look % 2000 == 0) raw::thread_yield(); // on one processor it is the writers' turn then
        }
        target = nullptr;
        if (round % 3 == 0) must(raw::memory_unmap(own_space(), shown, page), "memory_unmap");
        if (round % 3 == 2) must(raw::memory_unmap(own_space(), 0x6000'0000, page), "memory_unmap");
        must(raw::memory_unmap(own_space(), watched, page), "memory_unmap");
        raw::handle_close(memory);
    }
    over = true;
    for (const auto thread : threads) CHECK_EQUAL(pthread_join(thread, nullptr), 0);
    CHECK(faults.load() > 0);
}

} // namespace

int main()
{
    struct sigaction action {};
    action.sa_handler = catch_signal;
    for (const int number : { SIGSEGV, SIGILL, SIGBUS, SIGTRAP }) CHECK_EQUAL(sigaction(number, &action, nullptr), 0);
    test_kernel_addresses();
    test_privileged_instructions();
    test_write_xor_execute();
    test_registers_after_calls();
    test_nothing_is_left_over();
    test_old_translations();
    return 0;
}
