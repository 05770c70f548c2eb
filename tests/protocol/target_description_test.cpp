// Register descriptions: includes, comments, numbering, and the descriptions of a stub that lies.
#include <gtest/gtest.h>
#include <map>

#include "inspector/core/rsp/target_description.h"

namespace orrery::inspector::rsp {

namespace {
Result<RegisterLayout> read(std::map<std::string, std::string> files)
{
    return read_target_description([&](const std::string& annex) -> Result<std::string> {
        if (!files.contains(annex)) return failure("no file " + annex);
        return files[annex];
    });
}

std::string complaint(std::map<std::string, std::string> files)
{
    const auto layout = read(std::move(files));
    return layout ? "accepted" : layout.error().sentence;
}

std::string with_registers(const std::string& registers)
{
    return "<target><feature name='f'>" + registers + "</feature></target>";
}
} // namespace

TEST(TargetDescription, follows_includes_and_skips_comments)
{
    const auto layout = read({ { "target.xml",
                                   "<?xml version=\"1.0\"?><!DOCTYPE target SYSTEM \"gdb-target.dtd\"><target>"
                                   "<architecture>i386:x86-64</architecture><xi:include href=\"core.xml\"/></target>" },
        { "core.xml",
            "<!DOCTYPE feature SYSTEM \"gdb-target.dtd\"><feature name=\"x\"><flags id=\"e\" size=\"4\">"
            "<field name=\"CF\" start=\"0\" end=\"0\"/></flags><reg name=\"rax\" bitsize=\"64\" type=\"int64\" "
            "regnum=\"0\"/>"
            "<!-- <reg name=\"gone\" bitsize=\"64\"/> --><reg name=\"eflags\" bitsize=\"32\" type=\"e\"/>"
            "<reg name=\"st0\" bitsize=\"80\" type=\"i387_ext\"/></feature>" } });
    ASSERT_TRUE(layout) << layout.error().sentence;
    EXPECT_EQ(layout->architecture(), "i386:x86-64");
    ASSERT_EQ(layout->registers().size(), 3u);
    EXPECT_EQ(layout->find("gone"), nullptr);
    EXPECT_EQ(layout->find("eflags")->number, 1u);
    EXPECT_EQ(layout->find("eflags")->offset, 8u);
    EXPECT_EQ(layout->find("st0")->offset, 12u);
    EXPECT_EQ(layout->total_size(), 22u);
}

TEST(TargetDescription, order_is_by_number_and_not_by_text)
{
    const auto layout = read({ { "target.xml",
        with_registers("<reg name='b' bitsize='64' regnum='5'/><reg name='c' bitsize='64'/><reg name='a' bitsize='32' "
                       "regnum='1'/>") } });
    ASSERT_TRUE(layout) << layout.error().sentence;
    EXPECT_EQ(layout->find("a")->offset, 0u);
    EXPECT_EQ(layout->find("b")->offset, 4u);
    EXPECT_EQ(layout->find("c")->number, 6u);
}

TEST(TargetDescription, refuses_impossible_registers)
{
    for (const auto* registers : { "<reg name='a' bitsize='0'/>", "<reg name='a' bitsize='7'/>", "<reg name='a'/>",
             "<reg name='a' bitsize='99999999999'/>", "<reg name='a' bitsize='-8'/>", "<reg bitsize='8'/>",
             "<reg name='a' bitsize='16384'/>" })
        EXPECT_NE(complaint({ { "target.xml", with_registers(registers) } }).find("impossible size"), std::string::npos)
            << registers;
    for (const auto* registers :
        { "<reg name='a' bitsize='8' regnum='x'/>", "<reg name='a' bitsize='8' regnum='4097'/>",
            "<reg name='a' bitsize='8' regnum='3'/><reg name='b' bitsize='8' regnum='3'/>" })
        EXPECT_NE(complaint({ { "target.xml", with_registers(registers) } }).find("number"), std::string::npos)
            << registers;
}

TEST(TargetDescription, refuses_what_is_no_description)
{
    EXPECT_NE(complaint({ { "target.xml", "" } }).find("is no XML"), std::string::npos);
    EXPECT_NE(complaint({ { "target.xml", "<target><feature>" } }).find("is no XML"), std::string::npos);
    EXPECT_NE(complaint({ { "target.xml", "\xff\xfe garbage < & >" } }).find("is no XML"), std::string::npos);
    EXPECT_NE(complaint({ { "target.xml", "<target/>" } }).find("names no register"), std::string::npos);
    EXPECT_EQ(complaint({}), "no file target.xml");
}

TEST(TargetDescription, an_include_of_itself_ends)
{
    EXPECT_NE(complaint({ { "target.xml", "<target><xi:include href='target.xml'/></target>" } }).find("without end"),
        std::string::npos);
    std::string many;
    for (int i = 0; i < 100; ++i)
        many += "<xi:include href='leaf.xml'/>";
    EXPECT_NE(complaint({ { "target.xml", "<target>" + many + "</target>" }, { "leaf.xml", "<feature/>" } })
                  .find("without end"),
        std::string::npos);
}

TEST(TargetDescription, deep_nesting_ends)
{
    std::string deep;
    for (int i = 0; i < 100'000; ++i)
        deep += "<feature>";
    for (int i = 0; i < 100'000; ++i)
        deep += "</feature>";
    EXPECT_NE(
        complaint({ { "target.xml", "<target>" + deep + "</target>" } }).find("nests without end"), std::string::npos);
}

TEST(RegisterFile, needs_an_x86_64_machine)
{
    auto layout = read({ { "target.xml", with_registers("<reg name='r0' bitsize='32'/>") } });
    ASSERT_TRUE(layout);
    const auto shared = std::make_shared<const RegisterLayout>(std::move(*layout));
    const auto file = to_register_file(RegisterSet(shared, std::vector<std::byte>(4), std::vector<bool>(4, true)));
    ASSERT_FALSE(file);
    EXPECT_NE(file.error().sentence.find("not debug an x86-64"), std::string::npos);
}

} // namespace orrery::inspector::rsp
