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

// A server's thread has its callers' priority for their calls only, however these end.
TEST_F(SchemeServers, what_is_lent_ends_with_the_last_call)
{
    constexpr unsigned low = 3, high = 20;
    const auto start = [](Ref<AddressSpace> space, unsigned priority, std::uint64_t program) {
        const auto thread = *Thread::create(std::move(space), { 0x400000, 0x7000'0000, program, 0 });
        set_own_priority(*thread, priority);
        EXPECT_TRUE(thread->start());
        return thread;
    };
    set_clock(1000);
    Outcome outcomes[5];
    const std::uint64_t deadlines[] = { never, never, never, 2000, never };
    std::vector<Ref<Thread>> callers;
    for (int index = 0; index < 5; ++index)
        callers.push_back(start(client_, high, machine_.add_program([&, index] {
            Operation operation = operation_of(0);
            outcomes[index].error = error_of(scheme_->call(operation, deadlines[index]));
        })));
    machine_.run_ready();
    abi::Sqe handed {};
    const auto server = start(server_, low, machine_.add_program([&] {
        Thread& self = current_thread();
        const auto first = *scheme_->receive(nullptr, never);
        const auto second = *scheme_->receive(nullptr, never);
        EXPECT_EQ(self.priority(), high);
        EXPECT_TRUE(scheme_->reply(answer_to(first, 0)));
        EXPECT_EQ(self.priority(), high) << "it holds another call";
        EXPECT_TRUE(scheme_->reply(answer_to(second, 0)));
        EXPECT_EQ(self.priority(), low);
        handed = *scheme_->receive(nullptr, never);
        EXPECT_EQ(self.priority(), high);
        EXPECT_EQ(error_of(client_->wait_for_end(1500)), Error::timed_out);
    }));
    machine_.run_ready();
    EXPECT_EQ(server->priority(), high);
    start(server_, low, machine_.add_program([&] {
        Thread& self = current_thread();
        const auto answer = answer_to(handed, 0);
        EXPECT_TRUE(scheme_->receive(&answer, never)) << "the fourth call";
        EXPECT_EQ(server->priority(), low) << "this one has answered for it";
        EXPECT_EQ(self.priority(), high);
        EXPECT_EQ(error_of(client_->wait_for_end(3000)), Error::timed_out);
        EXPECT_EQ(self.priority(), low) << "the caller has given up";
        EXPECT_TRUE(scheme_->receive(nullptr, never)) << "the fifth call";
        EXPECT_EQ(self.priority(), high);
        close_server_handle();
        EXPECT_EQ(self.priority(), low);
    }));
    machine_.run_ready();
    for (const std::uint64_t time : { 1500, 2000, 3000 }) {
        set_clock(time);
        run_expired_timers();
        machine_.run_ready();
    }
    EXPECT_EQ(outcomes[3].error, Error::timed_out);
    EXPECT_EQ(outcomes[4].error, Error::peer_closed);
}

} // namespace
} // namespace orrery::kernel::host
