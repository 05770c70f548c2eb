// A scheme with a server's space and a client's, for the tests of calls.
#pragma once

#include "machine.h"

#include <gtest/gtest.h>

#include "kernel/scheme/scheme.h"

namespace orrery::kernel::host {

inline constexpr std::uint64_t never = abi::no_deadline;

inline Error error_of(const Status& status) { return status ? Error::none : status.error(); }
template <typename T>
Error error_of(const Result<T>& result)
{
    return result ? Error::none : result.error();
}

inline Operation operation_of(std::uint64_t value, std::uint8_t flags = 0)
{
    Operation operation;
    operation.entry.opcode = abi::first_free_opcode;
    operation.entry.flags = flags;
    operation.entry.arguments[0] = value;
    return operation;
}
inline abi::Cqe answer_to(const abi::Sqe& entry, std::uint64_t result)
{
    return { .flags = 0, .extra = {}, .tag = entry.tag, .result = result };
}

class Schemes : public testing::Test {
protected:
    Schemes() { give_server_handle(); }
    ~Schemes() override
    {
        server_->end({});
        client_->end({});
        machine_.run_ready();
        EXPECT_EQ(server_->state, SpaceState::ended);
        EXPECT_EQ(client_->state, SpaceState::ended);
    }
    void give_server_handle()
    {
        handle_ = *server_->handles.insert(scheme_, abi::right_serve | abi::right_duplicate);
    }
    void close_server_handle() { ASSERT_TRUE(server_->handles.close(handle_)); }
    Ref<Thread> serve(std::function<void()> program) { return machine_.spawn(server_, std::move(program)); }
    // A space ends with its last thread, so a later client may need a new one.
    Ref<Thread> run_client(std::function<void()> program)
    {
        if (client_->state != SpaceState::alive) client_ = machine_.make_space("client");
        return machine_.spawn(client_, std::move(program));
    }
    // A caller of one call; what it gets goes to `outcome`.
    struct Outcome {
        Error error = Error::unsupported;
        std::uint64_t result = 0;
    };
    Ref<Thread> caller(Outcome& outcome, std::uint64_t value, std::uint64_t deadline = never)
    {
        return run_client([this, &outcome, value, deadline] {
            Operation operation = operation_of(value);
            outcome.error = error_of(scheme_->call(operation, deadline));
            outcome.result = operation.completion.result;
        });
    }
    Machine machine_;
    Ref<Scheme> scheme_ = *Scheme::create();
    Ref<AddressSpace> server_ = machine_.make_space("server");
    Ref<AddressSpace> client_ = machine_.make_space("client");
    abi::Handle handle_ = 0;
};

} // namespace orrery::kernel::host
