// Fields by name out of the bytes of a structure.
#include <gmock/gmock.h>

#include "inspector/core/debuginfo/struct_reader.h"
#include "subject.h"

namespace orrery::inspector {
namespace {

class StructReaderTest : public testing::Test {
protected:
    StructReaderTest()
    {
        const ElfImage image(SUBJECT_PATH);
        object_ = *GuestObject::read(*subject()->structure("subject::Outer"), image,
                                     subject()->variable("subject::outer")->address);
    }
    std::optional<GuestObject> object_;
    StructReader reader() const { return object_->reader(); }
};

TEST_F(StructReaderTest, ReadsEveryKindOfField)
{
    EXPECT_EQ(reader().field<std::uint64_t>("base_value"), 0x1122334455667788u);
    EXPECT_EQ(reader().field<std::uint32_t>("counter"), 41u);
    EXPECT_EQ(reader().field<bool>("flag"), true);
    EXPECT_EQ(reader().field<std::uint64_t>("inner.a"), 500u);
    EXPECT_EQ(reader().field<int>("inner.b"), -2) << "sign-extended";
    EXPECT_EQ(reader().field<int>("array[1].b"), -4);
    EXPECT_EQ(reader().field<std::uint64_t>("next"), subject()->variable("subject::outer")->address);
    EXPECT_EQ(reader().field<std::uint64_t>("head"), subject()->variable("subject::outer")->address);
    EXPECT_EQ(reader().field<unsigned>("low"), 5u);
    EXPECT_EQ(reader().field<unsigned>("high"), 17u);
    EXPECT_EQ(reader().field<unsigned>("word_bytes[2]"), 0xbbu);
    EXPECT_EQ(reader().field<unsigned>("matrix[1][2]"), 6u);
    EXPECT_EQ(reader().enumerator("colour"), "green");
    EXPECT_EQ(reader().enumerator("atomic_colour"), "blue");
    EXPECT_EQ(reader().enumerator("temperature"), "cold");
    EXPECT_EQ(reader().text("name"), "orrery");
    EXPECT_EQ(reader().bytes("array")->size(), 12u);
}

TEST_F(StructReaderTest, AMissingFieldIsNamed)
{
    EXPECT_EQ(reader().field<int>("missing").error().sentence, "subject::Outer has no field 'missing'");
    EXPECT_EQ(reader().field<int>("inner.missing").error().sentence, "subject::Inner has no field 'missing'");
    EXPECT_EQ(reader().field<int>("flag.x").error().sentence, "bool has no field 'x'");
}

TEST_F(StructReaderTest, AFieldThatGrewIsRefused)
{
    EXPECT_EQ(reader().field<std::uint32_t>("base_value").error().sentence,
              "subject::Outer.base_value has 8 bytes where this version expects at most 4");
}

TEST_F(StructReaderTest, WrongPathsAndKindsAreRefused)
{
    EXPECT_THAT(reader().field<int>("array[3].a").error().sentence, testing::HasSubstr("has only 3 elements"));
    EXPECT_THAT(reader().field<int>("flag[0]").error().sentence, testing::HasSubstr("is not an array"));
    EXPECT_THAT(reader().field<int>("array[x]").error().sentence, testing::HasSubstr("is not a field path"));
    EXPECT_THAT(reader().field<int>("array[1").error().sentence, testing::HasSubstr("is not a field path"));
    EXPECT_THAT(reader().field<int>("inner").error().sentence, testing::HasSubstr("not a number"));
    EXPECT_THAT(reader().enumerator("counter").error().sentence, testing::HasSubstr("not an enumeration"));
    EXPECT_FALSE(reader().field<int>(""));
}

TEST_F(StructReaderTest, BytesThatAreNotThereAreRefused)
{
    const std::byte few[16] {};
    const StructReader cut(*subject()->structure("subject::Outer"), few);
    EXPECT_TRUE(cut.field<std::uint32_t>("counter"));
    EXPECT_THAT(cut.field<std::uint64_t>("next").error().sentence, testing::HasSubstr("outside of the structure"));
    EXPECT_FALSE(cut.bytes("name"));
}

TEST_F(StructReaderTest, UnreadableMemoryIsSaid)
{
    const auto missing = GuestObject::read(*subject()->structure("subject::Outer"), ElfImage(SUBJECT_PATH), 0x10);
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().sentence, "the subject::Outer at 0x10 can't be read");
    auto empty = std::make_shared<StructShape>();
    empty->name = "empty";
    EXPECT_THAT(GuestObject::read(empty, ElfImage(SUBJECT_PATH), 0).error().sentence, testing::HasSubstr("can't be right"));
}

} // namespace
} // namespace orrery::inspector
