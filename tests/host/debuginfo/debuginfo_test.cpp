// Symbols, lines, types and variables of the subject.
#include <algorithm>
#include <gmock/gmock.h>

#include "subject.h"

namespace orrery::inspector {
namespace {

using testing::HasSubstr;

TEST(Symbols, NamesLeadToAddressesAndBack)
{
    const auto info = subject();
    const auto leaf = info->symbol_named("subject::leaf");
    ASSERT_TRUE(leaf);
    EXPECT_TRUE(leaf->is_function);
    EXPECT_EQ(leaf->signature, "subject::leaf(unsigned long, int, unsigned char)");
    EXPECT_EQ(info->symbol_named(leaf->linker_name)->address, leaf->address);
    EXPECT_EQ(info->symbol_named(leaf->signature)->address, leaf->address);
    EXPECT_EQ(info->symbol_at(leaf->address)->name, "subject::leaf");
    EXPECT_EQ(info->describe(leaf->address), "subject::leaf");
    EXPECT_EQ(info->describe(leaf->address + 2), "subject::leaf+0x2");
    EXPECT_NE(info->symbol_at(leaf->address + leaf->size)->name, "subject::leaf");
    EXPECT_EQ(info->symbol_named("nothing"), std::nullopt);
    EXPECT_EQ(info->symbol_at(16), std::nullopt);
    EXPECT_EQ(info->describe(16), "0x10");
    EXPECT_EQ(info->entry(), info->symbol_named("_start")->address);
}

TEST(Symbols, ALabelWithoutSizeReachesToTheEndOfItsSection)
{
    const auto info = subject();
    const auto label = info->symbol_named("label_without_size");
    ASSERT_TRUE(label);
    const auto range = info->function_at(label->address + 1);
    ASSERT_TRUE(range);
    EXPECT_EQ(range->begin, label->address);
    EXPECT_EQ(range->name, "label_without_size");
    EXPECT_GE(range->end, label->address + 2);
}

TEST(Symbols, FunctionRangesCoverTheFunction)
{
    const auto range = subject()->function_named("subject::middle");
    ASSERT_TRUE(range);
    EXPECT_LT(range->begin, range->end);
    EXPECT_EQ(subject()->function_at(range->end - 1)->name, "subject::middle");
    EXPECT_FALSE(subject()->function_named("subject::outer")); // data
}

int line_of(std::string_view marker)
{
    std::ifstream stream(ORRERY_SOURCE_DIR "/tests/host/debuginfo/subject/subject.cpp");
    std::string text;
    for (int number = 1; std::getline(stream, text); ++number)
        if (text.find(marker) != std::string::npos) return number;
    return 0;
}

TEST(Lines, AddressesLeadToLinesAndBack)
{
    const auto info = subject();
    const int line = line_of("// line of the leaf");
    const auto addresses = info->addresses_of("subject/subject.cpp", line);
    ASSERT_FALSE(addresses.empty());
    const auto location = info->location(addresses.front());
    ASSERT_TRUE(location);
    EXPECT_EQ(location->line, line);
    EXPECT_THAT(location->file, testing::EndsWith("/tests/host/debuginfo/subject/subject.cpp"));
    EXPECT_EQ(info->function_at(addresses.front())->name, "subject::leaf");
    EXPECT_TRUE(info->addresses_of("ubject.cpp", line).empty()) << "only whole parts of a path match";
    EXPECT_TRUE(info->addresses_of("subject.cpp", 1000000).empty());
    EXPECT_FALSE(info->location(4));
    EXPECT_THAT(info->source_files(), testing::Contains(location->file));
}

TEST(Lines, ALineWithoutCodeMovesToTheNextWithCode)
{
    const auto info = subject();
    const int line = line_of("// line of the leaf");
    const int before = line_of("void leaf(");
    const auto addresses = info->addresses_of("subject.cpp", before - 1); // the empty line above
    ASSERT_FALSE(addresses.empty());
    const auto found = info->location(addresses.front())->line;
    EXPECT_GE(found, before - 1);
    EXPECT_LT(found, line);
}

TEST(Lines, RangesOfAFunctionAreAscendingAndInside)
{
    const auto range = *subject()->function_named("subject::leaf");
    const auto lines = subject()->lines_between(range.begin, range.end);
    ASSERT_GE(lines.size(), 3u);
    std::uint64_t reached = range.begin;
    for (const auto& line : lines) {
        EXPECT_GE(line.begin, reached);
        EXPECT_GT(line.end, line.begin);
        reached = line.end;
        EXPECT_EQ(subject()->line_at(line.end - 1)->location, line.location);
    }
    EXPECT_EQ(lines.front().begin, range.begin);
    EXPECT_EQ(reached, range.end);
}

TEST(Types, ShapesHaveTheCompilersOffsets)
{
    const auto shape = subject()->structure("subject::Outer");
    ASSERT_TRUE(shape) << shape.error().sentence;
    const auto& outer = **shape;
    EXPECT_EQ(outer.field("base_value")->offset, 0u);
    EXPECT_EQ(outer.field("counter")->offset, 8u);
    EXPECT_EQ(outer.field("counter")->type.kind, TypeKind::unsigned_integer) << "std::atomic is transparent";
    EXPECT_EQ(outer.field("counter")->type.size, 4u);
    EXPECT_EQ(outer.field("colour")->type.kind, TypeKind::enumeration);
    EXPECT_EQ(outer.field("flag")->type.kind, TypeKind::boolean);
    EXPECT_EQ(outer.field("next")->type.kind, TypeKind::pointer);
    EXPECT_EQ(outer.field("next")->type.pointee, "subject::Outer");
    EXPECT_EQ(outer.field("head")->type.kind, TypeKind::pointer);
    EXPECT_EQ(outer.field("head")->type.pointee, "subject::Outer");
    EXPECT_EQ(outer.field("atomic_colour")->type.kind, TypeKind::enumeration);
    EXPECT_EQ(outer.field("array")->type.element_count, 3u);
    EXPECT_EQ(outer.field("array")->type.size, 12u);
    EXPECT_EQ(outer.field("word")->offset, outer.field("word_bytes")->offset) << "an anonymous union's members";
    EXPECT_EQ(outer.field("matrix")->type.element->element_count, 3u);
    EXPECT_EQ(outer.field("instances"), nullptr) << "static members are not in the object";
}

TEST(Types, EnumeratorsHaveNamesAndValues)
{
    const auto colour = subject()->enumeration("subject::Colour");
    ASSERT_TRUE(colour) << colour.error().sentence;
    EXPECT_EQ((*colour)->size, 1u);
    EXPECT_EQ((*colour)->name_of(7), "green");
    EXPECT_EQ((*colour)->value_of("blue"), 0x80);
    EXPECT_EQ((*colour)->name_of(1), std::nullopt);
    EXPECT_EQ((*subject()->enumeration("subject::Temperature"))->value_of("cold"), -3);
}

TEST(Types, WhatIsNotThereIsNamedInASentence)
{
    EXPECT_EQ(subject()->structure("subject::Missing").error().sentence, "subject.elf has no structure subject::Missing");
    EXPECT_EQ(subject()->enumeration("E").error().sentence, "subject.elf has no enumeration E");
    EXPECT_EQ(subject()->variable("v").error().sentence, "subject.elf has no variable v");
}

TEST(Variables, HaveAddressAndType)
{
    const auto outer = subject()->variable("subject::outer");
    ASSERT_TRUE(outer) << outer.error().sentence;
    EXPECT_EQ(outer->address, subject()->symbol_named("subject::outer")->address);
    EXPECT_EQ(outer->type.structure->name, "subject::Outer");
    const auto instances = subject()->variable("subject::Outer::instances");
    ASSERT_TRUE(instances) << instances.error().sentence;
    EXPECT_EQ(ElfImage(SUBJECT_PATH).value<std::uint64_t>(instances->address), 77u);
    EXPECT_EQ(instances->type.size, 8u);
}

TEST(Probes, AreFoundWithTheirAddresses)
{
    const auto& probes = subject()->probes();
    EXPECT_EQ(subject()->probe_problem(), "");
    ASSERT_EQ(probes.size(), 2u);
    const auto found = std::ranges::find(probes, "test__probe", &Probe::name);
    ASSERT_NE(found, probes.end());
    EXPECT_EQ(found->provider, "orrery");
    EXPECT_EQ(found->problem, "");
    EXPECT_EQ(found->arguments.size(), 5u);
    EXPECT_EQ(subject()->function_at(found->address)->name, "subject::leaf");
    EXPECT_EQ(ElfImage(SUBJECT_PATH).value<std::uint8_t>(found->address), 0x90) << "a probe is a nop";
}

} // namespace
} // namespace orrery::inspector
