// Memory whose pages a server brings: read, changed, written back, dropped under pressure and asked for again; with threads
// that miss one page together, system calls whose arguments lie in missing pages, and both sides' deaths.
#include <array>
#include <atomic>
#include <csetjmp>
#include <csignal>
#include <cstring>
#include <pthread.h>
#include <unistd.h>

#include "abi/memory.h"
#include "scheme_process.h"

namespace {

using namespace orrery;
using namespace orrery::test;
namespace raw = orrery::runtime::raw;

constexpr const char* program = "test-pager";
constexpr std::uint64_t pages = 24;
constexpr std::uint64_t file_pages = 16; // the object is larger: behind the file there is nothing to bring
constexpr std::uint64_t key = 0x1234'5678'9abc;

// The server's protocol.
enum Request : std::uint8_t { open_file = abi::first_free_opcode, sync_file, reload, times_asked, hold, let_go, checksum, die };

char byte_of(std::uint64_t number, std::uint64_t offset) { return static_cast<char>(number * 37 + offset * 3 + 1); }

namespace server {

    char file[file_pages][page];
    std::uint64_t memory, scratch, scheme;
    char* scratch_place;
    const char* memory_place;
    std::uint64_t asked = 0;
    std::uint64_t held_page = ~std::uint64_t { 0 }; // whose page-in waits until it is let go
    std::uint32_t held_tag = 0;

    std::uint64_t bring(std::uint64_t offset)
    {
        ++asked;
        if (offset / page >= file_pages) return abi::result_word(abi::Error::not_found);
        std::memcpy(scratch_place, file[offset / page], page);
        const std::int64_t supplied = raw::memory_supply(memory, offset, scratch, 0);
        if (supplied == error(abi::Error::already_exists)) return 0;
        return static_cast<std::uint64_t>(supplied);
    }

    std::uint64_t sync()
    {
        std::uint64_t total = 0;
        std::uint64_t offsets[5]; // few, so that it takes several turns
        for (std::uint64_t from = 0;;) {
            const std::uint64_t count = must(raw::memory_collect(memory, from, offsets, std::size(offsets)), "memory_collect");
            if (count == 0) return total;
            for (std::uint64_t index = 0; index < count; ++index) {
                std::memcpy(file[offsets[index] / page], memory_place + offsets[index], page);
                must(raw::memory_settle(memory, offsets[index], page, abi::Settlement::written), "memory_settle");
            }
            total += count;
            from = offsets[count - 1] + page;
        }
    }

    std::uint64_t checksum_of(const abi::Sqe& entry)
    {
        char bytes[64];
        std::uint64_t sum = 0;
        const std::uint64_t length = entry.arguments[abi::buffer_argument + 1];
        for (std::uint64_t offset = 0; offset < length; offset += sizeof(bytes)) {
            const std::int64_t copied = raw::scheme_copy(
                scheme, entry.tag, offset, bytes, sizeof(bytes), abi::SchemeCopy::from_caller);
            if (copied != 0) return static_cast<std::uint64_t>(copied); // not_present: the caller brings it and asks again
            for (const char byte : bytes) sum += static_cast<unsigned char>(byte);
        }
        return sum;
    }

    // False if there is no answer yet.
    bool handle(const abi::Sqe& entry, abi::Cqe& completion)
    {
        completion = { .flags = 0, .extra = {}, .tag = entry.tag, .result = 0 };
        switch (entry.opcode) {
        case static_cast<std::uint8_t>(abi::SchemeOpcode::page_in):
            CHECK_EQUAL(entry.arguments[0], key);
            if (entry.arguments[1] / page == held_page) {
                held_tag = entry.tag;
                return false;
            }
            completion.result = bring(entry.arguments[1]);
            return true;
        case open_file:
            completion.flags = abi::cqe_passes_handle;
            completion.result = abi::HandleGift { static_cast<abi::Handle>(memory), abi::right_read | abi::right_write }.word();
            return true;
        case sync_file: completion.result = sync(); return true;
        case reload: must(raw::memory_settle(memory, 0, pages * page, abi::Settlement::gone), "memory_settle"); return true;
        case times_asked: completion.result = asked; return true;
        case hold:
            held_page = entry.arguments[0];
            held_tag = 0;
            return true;
        case let_go: {
            if (held_tag == 0) { // nobody has asked for it yet
                completion.result = abi::result_word(abi::Error::would_block);
                return true;
            }
            const abi::Cqe late { .flags = 0, .extra = {}, .tag = held_tag, .result = bring(held_page * page) };
            held_page = ~std::uint64_t { 0 };
            completion.result = static_cast<std::uint64_t>(raw::scheme_receive(scheme, &late, 0, 0));
            return true;
        }
        case checksum: completion.result = checksum_of(entry); return true;
        case die: _exit(3);
        default: completion.result = abi::result_word(abi::Error::unsupported); return true;
        }
    }

    [[noreturn]] void serve()
    {
        scheme = auxiliary(abi::Auxiliary::scheme_handle);
        for (std::uint64_t number = 0; number < file_pages; ++number)
            for (std::uint64_t offset = 0; offset < page; ++offset) file[number][offset] = byte_of(number, offset);
        memory = must(raw::memory_create_paged(scheme, key, pages * page), "memory_create_paged");
        memory_place = reinterpret_cast<const char*>(
            must(raw::memory_map(own_space(), memory, 0, 0, pages * page, abi::protection_read), "memory_map"));
        scratch = must(raw::memory_create(page, 0), "memory_create");
        scratch_place = reinterpret_cast<char*>(must(raw::memory_map(own_space(), scratch, 0, 0, page, read_write), "memory_map"));
        abi::Sqe entry {};
        abi::Cqe completion {};
        bool has_answer = false;
        for (;;) {
            must(raw::scheme_receive(scheme, has_answer ? &completion : nullptr, &entry, abi::no_deadline), "scheme_receive");
            has_answer = handle(entry, completion);
        }
    }

} // namespace server

struct File {
    Server server;
    std::uint64_t memory;
    char* bytes;
};

std::uint64_t ask(const File& file, Request request, std::uint64_t argument = 0)
{
    abi::Sqe entry {};
    entry.opcode = request;
    entry.arguments[0] = argument;
    abi::Cqe completion {};
    must(raw::scheme_call(file.server.scheme, &entry, &completion, abi::no_deadline), "scheme_call");
    return completion.result;
}

File open_served_file()
{
    File file { start_server(program), 0, nullptr };
    file.memory = abi::HandleGift::from_word(ask(file, open_file)).handle;
    file.bytes = reinterpret_cast<char*>(
        must(raw::memory_map(own_space(), file.memory, 0, 0, pages * page, read_write), "memory_map"));
    return file;
}

void close_file(const File& file)
{
    must(raw::memory_unmap(own_space(), file.bytes, pages * page), "memory_unmap");
    raw::handle_close(file.memory);
    stop_server(file.server, SIGTERM);
}

void test_reading_and_writing_back(const File& file)
{
    for (std::uint64_t number = 0; number < file_pages; ++number)
        for (std::uint64_t offset = 0; offset < page; offset += 509)
            CHECK_EQUAL(file.bytes[number * page + offset], byte_of(number, offset));
    CHECK_EQUAL(ask(file, times_asked), file_pages);
    CHECK_EQUAL(ask(file, sync_file), 0); // read is not changed
    for (std::uint64_t number = 0; number < 12; ++number) file.bytes[number * page + 7] = 'x';
    CHECK_EQUAL(ask(file, sync_file), 12);
    CHECK_EQUAL(ask(file, sync_file), 0);
    file.bytes[3 * page + 8] = 'y'; // written back once, and changed again
    CHECK_EQUAL(ask(file, sync_file), 1);
    ask(file, reload);
    CHECK_EQUAL(file.bytes[3 * page + 7], 'x');
    CHECK_EQUAL(file.bytes[3 * page + 8], 'y');
    CHECK_EQUAL(file.bytes[3 * page + 9], byte_of(3, 9));
    CHECK_EQUAL(ask(file, times_asked), file_pages + 1);
    ask(file, reload);
}

const File* shared_file;
std::atomic<int> ready { 0 };

void* read_together(void*)
{
    ++ready;
    while (ready.load() < 8) raw::thread_yield();
    return reinterpret_cast<void*>(static_cast<std::uintptr_t>(shared_file->bytes[5 * page] == byte_of(5, 0)));
}

void test_threads_that_miss_one_page(const File& file)
{
    const std::uint64_t before = ask(file, times_asked);
    ask(file, hold, 5); // so that all of them come before it is there
    shared_file = &file;
    std::array<pthread_t, 8> threads {};
    for (auto& thread : threads) CHECK_EQUAL(pthread_create(&thread, nullptr, read_together, nullptr), 0);
    while (ready.load() < 8) raw::thread_yield();
    while (ask(file, let_go) != 0) raw::thread_yield(); // until the first of them has asked
    for (const auto thread : threads) {
        void* right = nullptr;
        CHECK_EQUAL(pthread_join(thread, &right), 0);
        CHECK(right != nullptr);
    }
    CHECK(ask(file, times_asked) >= before + 1);
}

// Arguments of system calls in pages that are not there.
void test_system_calls(const File& file)
{
    ask(file, reload);
    char* const text = file.bytes + 2 * page - 4; // across two pages
    CHECK_EQUAL(raw::console_write(runtime::process_state.console, text, 0), 0);
    const std::uint64_t child = must(raw::space_create(text, 8), "space_create"); // both pages are read by the kernel
    raw::handle_close(child);
    ask(file, reload);
    CHECK_EQUAL(raw::futex_wait(file.bytes, 0, abi::no_deadline), error(abi::Error::would_block));
    ask(file, reload);
    CHECK_EQUAL(raw::futex_wake(file.bytes + 4, 1), 0);
    // The completion goes to a page that is not there, and the buffer's page must come from the very server that reads it.
    ask(file, reload);
    auto* const completion = reinterpret_cast<abi::Cqe*>(file.bytes + 9 * page);
    abi::Sqe entry {};
    entry.opcode = checksum;
    entry.flags = abi::sqe_readable_buffer;
    entry.arguments[abi::buffer_argument] = reinterpret_cast<std::uint64_t>(file.bytes + 6 * page);
    entry.arguments[abi::buffer_argument + 1] = 2 * page;
    std::uint64_t sum = 0;
    for (std::uint64_t number : { 6, 7 })
        for (std::uint64_t offset = 0; offset < page; ++offset)
            sum += static_cast<unsigned char>(offset == 7 ? 'x' : byte_of(number, offset));
    CHECK_EQUAL(raw::scheme_call(file.server.scheme, &entry, completion, abi::no_deadline), 0);
    CHECK_EQUAL(completion->result, sum);
    ask(file, reload);
}

sigjmp_buf escape;
volatile sig_atomic_t code = 0;
void* volatile where = nullptr;
void on_bus(int, siginfo_t* information, void*)
{
    code = information->si_code;
    where = information->si_addr;
    siglongjmp(escape, 1);
}

void expect_bus_error(volatile const char* place, int expected)
{
    struct sigaction action {};
    action.sa_sigaction = on_bus;
    action.sa_flags = SA_SIGINFO;
    CHECK_EQUAL(sigaction(SIGBUS, &action, nullptr), 0);
    code = 0;
    if (sigsetjmp(escape, 1) == 0) {
        (void)*place;
        CHECK(!"the access should have faulted");
    }
    CHECK_EQUAL(code, expected);
    CHECK(where == const_cast<const char*>(place));
}

void test_behind_the_end(const File& file)
{
    expect_bus_error(file.bytes + file_pages * page + 100, BUS_OBJERR);
    CHECK_EQUAL(raw::console_write(runtime::process_state.console, file.bytes + file_pages * page, 1),
        error(abi::Error::bad_address));
}

void test_private_copies(const File& file)
{
    ask(file, reload);
    CHECK_EQUAL(file.bytes[0], byte_of(0, 0)); // present when the copy is made; the others are not
    const std::uint64_t copy = must(raw::memory_clone(file.memory, 0, file_pages * page), "memory_clone");
    const std::uint64_t second = must(raw::memory_clone(copy, page, 2 * page), "memory_clone"); // of what is not there either
    auto* const own = reinterpret_cast<char*>(
        must(raw::memory_map(own_space(), copy, 0, 0, file_pages * page, read_write), "memory_map"));
    const auto* const other = reinterpret_cast<const char*>(
        must(raw::memory_map(own_space(), second, 0, 0, 2 * page, abi::protection_read), "memory_map"));
    CHECK_EQUAL(own[0], byte_of(0, 0));
    own[0] = 'p';
    own[page] = 'q';
    CHECK_EQUAL(file.bytes[0], byte_of(0, 0));
    CHECK_EQUAL(file.bytes[page], byte_of(1, 0));
    CHECK_EQUAL(other[0], byte_of(1, 0));
    CHECK_EQUAL(other[page + 9], byte_of(2, 9));
    CHECK_EQUAL(ask(file, sync_file), 0);
    CHECK_EQUAL(own[0], 'p');
    must(raw::memory_unmap(own_space(), own, file_pages * page), "memory_unmap");
    must(raw::memory_unmap(own_space(), other, 2 * page), "memory_unmap");
    raw::handle_close(copy);
    raw::handle_close(second);
}

void test_rights(const File& file)
{
    std::uint64_t words[4] {};
    const std::uint64_t spare = must(raw::memory_create(page, 0), "memory_create");
    CHECK_EQUAL(raw::memory_supply(file.memory, 0, spare, 0), error(abi::Error::access_denied));
    CHECK_EQUAL(raw::memory_collect(file.memory, 0, words, 4), error(abi::Error::access_denied));
    CHECK_EQUAL(raw::memory_settle(file.memory, 0, page, abi::Settlement::gone), error(abi::Error::access_denied));
    CHECK_EQUAL(raw::memory_create_paged(file.server.scheme, 1, page), error(abi::Error::access_denied));
    // Changes are the pager's: nobody throws them away, and nobody takes a page out.
    CHECK_EQUAL(raw::memory_advise(own_space(), file.bytes, page, abi::Advice::forget), error(abi::Error::invalid_argument));
    CHECK_EQUAL(raw::memory_replace(spare, 0, file.memory, 0), error(abi::Error::invalid_argument));
    CHECK_EQUAL(raw::memory_advise(own_space(), file.bytes, 4 * page, abi::Advice::populate), 0);
    raw::handle_close(spare);
}

// Clean pages go when memory is short, changed ones stay.
void test_pressure(const File& file)
{
    for (std::uint64_t number = 0; number < file_pages; ++number) (void)*static_cast<volatile char*>(file.bytes + number * page);
    file.bytes[4 * page + 100] = 'z';
    const std::uint64_t before = ask(file, times_asked);
    const std::uint64_t large = must(raw::memory_create(std::uint64_t { 1 } << 40, 0), "memory_create"); // more than there is
    auto* const place = reinterpret_cast<volatile char*>(
        must(raw::memory_map(own_space(), large, 0, 0, std::uint64_t { 1 } << 40, read_write), "memory_map"));
    struct sigaction action {};
    action.sa_sigaction = on_bus;
    action.sa_flags = SA_SIGINFO;
    CHECK_EQUAL(sigaction(SIGBUS, &action, nullptr), 0);
    if (sigsetjmp(escape, 1) == 0)
        for (std::uint64_t offset = 0;; offset += page) place[offset] = 1;
    CHECK_EQUAL(code, BUS_ADRERR);
    must(raw::memory_unmap(own_space(), const_cast<char*>(place), std::uint64_t { 1 } << 40), "memory_unmap");
    raw::handle_close(large);
    for (std::uint64_t number = 8; number < file_pages; ++number) CHECK_EQUAL(file.bytes[number * page], byte_of(number, 0));
    CHECK(ask(file, times_asked) > before);
    CHECK_EQUAL(file.bytes[4 * page + 100], 'z');
    CHECK_EQUAL(ask(file, sync_file), 1);
}

// Killed while its page is on the way; the server answers late.
void test_dying_client(const File& file)
{
    ask(file, reload);
    ask(file, hold, 11);
    const auto client = start(program, "touch", file.server.scheme, abi::right_call);
    while (ask(file, let_go) != 0) raw::thread_yield(); // until it has asked
    const auto ended = process::wait_for_end(client);
    CHECK(ended.has_value());
    CHECK_EQUAL(ended->code, 7);

    ask(file, reload);
    ask(file, hold, 11);
    const auto victim = start(program, "touch", file.server.scheme, abi::right_call);
    CHECK_EQUAL(orrery_kill(victim.space, SIGKILL), 0); // before, in or after its wait
    const auto status = process::wait_for_end(victim);
    CHECK(status.has_value());
    CHECK_EQUAL(status->signal, SIGKILL);
    if (ask(file, let_go) != 0) ask(file, hold, pages); // it never got there
    CHECK_EQUAL(file.bytes[11 * page + 1], byte_of(11, 1));
}

void test_dying_server(const File& file)
{
    ask(file, reload);
    file.bytes[0] = 'd';
    abi::Sqe entry {};
    entry.opcode = die;
    abi::Cqe completion {};
    CHECK_EQUAL(raw::scheme_call(file.server.scheme, &entry, &completion, abi::no_deadline), error(abi::Error::peer_closed));
    CHECK_EQUAL(file.bytes[0], 'd'); // what is here stays
    expect_bus_error(file.bytes + 13 * page, BUS_ADRERR);
    CHECK_EQUAL(raw::space_create(file.bytes + 14 * page, 4), error(abi::Error::bad_address));
    stop_server(file.server, 0);
}

} // namespace

int main(int count, char** arguments)
{
    if (count > 1 && std::strcmp(arguments[1], "serve") == 0) server::serve();
    if (count > 1) { // touch
        File file { { auxiliary(abi::Auxiliary::scheme_handle), {} }, 0, nullptr };
        file.memory = abi::HandleGift::from_word(ask(file, open_file)).handle;
        file.bytes = reinterpret_cast<char*>(
            must(raw::memory_map(own_space(), file.memory, 0, 0, pages * page, abi::protection_read), "memory_map"));
        return file.bytes[11 * page] == byte_of(11, 0) ? 7 : 1;
    }
    const File file = open_served_file();
    test_reading_and_writing_back(file);
    test_threads_that_miss_one_page(file);
    test_system_calls(file);
    test_behind_the_end(file);
    test_private_copies(file);
    test_rights(file);
    test_pressure(file);
    test_dying_client(file);
    close_file(file);
    const File last = open_served_file();
    test_dying_server(last);
    return 0;
}
