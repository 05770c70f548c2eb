// Building a process on the kernel's handles: nothing here needs more authority than the caller's own handles.
#include "posix/process/spawn.h"

#include "posix/runtime/syscall.h"
#include "posix/runtime/thread.h"
#include "posix/signal/delivery.h"
#include "posix/signal/peers.h"

#include <array>
#include <cstring>
#include <utility>

namespace orrery::process {
namespace {

using runtime::result_of;
namespace raw = runtime::raw;

constexpr std::uint64_t stack_top = 0x0000'7fff'f000'0000;
constexpr std::size_t max_handles = 24;
constexpr std::size_t max_auxiliary = 16;

SpawnProblem kernel_problem(abi::Error error) { return { .elf = {}, .error = error }; }

// Closes a handle at the end of a scope, unless it is kept.
class OwnedHandle {
public:
    explicit OwnedHandle(abi::Handle handle)
        : handle_(handle)
    {
    }
    ~OwnedHandle()
    {
        if (handle_ != abi::no_handle) raw::handle_close(handle_);
    }
    OwnedHandle(const OwnedHandle&) = delete;
    OwnedHandle& operator=(const OwnedHandle&) = delete;
    abi::Handle get() const { return handle_; }
    abi::Handle keep() { return std::exchange(handle_, abi::no_handle); }

private:
    abi::Handle handle_;
};

// New memory, mapped writable here and with `protection` at `address` there. `fill` writes it through the first
// mapping, which is gone afterwards.
template <typename Fill>
abi::Error map_filled(abi::Handle space, std::uint64_t address, std::uint64_t size, std::uint32_t protection, Fill fill)
{
    const auto object = result_of(raw::memory_create(size, 0));
    if (!object) return object.error();
    const OwnedHandle memory(static_cast<abi::Handle>(*object));
    const auto here = result_of(raw::memory_map(
        runtime::process_state.space, memory.get(), 0, 0, size, abi::protection_read | abi::protection_write));
    if (!here) return here.error();
    fill(reinterpret_cast<std::byte*>(*here));
    raw::memory_unmap(runtime::process_state.space, *here, size);
    const auto there = result_of(raw::memory_map(space, memory.get(), 0, address, size, protection));
    return there ? abi::Error::none : there.error();
}

abi::Error map_segments(abi::Handle space, std::span<const std::byte> file, const common::ElfImage& image)
{
    for (const common::ElfSegment& segment : image.segments()) {
        const std::uint64_t begin = segment.first_page();
        const abi::Error error =
            map_filled(space, begin, segment.end_page() - begin, segment.protection, [&](std::byte* memory) {
                std::memcpy(memory + (segment.address - begin), file.data() + segment.file_offset, segment.file_size);
            });
        if (error != abi::Error::none) return error;
    }
    return abi::Error::none;
}

// Writes the System V entry stack from the top down. `delta` is added to a local address to get the process's.
class StackWriter {
public:
    StackWriter(std::byte* memory, std::uint64_t size, std::uint64_t top)
        : begin_(memory)
        , next_(memory + size)
        , delta_(top - reinterpret_cast<std::uint64_t>(memory + size))
    {
    }

    bool overflowed() const { return overflowed_; }
    std::uint64_t address() const { return reinterpret_cast<std::uint64_t>(next_) + delta_; }

    std::uint64_t push_string(const char* text)
    {
        const std::size_t size = std::strlen(text) + 1;
        if (!reserve(size)) return 0;
        std::memcpy(next_, text, size);
        return address();
    }
    void align(std::uint64_t pushes_to_come)
    {
        // After the words that follow, RSP must be a multiple of 16 (AMD64 ABI 3.4.1).
        while ((address() - pushes_to_come * 8) % 16 != 0 && reserve(1)) { }
    }
    void push(std::uint64_t word)
    {
        if (reserve(sizeof word)) std::memcpy(next_, &word, sizeof word);
    }

private:
    bool reserve(std::size_t size)
    {
        if (static_cast<std::size_t>(next_ - begin_) < size) {
            overflowed_ = true;
            return false;
        }
        next_ -= size;
        return true;
    }

    std::byte* begin_;
    std::byte* next_;
    std::uint64_t delta_;
    bool overflowed_ = false;
};

// Strings first, then their addresses: two passes over the same texts, so that nothing has to be allocated.
void push_string_addresses(StackWriter& stack, std::span<const char* const> texts, std::uint64_t first_text)
{
    // The texts were pushed in order, downwards: the last one has the lowest address.
    stack.push(0);
    std::uint64_t address = first_text;
    std::uint64_t lowest = address;
    for (const char* text : texts)
        lowest -= std::strlen(text) + 1;
    address = lowest;
    for (std::size_t i = texts.size(); i-- > 0;) {
        stack.push(address);
        address += std::strlen(texts[i]) + 1;
    }
}

} // namespace

const char* SpawnProblem::sentence() const { return elf ? abi::sentence(error) : common::sentence(elf.error()); }

std::expected<PreparedProcess, SpawnProblem> PreparedProcess::prepare(
    std::span<const std::byte> file, std::uint32_t process_id, std::string_view name)
{
    const auto image = common::parse_elf(file);
    if (!image) return std::unexpected(SpawnProblem { .elf = std::unexpected(image.error()) });
    const auto created = result_of(raw::space_create(name.data(), name.size()));
    if (!created) return std::unexpected(kernel_problem(created.error()));
    OwnedHandle space(static_cast<abi::Handle>(*created));
    if (const abi::Error error = map_segments(space.get(), file, *image); error != abi::Error::none)
        return std::unexpected(kernel_problem(error));
    return PreparedProcess(space.keep(), process_id, *image);
}

std::expected<SpawnedProcess, SpawnProblem> PreparedProcess::start(const SpawnRequest& request) const
{
    OwnedHandle space(space_); // a process that cannot start is given up
    std::array<abi::AuxiliaryEntry, max_handles + max_auxiliary + 8> entries;
    std::size_t count = 0;
    const auto add = [&](abi::Auxiliary type, std::uint64_t value) {
        entries[count++] = { static_cast<std::uint64_t>(type), value };
    };
    if (request.handles.size() > max_handles || request.auxiliary.size() > max_auxiliary)
        return std::unexpected(kernel_problem(abi::Error::limit_reached));

    const auto own =
        result_of(raw::handle_install(space_, space_, abi::right_manage | abi::right_signal | abi::right_duplicate));
    if (!own) return std::unexpected(kernel_problem(own.error()));
    add(abi::Auxiliary::space_handle, *own);
    for (const GivenHandle& given : request.handles) {
        const auto installed = result_of(raw::handle_install(space_, given.handle, given.rights));
        if (!installed) return std::unexpected(kernel_problem(installed.error()));
        add(given.type, *installed);
    }
    add(abi::Auxiliary::program_headers, image_.program_headers);
    add(abi::Auxiliary::program_header_size, image_.program_header_size);
    add(abi::Auxiliary::program_header_count, image_.program_header_count);
    add(abi::Auxiliary::page_size, abi::page_size);
    add(abi::Auxiliary::entry, image_.entry);
    add(abi::Auxiliary::process_id, process_id_);
    for (const abi::AuxiliaryEntry& entry : request.auxiliary)
        entries[count++] = entry;

    bool overflowed = false;
    std::uint64_t stack_pointer = 0;
    const abi::Error error = map_filled(space_, stack_top - stack_size, stack_size,
        abi::protection_read | abi::protection_write, [&](std::byte* memory) {
            StackWriter stack(memory, stack_size, stack_top);
            const std::uint64_t first_environment = stack.address();
            for (const char* text : request.environment)
                stack.push_string(text);
            const std::uint64_t first_argument = stack.address();
            for (const char* text : request.arguments)
                stack.push_string(text);
            stack.align((count + 1) * 2 + request.environment.size() + request.arguments.size() + 3);
            stack.push(0);
            stack.push(static_cast<std::uint64_t>(abi::Auxiliary::end));
            for (std::size_t i = count; i-- > 0;) {
                stack.push(entries[i].value);
                stack.push(entries[i].type);
            }
            push_string_addresses(stack, request.environment, first_environment);
            push_string_addresses(stack, request.arguments, first_argument);
            stack.push(request.arguments.size());
            overflowed = stack.overflowed();
            stack_pointer = stack.address();
        });
    if (overflowed) return std::unexpected(kernel_problem(abi::Error::limit_reached));
    if (error != abi::Error::none) return std::unexpected(kernel_problem(error));

    const auto thread = result_of(raw::thread_create(space_, image_.entry, stack_pointer, 0, 0));
    if (!thread) return std::unexpected(kernel_problem(thread.error()));
    raw::handle_close(*thread);
    signal::add_peer(process_id_, space_); // so that kill(pid) works; without room, only the handle does
    return SpawnedProcess { .space = space.keep(), .process_id = process_id_ };
}

std::expected<SpawnedProcess, SpawnProblem> spawn(const SpawnRequest& request)
{
    const auto prepared = PreparedProcess::prepare(
        request.file, request.process_id, request.arguments.empty() ? "" : request.arguments.front());
    if (!prepared) return std::unexpected(prepared.error());
    return prepared->start(request);
}

std::expected<abi::ExitStatus, abi::Error> wait_for_end(const SpawnedProcess& process)
{
    while (true) {
        const auto waited = signal::interruptible([&] { return raw::space_wait(process.space, abi::no_deadline); });
        if (runtime::failed_with(waited.result, abi::Error::interrupted)) continue;
        signal::remove_peer(process.process_id);
        raw::handle_close(process.space);
        const auto word = result_of(waited.result);
        if (!word) return std::unexpected(word.error());
        return abi::ExitStatus::from_word(*word);
    }
}

} // namespace orrery::process
