// The predicate language: what holds, what does not and why, and what is a mistake.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sample.h"

namespace orrery::inspector::lessons {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class PredicateTest : public testing::Test {
protected:
    PredicateTest()
    {
        history.add(seen(abi::Phase::signal_raised, "pong", 3, 10, 4));
        history.add(seen(abi::Phase::signal_merged, "pong", 3, 10, 4));
        history.add(seen(abi::Phase::signal_handled, "ping", 0x7000, 12, 0x402000));
        history.add(seen(abi::Phase::signal_handled, "ping", 0x7000, 10, 0x402000));
        history.add(seen(abi::Phase::ring_pushed, "ping", 1, 4, 77));
    }

    Scene scene() const { return { &snapshot, &history, &history.events().back(), &names, "ping" }; }

    Evaluation evaluate(std::string_view source) const
    {
        const auto predicate = Predicate::parse(source);
        if (!predicate) {
            ADD_FAILURE() << source << ": " << predicate.error().sentence;
            return {};
        }
        return predicate->evaluate(scene());
    }
    Truth truth(std::string_view source) const { return evaluate(source).truth; }
    std::string value(std::string_view source) const { return evaluate(source).value; }
    std::string refusal(std::string_view source) const { return evaluate(source).refusal; }
    static std::string mistake(std::string_view source)
    {
        const auto predicate = Predicate::parse(source);
        return predicate ? "no mistake" : predicate.error().sentence;
    }

    Snapshot snapshot = sample_snapshot();
    PhaseHistory history;
    SampleNames names;
};

TEST_F(PredicateTest, ExamplesOfTheContractHold)
{
    EXPECT_EQ(truth(R"(thread("ping").pending has SIGUSR1 and not thread("ping").allowset has SIGUSR1)"), Truth::yes);
    EXPECT_EQ(truth("ring(1).used == 0"), Truth::no);
    EXPECT_EQ(truth("ring(1).used == 2"), Truth::yes);
    EXPECT_EQ(truth("frame(0).signal == SIGUSR2"), Truth::yes);
    EXPECT_EQ(truth(R"(phase("signal.handled").count >= 2)"), Truth::yes);
    EXPECT_EQ(truth(R"(phase("signal.handled").count >= 3)"), Truth::no);
}

TEST_F(PredicateTest, AndBindsStrongerThanOrAndNotStrongest)
{
    EXPECT_EQ(truth("true or false and false"), Truth::yes);
    EXPECT_EQ(truth("(true or false) and false"), Truth::no);
    EXPECT_EQ(truth("not false and false"), Truth::no);
    EXPECT_EQ(truth("not (false and false)"), Truth::yes);
    EXPECT_EQ(truth("not not true"), Truth::yes);
}

TEST_F(PredicateTest, ValuesInWords)
{
    EXPECT_EQ(value("thread.pending"), "{SIGUSR1}");
    EXPECT_EQ(value("thread.allowset"), "all signals but {SIGUSR1}");
    EXPECT_EQ(value("thread.blocked"), "{SIGUSR1}");
    EXPECT_EQ(value("thread(4).name"), "\"pong\"");
    EXPECT_EQ(value("frame.rip"), "0x401002");
    EXPECT_EQ(value("frame.rip - thread.rip"), "0x2");
    EXPECT_EQ(value("frame.code"), "-6");
    EXPECT_EQ(value("frame.signal"), "SIGUSR2");
    EXPECT_EQ(value("SIGRTMIN + 2"), "SIGRTMIN+2");
    EXPECT_EQ(value("18446744073709551615"), "18446744073709551615");
    EXPECT_EQ(value("1 - 3"), "-2");
    EXPECT_EQ(value("0x10 + 1"), "17");
    EXPECT_EQ(value("address(\"main\")"), "0x401000");
    EXPECT_EQ(value("variable(\"negative\")"), "-1");
    EXPECT_EQ(value("here.phase"), "\"ring.pushed\"");
    EXPECT_EQ(value("{SIGINT, SIGUSR1}"), "{SIGINT, SIGUSR1}");
    EXPECT_EQ(value("{}"), "{}");
}

TEST_F(PredicateTest, Comparisons)
{
    for (const auto* source : { "1 < 2", "2 <= 2", "3 > 2", "3 >= 3", "1 != 2", "2 == 2", "SIGUSR1 == 10",
             "true == true", "true != false", "\"a\" == \"a\"", "\"a\" != \"b\"", "{SIGINT} == {SIGINT}",
             "{SIGINT, SIGHUP} has {SIGINT}", "here.phase == \"ring.pushed\"", "\"signal.raised\" != here.phase",
             "frame.handler == address(\"count\")", "thread.state == \"running\"" })
        EXPECT_EQ(truth(source), Truth::yes) << source;
    for (const auto* source : { "2 < 2", "3 <= 2", "2 > 2", "2 >= 3", "2 != 2", "1 == 2",
             "{SIGINT} has {SIGINT, SIGHUP}", "{SIGINT} != {SIGINT}", "here.phase == \"signal.raised\"" })
        EXPECT_EQ(truth(source), Truth::no) << source;
}

TEST_F(PredicateTest, PhasesAreFilteredAndOrdered)
{
    EXPECT_EQ(value(R"(phase("signal.handled", signal = SIGUSR1).count)"), "1");
    EXPECT_EQ(value(R"(phase("signal.handled", thread = "pong").count)"), "0");
    EXPECT_EQ(value(R"(phase("ring.pushed", ring = 1, thread = "ping").count)"), "1");
    EXPECT_EQ(value(R"(phase("ring.pushed", ring = 2).count)"), "0");
    EXPECT_EQ(value(R"(phase("signal.handled").first.signal)"), "SIGUSR2");
    EXPECT_EQ(value(R"(phase("signal.handled").last.signal)"), "SIGUSR1");
    EXPECT_EQ(truth(R"(phase("signal.raised").first.order < phase("signal.handled").first.order)"), Truth::yes);
    EXPECT_EQ(value(R"(phase("ring.pushed").last.argument(2))"), "77");
    const auto predicate = Predicate::parse(R"(phase("signal.handled").count == 1 or phase("ring.pushed").count == 1)");
    ASSERT_TRUE(predicate);
    EXPECT_THAT(predicate->phases(), testing::ElementsAre(abi::Phase::signal_handled, abi::Phase::ring_pushed));
}

TEST_F(PredicateTest, UnknownIsNeverTrueNotEvenUnderNot)
{
    EXPECT_EQ(truth(R"(thread("nobody").pending has SIGUSR1)"), Truth::unknown);
    EXPECT_EQ(truth(R"(not thread("nobody").pending has SIGUSR1)"), Truth::unknown);
    EXPECT_EQ(truth(R"(thread("nobody").id == 1 and false)"), Truth::no);
    EXPECT_EQ(truth(R"(thread("nobody").id == 1 or true)"), Truth::yes);
    EXPECT_EQ(truth(R"(thread("nobody").id == 1 and true)"), Truth::unknown);
    EXPECT_EQ(truth(R"(thread("nobody").exists)"), Truth::no);
    EXPECT_EQ(truth(R"(thread("ping").exists)"), Truth::yes);
    EXPECT_EQ(truth("thread(\"pong\").pending has SIGUSR1"), Truth::unknown) << "has no control page";
    EXPECT_EQ(truth("ring(9).used == 0"), Truth::unknown);
    EXPECT_EQ(truth("frame(1).signal == SIGUSR1"), Truth::unknown);
    EXPECT_EQ(truth("exit.status == 0"), Truth::unknown) << "still runs";
    EXPECT_EQ(Predicate::parse("true")->evaluate(Scene {}).truth, Truth::yes);
    for (const auto* source : { "thread.id == 1", "process.ended", "ring(1).used == 1", "frame.signal == SIGINT",
             "here.signal == SIGINT", "phase(\"ring.rung\").count == 0", "exit.status == 0", "machine.panicked",
             "address(\"main\") == 0", "variable(\"x\") == 0" })
        EXPECT_EQ(Predicate::parse(source)->evaluate(Scene {}).truth, Truth::unknown) << source;
}

TEST_F(PredicateTest, ExitComesFromTheProcessOrFromItsLastPhase)
{
    auto looking_at = scene();
    looking_at.subject = "gone";
    EXPECT_EQ(Predicate::parse("exit.signal")->evaluate(looking_at).value, "SIGSEGV");
    EXPECT_EQ(Predicate::parse("exit.status")->evaluate(looking_at).value, "139");
    looking_at.subject = "vanished";
    EXPECT_EQ(Predicate::parse("exit.status")->evaluate(looking_at).truth, Truth::unknown);
    history.add(seen(abi::Phase::space_ended, "vanished", 12, 42));
    EXPECT_EQ(Predicate::parse("exit.status == 42")->evaluate(looking_at).truth, Truth::yes);
    EXPECT_EQ(Predicate::parse("exit.signal == 0")->evaluate(looking_at).truth, Truth::yes);
}

TEST_F(PredicateTest, RefusalsSayWhatWasSeenAndWhatShouldBe)
{
    EXPECT_EQ(refusal(R"(not thread("ping").pending has SIGUSR1 and thread("ping").allowset has SIGINT)"),
        "thread ping's pending has SIGUSR1 (it should not); thread ping's allowset = all signals but {SIGUSR1}");
    EXPECT_EQ(refusal(R"(thread("ping").pending has SIGUSR1 and not thread("ping").allowset has SIGINT)"),
        "thread ping's allowset has SIGINT (it should not); thread ping's pending = {SIGUSR1}");
    EXPECT_EQ(refusal("ring(1).used == 0"), "ring 1's used is 2 (it should be 0)");
    EXPECT_EQ(
        refusal("ring(1).used > ring(1).capacity"), "ring 1's used is 2 (it should be more than ring 1's capacity, 8)");
    EXPECT_EQ(refusal("not ring(1).used == 2"), "ring 1's used is 2 (it should be anything else)");
    EXPECT_EQ(refusal("not ring(1).used < 3"), "ring 1's used is 2 (it should be at least 3)");
    EXPECT_EQ(refusal(R"(phase("signal.handled", signal = SIGUSR1).count >= 2)"),
        "the number of signal.handled for SIGUSR1 is 1 (it should be at least 2)");
    EXPECT_EQ(refusal("ring(1).broken"), "ring 1's broken is false (it should be true)");
    EXPECT_EQ(refusal("not ring(1).consumer.waiting"), "ring 1's consumer's waiting is true (it should be false)");
    EXPECT_EQ(refusal(R"(thread("nobody").id == 1)"), "there is no thread named nobody");
    EXPECT_EQ(refusal("frame(3).signal == SIGUSR1"), "thread ping has only 1 signal frame(s) on its stack");
    EXPECT_EQ(refusal("exit.status == 0"), "ping has not ended");
    EXPECT_EQ(refusal("ring(1).used == 0 or ring(1).used == 1"),
        "ring 1's used is 2 (it should be 0), and ring 1's used is 2 (it should be 1)");
    EXPECT_EQ(refusal("thread(\"nobody\").exists"), "thread nobody does not exist (it should)");
    EXPECT_EQ(refusal("thread.blocked has SIGUSR2"), "the program's blocked does not have SIGUSR2 (it should)");
    EXPECT_EQ(refusal("here.argument(0) == 2"), "the argument 0 of the phase here is 1 (it should be 2)");
    EXPECT_EQ(refusal("process(\"gone\").exit.signal == 0"), "process gone's exit signal is SIGSEGV (it should be 0)");
    EXPECT_EQ(refusal("true"), "");
    EXPECT_EQ(refusal("thread.id"), "") << "a value is neither held nor refused";
}

TEST_F(PredicateTest, ExplanationIsATreeOfValues)
{
    const auto explanation = evaluate(R"(thread("ping").pending has SIGUSR1 and ring(1).used == 0)").explanation;
    EXPECT_EQ(explanation.value, "false");
    ASSERT_EQ(explanation.parts.size(), 2u);
    EXPECT_EQ(explanation.parts[0].source, R"(thread("ping").pending has SIGUSR1)");
    EXPECT_EQ(explanation.parts[0].value, "true");
    ASSERT_EQ(explanation.parts[0].parts.size(), 1u);
    EXPECT_EQ(explanation.parts[0].parts[0].source, R"(thread("ping").pending)");
    EXPECT_EQ(explanation.parts[0].parts[0].value, "{SIGUSR1}");
    EXPECT_EQ(explanation.parts[1].parts[0].value, "2");
}

TEST_F(PredicateTest, MistakesNameTheColumnAndWhatWasExpected)
{
    EXPECT_THAT(mistake(""), StartsWith("column 1: expected a value"));
    EXPECT_EQ(mistake("(true"), "column 6: expected `)` for the `(` in column 1, found the end");
    EXPECT_EQ(mistake("true true"), "column 6: expected and, or, a comparison, or the end, found \"true\"");
    EXPECT_THAT(
        mistake("thred.id == 1"), StartsWith("column 1: there is no \"thred\"; expected one of thread, process"));
    EXPECT_THAT(mistake("thread.pendin has SIGUSR1"),
        StartsWith("column 8: a thread has no field \"pendin\"; expected one of .id, "));
    EXPECT_THAT(mistake("thread.pending has SIGUSR9"), StartsWith("column 20: expected a signal's name"));
    EXPECT_EQ(mistake("thread.pending has 10"), "column 20: expected a signal after `has`, but `10` is a number");
    EXPECT_EQ(mistake("thread.id has SIGUSR1"),
        "column 1: expected a set of signals before `has`, but `thread.id` is a number");
    EXPECT_EQ(
        mistake("thread.pending == 3"), "column 19: expected a set of signals to compare with, but `3` is a number");
    EXPECT_EQ(mistake("\"a\" < \"b\""), "column 1: `<` orders numbers; `\"a\"` is a text, which knows only == and !=");
    EXPECT_EQ(mistake("true and 1"), "column 10: expected a condition beside `and`, but `1` is a number");
    EXPECT_EQ(mistake("not 1"), "column 5: expected a condition after `not`, but `1` is a number");
    EXPECT_EQ(mistake("1 + true"), "column 5: expected a number beside + or -, but `true` is true or false");
    EXPECT_THAT(
        mistake("thread"), StartsWith("column 1: `thread` is a thread, not a value: expected one of its fields"));
    EXPECT_THAT(mistake("thread == 1"), HasSubstr("is a thread, not a value"));
    EXPECT_EQ(
        mistake("thread.id = 1"), "column 11: expected == (one = only sets a filter inside phase(...)), found \"=\"");
    EXPECT_THAT(mistake("phase(\"signal.handeled\").count == 1"),
        StartsWith("column 7: there is no phase \"signal.handeled\"; expected one of signal.raised, "));
    EXPECT_THAT(mistake("here.phase == \"signal.x\""), StartsWith("column 15: there is no phase \"signal.x\""));
    EXPECT_EQ(mistake("phase(\"signal.raised\", cpu = 1).count == 1"),
        "column 24: expected a filter: signal = SIGUSR1, thread = \"name\", or ring = 1, found \"cpu\"");
    EXPECT_EQ(mistake("ring.used == 1"), "column 5: expected `(` after ring, found \".\"");
    EXPECT_EQ(mistake("here(1).signal == SIGINT"), "column 5: here takes no argument");
    EXPECT_EQ(mistake("thread(SIGINT).id == 1"),
        "column 8: expected a quoted name or a number in the parentheses, but `SIGINT` is a signal");
    EXPECT_EQ(
        mistake("thread.action(1).caught"), "column 15: expected a signal in the parentheses, but `1` is a number");
    EXPECT_EQ(mistake("thread.id.x"), "column 11: `thread.id` is a number and has no fields");
    EXPECT_EQ(mistake("\"abc"), "column 1: the text that starts here has no closing quote");
    EXPECT_EQ(mistake("1 & 2"), "column 3: '&' has no meaning in a predicate");
    EXPECT_EQ(mistake("1 \x01"), "column 3: the byte 0x01 has no meaning in a predicate");
    EXPECT_EQ(mistake("12ab"), "column 1: \"12ab\" is not a decimal or 0x number of at most 64 bits");
    EXPECT_EQ(mistake("18446744073709551616 == 0"),
        "column 1: \"18446744073709551616\" is not a decimal or 0x number of at most 64 bits");
    EXPECT_EQ(mistake("0x == 0"), "column 1: \"0x\" is not a decimal or 0x number of at most 64 bits");
    const auto value = Predicate::parse_condition("thread.id");
    ASSERT_FALSE(value);
    EXPECT_EQ(value.error().sentence,
        "column 1: expected a condition, but the expression is a number: compare it with something");
}

TEST_F(PredicateTest, HostileSizesEndInASentence)
{
    EXPECT_THAT(mistake(std::string(5000, ' ')), HasSubstr("at most 4096 are allowed"));
    EXPECT_THAT(mistake(std::string(2000, '(')), HasSubstr("nested more than 48 deep"));
    std::string nots, rings, sums = "1";
    for (int i = 0; i < 1000; ++i)
        nots += "not ";
    for (int i = 0; i < 800; ++i)
        rings += "ring(";
    for (int i = 0; i < 1000; ++i)
        sums += "+1";
    EXPECT_THAT(mistake(nots), HasSubstr("nested more than 48 deep"));
    EXPECT_THAT(mistake(rings), HasSubstr("nested more than 48 deep"));
    EXPECT_THAT(mistake(sums), HasSubstr("more than 512 parts"));
    std::string large = "18446744073709551615", negative = "0";
    for (int i = 0; i < 100; ++i)
        large += "+18446744073709551615", negative += "-18446744073709551615";
    EXPECT_EQ(value(large), "unknown: the sum does not fit 64 bits");
    EXPECT_EQ(value(negative), "unknown: the sum does not fit 64 bits");
    EXPECT_EQ(value("thread.frame(0 - 1).signal"), "unknown: thread ping has only 1 signal frame(s) on its stack");
    EXPECT_EQ(value("ring(18446744073709551615).used"), "unknown: there is no ring 18446744073709551615");
    EXPECT_EQ(value("thread.pending has SIGRTMAX + 1"), "unknown: 65 is not a signal");
}

TEST_F(PredicateTest, ReferenceNamesEveryField)
{
    const auto reference = predicate_reference();
    for (const auto* name : { "`thread(\"name\")`", "`.pending`", "`.action(SIGUSR1)`", "`phase(\"signal.handled\")`" })
        EXPECT_THAT(reference, HasSubstr(name));
}

TEST_F(PredicateTest, HistoryIsBounded)
{
    PhaseHistory bounded;
    for (std::size_t i = 0; i < PhaseHistory::limit; ++i)
        bounded.add({});
    EXPECT_FALSE(bounded.truncated());
    bounded.add({});
    EXPECT_TRUE(bounded.truncated());
    EXPECT_EQ(bounded.events().size(), PhaseHistory::limit);
}

} // namespace
} // namespace orrery::inspector::lessons
