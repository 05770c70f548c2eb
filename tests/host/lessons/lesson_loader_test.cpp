// Loading lessons: a right one, and one sentence with file and place for every way in which one can be wrong.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <functional>

#include "inspector/lessons/lesson.h"
#include "inspector/lessons/lesson_files.h"
#include "inspector/lessons/lesson_schema.h"
#include "inspector/lessons/lesson_text.h"
#include "lesson_folder.h"

namespace orrery::inspector::lessons {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using Json = nlohmann::json;
namespace fs = std::filesystem;

std::string mistake_in(const LessonFolder& folder)
{
    const auto lesson = load_lesson(folder.path());
    return lesson ? "no mistake" : lesson.error().sentence;
}

std::string mistake(const std::function<void(Json&)>& change)
{
    LessonFolder folder;
    change(folder.json);
    folder.save();
    return mistake_in(folder);
}

TEST(LessonLoader, LoadsARightLesson)
{
    const LessonFolder folder;
    const auto loaded = load_lesson(folder.path());
    ASSERT_TRUE(loaded) << loaded.error().sentence;
    const auto& lesson = **loaded;
    EXPECT_EQ(lesson.id, "07-test");
    EXPECT_EQ(lesson.introduction, "Hello.\n\n");
    ASSERT_EQ(lesson.steps.size(), 7u);
    EXPECT_THAT(lesson.steps[0].text, AllOf(HasSubstr("## What it is"), HasSubstr("## not a heading")));
    EXPECT_EQ(lesson.points_possible(), 7u);
    EXPECT_EQ(lesson.machine.cpus, 1u);
    EXPECT_EQ(lesson.machine.memory_mib, 128u);
    EXPECT_EQ(lesson.mutants.at(0).refused_by.at(0), "handled");
    EXPECT_THAT(
        lesson.watched_phases(), testing::UnorderedElementsAre(abi::Phase::space_ended, abi::Phase::signal_handled));
    EXPECT_EQ(std::get<GotoStep>(lesson.steps[3].action).destination.in_words(),
        "until signal.handled where here.signal == SIGUSR2");
    EXPECT_EQ(std::get<GotoStep>(lesson.steps[5].action).destination.in_words(), "until the program has ended");
}

TEST(LessonLoader, ListsLessonsAndTheirProblems)
{
    LessonFolder folder;
    folder.folder.write("08-broken/lesson.json", "{");
    folder.folder.write("notes/lesson.json", "{");
    folder.folder.write("09-empty/readme", "");
    const auto listed = list_lessons(folder.folder.path);
    ASSERT_TRUE(listed);
    ASSERT_EQ(listed->size(), 2u);
    EXPECT_EQ((*listed)[0].title, "A test");
    EXPECT_EQ((*listed)[0].problem, "");
    EXPECT_THAT((*listed)[1].problem, HasSubstr("08-broken/lesson.json: line 1, column"));
    EXPECT_FALSE(list_lessons(folder.folder.path / "nowhere"));
}

TEST(LessonLoader, MissingThings)
{
    const TemporaryFolder empty;
    EXPECT_THAT(load_lesson(empty.path / "none").error().sentence, HasSubstr("there is no lesson folder"));
    EXPECT_THAT(load_lesson(empty.path).error().sentence, HasSubstr("can't find \"lesson.json\": No such file"));
    LessonFolder folder;
    fs::remove(folder.path() / "solution/program.c");
    EXPECT_THAT(mistake_in(folder), HasSubstr("lesson.json: solution: in \"solution\": can't find \"program.c\""));
    folder.folder.write("07-test/solution/program.c", "");
    fs::remove_all(folder.path() / "mutants/lazy");
    EXPECT_THAT(mistake_in(folder), HasSubstr("mutants[0] (\"lazy\"): can't find \"mutants/lazy\""));
    fs::remove(folder.path() / "text.md");
    EXPECT_THAT(mistake_in(folder), HasSubstr("text: can't find \"text.md\""));
}

TEST(LessonLoader, BrokenJson)
{
    LessonFolder folder;
    const auto with = [&](std::string_view text) {
        folder.folder.write("07-test/lesson.json", text);
        return mistake_in(folder);
    };
    EXPECT_THAT(with("{\n  \"id\": }"), HasSubstr("lesson.json: line 2, column 9: this is not JSON: "));
    EXPECT_THAT(with(""), HasSubstr("this is not JSON"));
    EXPECT_THAT(with("{\"id\": 1, \"id\": 2}"), EndsWith("the key \"id\" is there twice in one object"));
    EXPECT_THAT(with(std::string(100'000, '[')), EndsWith("objects and arrays are nested more than 16 deep"));
    EXPECT_THAT(with("\"\xff\xfe\""), HasSubstr("this is not JSON"));
    EXPECT_THAT(with("[]"), HasSubstr("lesson.json: "));
    EXPECT_THAT(with("1e999"), HasSubstr("lesson.json: "));
    EXPECT_THAT(with(std::string(2 << 20, ' ')), HasSubstr("is larger than 1048576 bytes"));
}

TEST(LessonLoader, WrongShape)
{
    EXPECT_THAT(mistake([](Json& l) { l.erase("title"); }), EndsWith("lesson.json: the lesson lacks \"title\""));
    EXPECT_THAT(mistake([](Json& l) { l["format"] = 2; }), EndsWith("format must be 1, and is a number"));
    EXPECT_THAT(
        mistake([](Json& l) { l["colour"] = 1; }), EndsWith("the lesson has a key \"colour\" that means nothing here"));
    EXPECT_THAT(mistake([](Json& l) { l["title"] = 3; }), EndsWith("title must be a text, and is a number"));
    EXPECT_THAT(mistake([](Json& l) { l["steps"][4]["points"] = "3"; }),
        EndsWith("steps[4].points must be a whole number, and is \"3\""));
    EXPECT_THAT(mistake([](Json& l) { l["steps"][4]["points"] = -1; }), HasSubstr("steps[4].points: "));
    EXPECT_THAT(mistake([](Json& l) { l["steps"][4].erase("holds"); }), EndsWith("steps[4] lacks \"holds\""));
    EXPECT_THAT(mistake([](Json& l) { l["steps"][4]["hint"] = "x"; }),
        EndsWith("steps[4] has a key \"hint\" that means nothing here"));
    EXPECT_THAT(mistake([](Json& l) { l["steps"][0]["kind"] = "jump"; }),
        EndsWith("steps[0].kind must be one of \"read\", \"goto\", \"predict\", \"check\", and is \"jump\""));
    EXPECT_THAT(mistake([](Json& l) { l["steps"][0].erase("kind"); }), EndsWith("steps[0] lacks \"kind\""));
    EXPECT_THAT(mistake([](Json& l) { l["steps"][0]["id"] = "Not good"; }),
        HasSubstr("steps[0].id must be a text that matches"));
    EXPECT_THAT(mistake([](Json& l) { l["program"]["sources"] = Json::array({ "../x.c" }); }),
        HasSubstr("program.sources[0] must be a text that matches"));
    EXPECT_THAT(mistake([](Json& l) { l["program"]["sources"] = Json::array({ "a.c", "a.c" }); }),
        EndsWith("program.sources has the same element twice"));
    EXPECT_THAT(mistake([](Json& l) { l["steps"] = Json::array(); }), HasSubstr("steps: "));
    EXPECT_THAT(mistake([](Json& l) { l["steps"][0] = 5; }), HasSubstr("steps[0]"));
    EXPECT_THAT(mistake([](Json& l) { l["machine"]["cpus"] = 1.5; }),
        EndsWith("machine.cpus must be a whole number, and is a number with a fraction"));
}

TEST(LessonLoader, NoSense)
{
    EXPECT_THAT(mistake([](Json& l) { l["id"] = "08-other"; }),
        EndsWith("id: \"08-other\" is not the folder's name, \"07-test\""));
    EXPECT_THAT(mistake([](Json& l) { l["steps"][1]["id"] = "start"; }),
        EndsWith("steps[1] (\"start\"): another step has the same id"));
    EXPECT_THAT(mistake([](Json& l) { l["steps"][0]["section"] = "nowhere"; }),
        EndsWith("steps[0] (\"start\").section: the text has no section \"nowhere\""));
    EXPECT_THAT(mistake([](Json& l) { l["steps"][4]["holds"] = "thread.pendin has SIGINT"; }),
        HasSubstr("steps[4] (\"handled\").holds: column 8: a thread has no field \"pendin\""));
    EXPECT_THAT(mistake([](Json& l) { l["steps"][4]["holds"] = "thread.id"; }), HasSubstr("expected a condition"));
    EXPECT_THAT(mistake([](Json& l) { l["steps"][3]["until"]["where"] = "here.signal == SIGUSR7"; }),
        HasSubstr("steps[3] (\"second\").until.where: column 16: expected a signal's name"));
    EXPECT_THAT(mistake([](Json& l) { l["steps"][3]["until"]["phases"][0] = "signal.lost"; }),
        EndsWith("steps[3] (\"second\").until.phases[0]: there is no phase \"signal.lost\""));
    EXPECT_THAT(mistake([](Json& l) { l["steps"][3]["until"]["end"] = true; }),
        EndsWith("it must have either \"phases\" or \"end\""));
    EXPECT_THAT(mistake([](Json& l) { l["steps"][5]["until"]["where"] = "true"; }),
        EndsWith("\"where\" has no meaning beside \"end\""));
    EXPECT_THAT(
        mistake([](Json& l) { l["steps"][1]["answer"] = "three"; }), EndsWith("\"three\" is not among the choices"));
    EXPECT_THAT(mistake([](Json& l) { l["steps"][1].erase("answer"); }),
        EndsWith("it must have either \"answer\" or \"answer_expression\""));
    EXPECT_THAT(mistake([](Json& l) { l["steps"][2]["answer_expression"] = "here.signal =="; }),
        HasSubstr("answer_expression: column 15: expected a value"));
    EXPECT_THAT(mistake([](Json& l) { l["mutants"][0]["refused_by"][0] = "never"; }),
        EndsWith("mutants[0] (\"lazy\").refused_by: there is no step \"never\""));
    EXPECT_THAT(mistake([](Json& l) { l["mutants"][0]["refused_by"][0] = "start"; }),
        HasSubstr("the step \"start\" is no check and no goto"));
    EXPECT_THAT(mistake([](Json& l) { l["mutants"].push_back(l["mutants"][0]); }),
        EndsWith("mutants[1] (\"lazy\"): another mutant has the same name"));
}

TEST(LessonLoader, NeverLeavesTheFolder)
{
    EXPECT_THAT(mistake([](Json& l) { l["text"] = "../../etc/passwd"; }),
        EndsWith("text: \"../../etc/passwd\" leads out of its folder"));
    EXPECT_THAT(mistake([](Json& l) { l["text"] = "/etc/passwd"; }),
        EndsWith("\"/etc/passwd\" is an absolute path; it must be relative to its folder"));
    EXPECT_THAT(mistake([](Json& l) { l["starter"] = ".."; }), EndsWith("starter: \"..\" leads out of its folder"));
    LessonFolder folder;
    fs::remove(folder.path() / "text.md");
    fs::create_symlink("/etc/passwd", folder.path() / "text.md");
    EXPECT_THAT(mistake_in(folder), EndsWith("\"text.md\" is a link that leads out of its folder"));
    fs::remove(folder.path() / "text.md");
    ASSERT_EQ(::mkfifo((folder.path() / "text.md").c_str(), 0600), 0);
    EXPECT_THAT(mistake_in(folder), EndsWith("\"text.md\" is not a regular file"));
    fs::remove(folder.path() / "text.md");
    fs::create_symlink("text.md", folder.path() / "text.md");
    EXPECT_THAT(mistake_in(folder), HasSubstr("can't find \"text.md\": Too many levels of symbolic links"));
    fs::remove(folder.path() / "text.md");
    folder.folder.write("07-test/real.md", "## What it is\n");
    fs::create_symlink("real.md", folder.path() / "text.md");
    EXPECT_EQ(mistake_in(folder), "no mistake") << "a link within the folder is fine";
}

TEST(LessonFiles, ReadsOnlyRegularFiles)
{
    const TemporaryFolder folder;
    EXPECT_THAT(read_text_file("/dev/zero").error().sentence, HasSubstr("not a regular file"));
    EXPECT_THAT(read_text_file(folder.path).error().sentence, HasSubstr("not a regular file"));
    ASSERT_EQ(::mkfifo((folder.path / "pipe").c_str(), 0600), 0);
    EXPECT_THAT(read_text_file(folder.path / "pipe").error().sentence, HasSubstr("not a regular file"));
    folder.write("full", std::string(maximum_file_size, 'x'));
    EXPECT_TRUE(read_text_file(folder.path / "full"));
    folder.write("over", std::string(maximum_file_size + 1, 'x'));
    EXPECT_FALSE(read_text_file(folder.path / "over"));
}

TEST(LessonText, CutsAtHeadings)
{
    EXPECT_EQ(section_name("  What a Signal *is*!"), "what-a-signal-is");
    const auto twice = cut_into_sections("## A b\n## a-b\n");
    ASSERT_FALSE(twice);
    EXPECT_EQ(twice.error().sentence, "the section \"## a-b\" is there twice");
    const auto last = cut_into_sections("## End");
    ASSERT_TRUE(last);
    EXPECT_EQ(last->sections.at("end"), "## End");
}

TEST(LessonSchema, RefusesWhatIsNoObject)
{
    for (const auto* text : { "null", "3", "\"x\"", "[]", "{}" }) {
        const auto json = parse_json(text);
        ASSERT_TRUE(json) << text;
        EXPECT_FALSE(check_lesson_shape(*json)) << text;
    }
}

} // namespace
} // namespace orrery::inspector::lessons
