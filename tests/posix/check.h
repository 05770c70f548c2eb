// The checks of the POSIX tests: one header, no library, because the same program runs on Orrery and on Linux.
//
// A test program is a list of functions; main returns how many checks failed, so 0 is success.
#pragma once

#include <cstdint>
#include <cstdio>
#include <initializer_list>

namespace posix_test {

inline int failures = 0;

inline void report(const char* file, int line, const char* what)
{
    failures++;
    std::printf("%s:%d: failed: %s\n", file, line, what);
    std::fflush(stdout);
}

template <typename Left, typename Right>
void check_equal(const char* file, int line, const char* what, const Left& left, const Right& right)
{
    if (left == right) return;
    report(file, line, what);
    std::printf("    left %lld, right %lld\n", static_cast<long long>(left), static_cast<long long>(right));
    std::fflush(stdout);
}

struct Test {
    const char* name;
    void (*function)();
};

template <unsigned long count>
int run(const Test (&tests)[count])
{
    for (const Test& test : tests) {
        const int before = failures;
        test.function();
        if (failures != before) std::printf("FAILED %s\n", test.name);
    }
    std::printf("%lu tests, %d failed checks\n", count, failures);
    return failures > 100 ? 100 : failures;
}

} // namespace posix_test

#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) posix_test::report(__FILE__, __LINE__, #condition);                                          \
    } while (false)

#define CHECK_EQUAL(left, right) posix_test::check_equal(__FILE__, __LINE__, #left " == " #right, (left), (right))
