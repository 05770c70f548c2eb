// Schemes: who gets which answer, and what becomes of a call whose caller or server goes, at every state of it.
#include "scheme_fixture.h"

#include "kernel/scheme/scheme_pager.h"
#include "kernel/signal/signal.h"
#include "kernel/thread/scheduler.h"

namespace orrery::kernel::host {
namespace {

TEST_F(Schemes, a_call_is_answered)
{
    Outcome outcome;
    abi::Sqe seen {};
    serve([&] {
        seen = *scheme_->receive(nullptr, never);
        EXPECT_TRUE(scheme_->reply(answer_to(seen, seen.arguments[0] * 2)));
    });
    const auto thread = caller(outcome, 21);
    machine_.run_ready();
    EXPECT_EQ(outcome.error, Error::none);
    EXPECT_EQ(outcome.result, 42u);
    EXPECT_EQ(seen.caller, client_->number) << "the kernel says who calls";
}

TEST_F(Schemes, the_caller_can_come_first)
{
    Outcome outcome;
    const auto thread = caller(outcome, 5);
    machine_.run_ready();
    EXPECT_EQ(thread->wait.reason, WaitReason::scheme_call);
    EXPECT_EQ(thread->wait.object, scheme_->number);
    EXPECT_EQ(thread->wait.value, 0u) << "nobody has it yet";
    std::uint32_t server_number = 0;
    serve([&] {
        const auto entry = scheme_->receive(nullptr, never);
        server_number = current_thread().number;
        EXPECT_EQ(thread->wait.value, server_number);
        EXPECT_TRUE(scheme_->reply(answer_to(*entry, 6)));
    });
    machine_.run_ready();
    EXPECT_EQ(outcome.result, 6u);
}

TEST_F(Schemes, the_processor_goes_to_the_server_and_back_directly)
{
    std::vector<std::string> order;
    serve([&] {
        abi::Cqe answer {};
        auto entry = scheme_->receive(nullptr, never);
        while (entry) {
            order.push_back("server");
            answer = answer_to(*entry, 0);
            entry = scheme_->receive(&answer, never);
        }
    });
    machine_.run_ready(); // it waits
    const auto thread = run_client([&] {
        for (int round = 0; round < 2; ++round) {
            Operation operation = operation_of(0);
            EXPECT_TRUE(scheme_->call(operation, never));
            order.push_back("caller");
        }
    });
    run_client([&] { order.push_back("other"); }); // ready all the time, and passed by
    machine_.run_ready();
    EXPECT_EQ(order, (std::vector<std::string> { "server", "caller", "server", "caller", "other" }));
}

TEST_F(Schemes, forged_and_late_answers_hit_nothing)
{
    Outcome outcome;
    const auto thread = caller(outcome, 1);
    serve([&] {
        const auto entry = *scheme_->receive(nullptr, never);
        for (const std::uint32_t tag : { 0u, entry.tag + 1, entry.tag + 64, ~0u })
            EXPECT_EQ(error_of(scheme_->reply({ .flags = 0, .extra = {}, .tag = tag, .result = 9 })), Error::not_found);
        EXPECT_TRUE(scheme_->reply(answer_to(entry, 3)));
        EXPECT_EQ(error_of(scheme_->reply(answer_to(entry, 4))), Error::not_found) << "twice";
    });
    machine_.run_ready();
    EXPECT_EQ(outcome.result, 3u);
}

TEST_F(Schemes, a_call_belongs_to_the_space_that_received_it)
{
    Outcome outcome;
    const auto thread = caller(outcome, 1);
    abi::Sqe entry {};
    serve([&] {
        entry = *scheme_->receive(nullptr, never);
        EXPECT_EQ(error_of(scheme_->receive(nullptr, never)), Error::peer_closed) << "its handle is closed";
    });
    machine_.run_ready();
    run_client([&] { EXPECT_EQ(error_of(scheme_->reply(answer_to(entry, 1))), Error::not_found); });
    machine_.run_ready();
    EXPECT_EQ(outcome.error, Error::unsupported) << "it waits still";
    close_server_handle();
    machine_.run_ready();
    EXPECT_EQ(outcome.error, Error::peer_closed);
}

TEST_F(Schemes, the_servers_end_completes_every_call)
{
    Outcome received, waiting, late;
    const auto one = caller(received, 1);
    const auto elsewhere = *Scheme::create(); // where the server has its mind when the second call comes
    serve([&] {
        EXPECT_TRUE(scheme_->receive(nullptr, never));
        EXPECT_EQ(error_of(elsewhere->receive(nullptr, never)), Error::interrupted);
    });
    machine_.run_ready();
    const auto two = caller(waiting, 2);
    machine_.run_ready();
    EXPECT_EQ(waiting.error, Error::unsupported);
    server_->end({});
    machine_.run_ready();
    const auto three = caller(late, 3);
    machine_.run_ready();
    EXPECT_EQ(received.error, Error::peer_closed);
    EXPECT_EQ(waiting.error, Error::peer_closed);
    EXPECT_EQ(late.error, Error::peer_closed);
}

TEST_F(Schemes, one_of_two_servers_ends_with_its_calls_only)
{
    const auto second = machine_.make_space("second");
    ASSERT_TRUE(second->handles.insert(scheme_, abi::right_serve));
    Outcome lost, kept;
    const auto one = caller(lost, 1);
    machine_.spawn(second, [&] { EXPECT_TRUE(scheme_->receive(nullptr, never)); }); // and ends, with its space
    machine_.run_ready();
    EXPECT_EQ(lost.error, Error::peer_closed);
    const auto two = caller(kept, 2);
    serve([&] { EXPECT_TRUE(scheme_->reply(answer_to(*scheme_->receive(nullptr, never), 7))); });
    machine_.run_ready();
    EXPECT_EQ(kept.error, Error::none);
    EXPECT_EQ(kept.result, 7u);
}

TEST_F(Schemes, time_takes_a_call_back)
{
    set_clock(1000);
    Outcome unseen, seen;
    const auto one = caller(unseen, 1, 2000);
    machine_.run_ready();
    set_clock(2000);
    run_expired_timers();
    machine_.run_ready();
    EXPECT_EQ(unseen.error, Error::timed_out);
    const auto two = caller(seen, 2, 3000);
    abi::Sqe entry {};
    serve([&] {
        entry = *scheme_->receive(nullptr, never);
        EXPECT_EQ(entry.arguments[0], 2u) << "the first was taken back";
        (void)scheme_->receive(nullptr, 4000);
        EXPECT_EQ(error_of(scheme_->reply(answer_to(entry, 1))), Error::not_found) << "too late";
    });
    machine_.run_ready();
    set_clock(3000);
    run_expired_timers();
    machine_.run_ready();
    EXPECT_EQ(seen.error, Error::timed_out);
    set_clock(4000);
    run_expired_timers();
    machine_.run_ready();
}

TEST_F(Schemes, a_signal_asks_the_server_and_waits_for_its_answer)
{
    Outcome outcome;
    const auto thread = caller(outcome, 1);
    abi::Sqe entry {}, message {};
    serve([&] {
        entry = *scheme_->receive(nullptr, never);
        message = *scheme_->receive(nullptr, never);
        EXPECT_TRUE(scheme_->reply(answer_to(entry, abi::result_word(Error::interrupted))));
    });
    machine_.run_ready();
    wake(*thread, Error::interrupted); // as a signal does
    machine_.run_ready();
    EXPECT_EQ(message.opcode, static_cast<std::uint8_t>(abi::SchemeOpcode::cancel));
    EXPECT_EQ(message.tag, entry.tag);
    EXPECT_EQ(outcome.error, Error::none);
    EXPECT_EQ(outcome.result, abi::result_word(Error::interrupted));
}

TEST_F(Schemes, only_the_kernel_begins_an_interruption)
{
    Outcome outcome;
    const auto thread = caller(outcome, 1);
    serve([&] {
        const auto entry = *scheme_->receive(nullptr, never);
        EXPECT_TRUE(scheme_->reply(answer_to(entry, abi::result_word(Error::interrupted))));
    });
    machine_.run_ready();
    EXPECT_EQ(outcome.result, abi::result_word(Error::broken));
}

TEST_F(Schemes, the_end_of_a_caller_frees_it_at_once)
{
    Outcome outcome;
    const auto thread = caller(outcome, 1);
    abi::Sqe entry {};
    serve([&] {
        entry = *scheme_->receive(nullptr, never);
        const auto message = scheme_->receive(nullptr, never); // ends with the space
        EXPECT_EQ(error_of(message), Error::interrupted);
    });
    machine_.run_ready();
    wake(*thread, Error::interrupted);
    ASSERT_TRUE(raise_to_space(*client_, 9, {}));
    machine_.run_ready();
    EXPECT_EQ(client_->state, SpaceState::ended);
}

TEST_F(Schemes, handles_go_both_ways)
{
    const auto memory = *MemoryObject::create(page_size);
    const auto theirs = *MemoryObject::create(2 * page_size);
    const auto back = *server_->handles.insert(theirs, abi::right_read | abi::right_duplicate);
    const auto fixed = *server_->handles.insert(theirs, abi::right_read);
    abi::HandleGift got {};
    const auto thread = run_client([&] {
        Operation operation = operation_of(0, abi::sqe_passes_handle);
        operation.gift = memory;
        operation.gift_rights = abi::right_read;
        EXPECT_TRUE(scheme_->call(operation, never));
        EXPECT_EQ(operation.completion.flags, abi::cqe_passes_handle);
        got = abi::HandleGift::from_word(operation.completion.result);
        EXPECT_EQ(client_->handles.find<MemoryObject>(got.handle, abi::right_read)->get(), theirs.get());
    });
    serve([&] {
        const auto entry = *scheme_->receive(nullptr, never);
        const auto gift = abi::HandleGift::from_word(entry.arguments[abi::gift_argument]);
        EXPECT_EQ(server_->handles.find<MemoryObject>(gift.handle, abi::right_read)->get(), memory.get());
        EXPECT_EQ(error_of(server_->handles.find<MemoryObject>(gift.handle, abi::right_write)), Error::access_denied);
        auto answer = answer_to(entry, abi::HandleGift { fixed, abi::right_read }.word());
        answer.flags = abi::cqe_passes_handle;
        EXPECT_EQ(error_of(scheme_->reply(answer)), Error::access_denied) << "no right to duplicate";
        answer.result = abi::HandleGift { back, abi::right_read | abi::right_write }.word();
        EXPECT_EQ(error_of(scheme_->reply(answer)), Error::access_denied) << "more than it has";
        answer.result = abi::HandleGift { 4000, abi::right_read }.word();
        EXPECT_EQ(error_of(scheme_->reply(answer)), Error::bad_handle);
        answer.result = abi::HandleGift { back, abi::right_read }.word();
        EXPECT_TRUE(scheme_->reply(answer)) << "the call still waited";
    });
    machine_.run_ready();
    EXPECT_EQ(got.rights, abi::right_read);
}

TEST_F(Schemes, a_gift_without_room_is_an_error_for_the_caller)
{
    while (server_->handles.insert(Ref<Object>(scheme_.get()), abi::right_call)) { }
    Error first = Error::none, second = Error::none;
    const auto give = [&](Error& error) {
        Operation operation = operation_of(0, abi::sqe_passes_handle);
        operation.gift = Ref<Object>(client_.get());
        error = error_of(scheme_->call(operation, never));
    };
    const auto queued = run_client([&] { give(first); });
    const auto server = serve([&] {
        set_clock(1000);
        EXPECT_EQ(error_of(scheme_->receive(nullptr, 2000)), Error::timed_out) << "it has got nothing";
    });
    machine_.run_ready();
    EXPECT_EQ(first, Error::limit_reached);
    const auto direct = run_client([&] { give(second); });
    machine_.run_ready();
    EXPECT_EQ(second, Error::limit_reached);
    EXPECT_EQ(server->wait.reason, WaitReason::scheme_receive) << "it waits on";
    set_clock(2000);
    run_expired_timers();
    machine_.run_ready();
}

TEST_F(Schemes, a_call_that_could_not_be_given_was_not_received)
{
    while (server_->handles.insert(Ref<Object>(scheme_.get()), abi::right_call)) { }
    Error received = Error::none, called = Error::none;
    serve([&] { received = error_of(scheme_->receive(nullptr, never)); });
    machine_.run_ready();
    const auto thread = run_client([&] {
        Operation operation = operation_of(0, abi::sqe_passes_handle);
        operation.gift = Ref<Object>(client_.get());
        called = error_of(scheme_->call(operation, never));
    });
    machine_.run_ready();
    EXPECT_EQ(called, Error::limit_reached);
    close_server_handle();
    machine_.run_ready();
    EXPECT_EQ(received, Error::peer_closed);
}

// The handle would stay with a program that did nothing but touch a page.
TEST_F(Schemes, a_page_comes_without_a_handle)
{
    const auto gift = *server_->handles.insert(Ref<Object>(client_.get()), abi::right_duplicate);
    Error outcome = Error::unsupported;
    const auto thread = run_client([&] {
        const auto pager = make_scheme_pager(scheme_, 5);
        outcome = error_of(pager->fetch(0, false));
    });
    serve([&] {
        const auto entry = *scheme_->receive(nullptr, never);
        EXPECT_EQ(entry.opcode, static_cast<std::uint8_t>(abi::SchemeOpcode::page_in));
        auto answer = answer_to(entry, abi::HandleGift { gift, 0 }.word());
        answer.flags = abi::cqe_passes_handle;
        EXPECT_EQ(error_of(scheme_->reply(answer)), Error::invalid_argument);
        EXPECT_FALSE(client_->handles.holds(*client_, 0));
        EXPECT_TRUE(scheme_->reply(answer_to(entry, 0))) << "the call still waited";
    });
    machine_.run_ready();
    EXPECT_EQ(outcome, Error::none);
}

TEST_F(Schemes, a_thousand_callers)
{
    std::vector<Outcome> outcomes(1000);
    std::vector<Ref<Thread>> callers;
    for (std::size_t index = 0; index < outcomes.size(); ++index) callers.push_back(caller(outcomes[index], index));
    machine_.run_ready();
    serve([&] {
        std::vector<abi::Sqe> entries;
        while (entries.size() < outcomes.size()) entries.push_back(*scheme_->receive(nullptr, never));
        for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry)
            EXPECT_TRUE(scheme_->reply(answer_to(*entry, entry->arguments[0] + 1)));
    });
    machine_.run_ready();
    for (std::size_t index = 0; index < outcomes.size(); ++index) {
        ASSERT_EQ(outcomes[index].error, Error::none);
        ASSERT_EQ(outcomes[index].result, index + 1);
    }
}

} // namespace
} // namespace orrery::kernel::host
