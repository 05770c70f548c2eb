// Schemes with several server spaces: what each is given, and what becomes of it when one can answer no more.
#include "scheme_fixture.h"

#include "kernel/thread/scheduler.h"

namespace orrery::kernel::host {
namespace {

class SchemeServers : public Schemes {
protected:
    SchemeServers() { EXPECT_TRUE(second_->handles.insert(scheme_, abi::right_serve)); }
    ~SchemeServers() override
    {
        second_->end({});
        machine_.run_ready();
    }
    Ref<Thread> serve_second(std::function<void()> program) { return machine_.spawn(second_, std::move(program)); }
    // Of which the second answers the next, by this.
    static constexpr std::uint64_t of_second = 77;
    void answer_by_second()
    {
        serve_second([this] {
            const auto entry = scheme_->receive(nullptr, never);
            ASSERT_TRUE(entry);
            EXPECT_TRUE(scheme_->reply(answer_to(*entry, of_second)));
        });
    }
    void cancel_while_away_until(std::uint64_t back);
    Ref<AddressSpace> second_ = machine_.make_space("second");
};

TEST_F(SchemeServers, who_closes_its_last_handle_ends_the_calls_that_it_received)
{
    const auto duplicate = *server_->handles.insert(scheme_, abi::right_serve);
    Outcome lost, kept, waiting;
    const auto elsewhere = *Scheme::create();
    const auto one = caller(lost, 1);
    serve([&] {
        EXPECT_TRUE(scheme_->receive(nullptr, never));
        EXPECT_EQ(error_of(elsewhere->receive(nullptr, never)), Error::interrupted); // alive till the end
    });
    machine_.run_ready();
    const auto two = caller(kept, 2);
    serve_second([&] {
        const auto entry = *scheme_->receive(nullptr, never);
        EXPECT_EQ(error_of(elsewhere->receive(nullptr, 1000)), Error::timed_out);
        EXPECT_TRUE(scheme_->reply(answer_to(entry, of_second)));
    });
    set_clock(500);
    machine_.run_ready();
    const auto three = caller(waiting, 3);
    close_server_handle();
    machine_.run_ready();
    EXPECT_EQ(lost.error, Error::unsupported) << "it still has another handle to answer by";
    ASSERT_TRUE(server_->handles.close(duplicate));
    machine_.run_ready();
    EXPECT_EQ(lost.error, Error::peer_closed);
    EXPECT_EQ(kept.error, Error::unsupported) << "the other one can answer";
    set_clock(1000);
    run_expired_timers();
    machine_.run_ready();
    EXPECT_EQ(kept.result, of_second);
    EXPECT_EQ(waiting.error, Error::peer_closed) << "no server is left";
    server_->end({});
    machine_.run_ready();
}

TEST_F(SchemeServers, who_waits_without_a_handle_is_given_no_call)
{
    Outcome outcome;
    Error woken = Error::none;
    serve([&] { woken = error_of(scheme_->receive(nullptr, never)); });
    machine_.run_ready();
    close_server_handle();
    const auto thread = caller(outcome, 1);
    machine_.run_ready();
    EXPECT_EQ(woken, Error::peer_closed);
    answer_by_second();
    machine_.run_ready();
    EXPECT_EQ(outcome.result, of_second);
}

// Its look-up of the handle came before the closing, and the rest of the system call comes after it.
TEST_F(SchemeServers, a_handle_closed_under_a_receiver_gives_it_no_call)
{
    Outcome outcome;
    const auto thread = caller(outcome, 1);
    const abi::Handle other = *server_->handles.insert(Ref<Object>(client_.get()), 0);
    serve([&] {
        std::uint32_t closings = server_->handles.closings();
        EXPECT_TRUE(server_->handles.close(other));
        const auto entry = scheme_->receive(nullptr, never, closings);
        ASSERT_TRUE(entry) << "that was not the handle that counts";
        EXPECT_TRUE(scheme_->reply(answer_to(*entry, 5)));
        closings = server_->handles.closings();
        close_server_handle();
        EXPECT_EQ(error_of(scheme_->receive(nullptr, never, closings)), Error::peer_closed);
    });
    machine_.run_ready();
    EXPECT_EQ(outcome.result, 5u);
    Outcome next;
    const auto later = caller(next, 2);
    const auto doomed = machine_.make_space("doomed");
    const abi::Handle handle = *doomed->handles.insert(scheme_, abi::right_serve);
    machine_.spawn(doomed, [&] {
        const std::uint32_t closings = doomed->handles.closings();
        EXPECT_TRUE(doomed->handles.close(handle));
        EXPECT_EQ(error_of(scheme_->receive(nullptr, never, closings)), Error::peer_closed) << "although a call waits";
    });
    machine_.run_ready();
    answer_by_second();
    machine_.run_ready();
    EXPECT_EQ(next.result, of_second);
}

// A call is cancelled at 700, and its server comes back for the message before or after that. Threads of the other
// space wait before and after.
void SchemeServers::cancel_while_away_until(std::uint64_t back)
{
    Outcome outcome;
    const auto thread = caller(outcome, 1);
    const auto elsewhere = *Scheme::create();
    const auto stay_until
        = [&](std::uint64_t time) { EXPECT_EQ(error_of(elsewhere->receive(nullptr, time)), Error::timed_out); };
    serve([&] {
        const auto entry = *scheme_->receive(nullptr, never);
        stay_until(back);
        const auto message = scheme_->receive(nullptr, 2000);
        ASSERT_TRUE(message);
        EXPECT_EQ(message->opcode, static_cast<std::uint8_t>(abi::SchemeOpcode::cancel));
        EXPECT_EQ(message->tag, entry.tag);
        EXPECT_TRUE(scheme_->reply(answer_to(entry, abi::result_word(Error::interrupted))));
        stay_until(4000); // so that its space goes on
    });
    const auto run_at = [&](std::uint64_t time) {
        set_clock(time);
        run_expired_timers();
        machine_.run_ready();
    };
    const auto stranger
        = [&] { serve_second([&] { EXPECT_EQ(error_of(scheme_->receive(nullptr, 3000)), Error::timed_out); }); };
    run_at(500);
    stranger();
    run_at(700);
    wake(*thread, Error::interrupted); // as a signal does
    machine_.run_ready();
    stranger();
    for (const std::uint64_t time : { 800, 1000, 2000, 3000, 4000 }) run_at(time);
    EXPECT_EQ(outcome.result, abi::result_word(Error::interrupted));
}

TEST_F(SchemeServers, a_cancel_message_goes_to_who_received_the_call_and_waits) { cancel_while_away_until(600); }
TEST_F(SchemeServers, a_cancel_message_is_kept_for_who_received_the_call) { cancel_while_away_until(1000); }

} // namespace
} // namespace orrery::kernel::host
