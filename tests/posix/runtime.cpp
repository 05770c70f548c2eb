// The C and C++ runtime under the tests: start-up, exit, thread-local data, errno, heap, stdio, sorting.
#include "check.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <unistd.h>

namespace {

struct Constructed {
    Constructed() { value = 17; }
    int value;
};
Constructed constructed;
thread_local int initialized = 5;
thread_local int zeroed;
alignas(64) thread_local char aligned[64];

void constructors_and_thread_local_data()
{
    CHECK_EQUAL(constructed.value, 17);
    CHECK_EQUAL(initialized, 5);
    CHECK_EQUAL(zeroed, 0);
    CHECK_EQUAL(reinterpret_cast<std::uintptr_t>(aligned) % 64, 0u);
    initialized = 6;
    CHECK_EQUAL(initialized, 6);
}

void errno_is_set_and_kept()
{
    errno = 0;
    CHECK_EQUAL(close(99), -1);
    CHECK_EQUAL(errno, EBADF);
    CHECK_EQUAL(write(99, "x", 1), -1);
    CHECK_EQUAL(errno, EBADF);
    errno = 0;
    CHECK_EQUAL(std::strtol("99999999999999999999", nullptr, 10), LONG_MAX);
    CHECK_EQUAL(errno, ERANGE);
}

// Blocks of many sizes, each filled with its own pattern, freed in another order than they were made.
void the_heap_keeps_its_blocks_apart()
{
    constexpr int count = 400;
    unsigned char* blocks[count];
    std::size_t sizes[count];
    for (int i = 0; i < count; i++) {
        sizes[i] = static_cast<std::size_t>(1 + i * 37 % 5000);
        blocks[i] = static_cast<unsigned char*>(std::malloc(sizes[i]));
        CHECK(blocks[i] != nullptr);
        CHECK_EQUAL(reinterpret_cast<std::uintptr_t>(blocks[i]) % 16, 0u);
        std::memset(blocks[i], i & 0xff, sizes[i]);
    }
    for (int i = 0; i < count; i += 3) {
        blocks[i] = static_cast<unsigned char*>(std::realloc(blocks[i], sizes[i] * 2));
        std::memset(blocks[i] + sizes[i], i & 0xff, sizes[i]);
        sizes[i] *= 2;
    }
    for (int k = 0; k < count; k++) {
        const int i = k * 7 % count;
        bool intact = true;
        for (std::size_t j = 0; j < sizes[i]; j++)
            intact = intact && blocks[i][j] == (i & 0xff);
        CHECK(intact);
        std::free(blocks[i]);
    }
    auto* const large = static_cast<char*>(std::calloc(8, 1 << 20));
    CHECK(large != nullptr);
    CHECK_EQUAL(large[(8 << 20) - 1], 0);
    std::free(large);
    volatile std::size_t too_much = SIZE_MAX / 2;
    void* volatile nothing = std::malloc(too_much);
    CHECK(nothing == nullptr);
}

void formatting()
{
    char text[128];
    std::snprintf(text, sizeof text, "%d %s %5.2f %lld %zu %x %c%%", -5, "text", 3.14159, 1234567890123LL,
        static_cast<std::size_t>(77), 0xbeefu, 'z');
    CHECK(std::strcmp(text, "-5 text  3.14 1234567890123 77 beef z%") == 0);
    CHECK(std::fabs(std::strtod("2.5e3", nullptr) - 2500.0) < 1e-9);
    int a = 0;
    double b = 0;
    CHECK_EQUAL(std::sscanf("12 0.5", "%d %lf", &a, &b), 2);
    CHECK_EQUAL(a, 12);
    CHECK(b == 0.5);
}

template <typename T>
bool sorts(unsigned long count)
{
    T values[500];
    std::uint64_t state = 1;
    for (unsigned long i = 0; i < count; i++) {
        state = state * 6364136223846793005u + 1;
        values[i] = static_cast<T>(state >> 40);
    }
    std::sort(values, values + count);
    return std::is_sorted(values, values + count);
}

void sorting()
{
    for (const unsigned long count : { 0ul, 1ul, 2ul, 5ul, 30ul, 500ul }) {
        CHECK(sorts<unsigned long>(count));
        CHECK(sorts<int>(count));
        CHECK(sorts<unsigned char>(count));
        CHECK(sorts<double>(count));
    }
}

void the_environment_can_be_changed()
{
    CHECK_EQUAL(setenv("ORRERY_TEST", "one", 1), 0);
    CHECK(std::strcmp(std::getenv("ORRERY_TEST"), "one") == 0);
    CHECK_EQUAL(unsetenv("ORRERY_TEST"), 0);
    CHECK(std::getenv("ORRERY_TEST") == nullptr);
}

void time_goes_on()
{
    timespec first {};
    timespec second {};
    CHECK_EQUAL(clock_gettime(CLOCK_MONOTONIC, &first), 0);
    do
        CHECK_EQUAL(clock_gettime(CLOCK_MONOTONIC, &second), 0);
    while (first.tv_sec == second.tv_sec && first.tv_nsec == second.tv_nsec);
    CHECK(second.tv_sec > first.tv_sec || second.tv_nsec > first.tv_nsec);
    errno = 0;
    CHECK_EQUAL(clock_gettime(static_cast<clockid_t>(9999), &first), -1);
    CHECK_EQUAL(errno, EINVAL);
}

// The exit status of this program is decided here, after main: atexit functions run in reverse order.
int exits = 0;
void last() { std::_Exit(exits == 1 && posix_test::failures == 0 ? 0 : 1); }
void first() { exits++; }

} // namespace

int main()
{
    constexpr posix_test::Test tests[] = {
        { "constructors and thread-local data", constructors_and_thread_local_data },
        { "errno is set and kept", errno_is_set_and_kept },
        { "the heap keeps its blocks apart", the_heap_keeps_its_blocks_apart },
        { "formatting", formatting },
        { "sorting", sorting },
        { "the environment can be changed", the_environment_can_be_changed },
        { "time goes on", time_goes_on },
    };
    std::atexit(last);
    std::atexit(first);
    posix_test::run(tests);
    std::fflush(stdout);
    return 3; // not what is seen outside
}
