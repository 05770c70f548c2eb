// Names without parameters.
#include <gtest/gtest.h>

#include "inspector/core/debuginfo/debuginfo.h"

namespace orrery::inspector {
namespace {

TEST(Demangle, LeavesPlainNamesAlone)
{
    EXPECT_EQ(demangle("_start"), "_start");
    EXPECT_EQ(demangle("_Znonsense"), "_Znonsense");
    EXPECT_EQ(demangle(""), "");
    EXPECT_EQ(demangle("_ZN6orrery6kernel5panicEPKc"), "orrery::kernel::panic(char const*)");
}

TEST(WithoutParameters, TakesOnlyTheParameterListAway)
{
    EXPECT_EQ(without_parameters("a::f(int, char const*) const"), "a::f");
    EXPECT_EQ(without_parameters("plain"), "plain");
    EXPECT_EQ(without_parameters("(anonymous namespace)::f(int)"), "(anonymous namespace)::f");
    EXPECT_EQ(without_parameters("a::operator()(int)"), "a::operator()");
    EXPECT_EQ(without_parameters("a::operator<(a const&)"), "a::operator<");
    EXPECT_EQ(without_parameters("a::operator->()"), "a::operator->");
    EXPECT_EQ(without_parameters("void f<void (*)(int)>(int)"), "void f<void (*)(int)>");
    EXPECT_EQ(without_parameters("operator"), "operator");
    EXPECT_EQ(without_parameters(""), "");
}

} // namespace
} // namespace orrery::inspector
