// Process building over raw system calls; needs no heap and no errno, so init can use it before anything else runs.
#include "posix/process/spawn.h"

#include "abi/syscall.h"
#include "posix/runtime/syscall.h"

#include <cstring>
#include <utility>

namespace orrery::process {
namespace {

namespace raw = runtime::raw;

constexpr std::uint32_t read_write = abi::protection_read | abi::protection_write;

std::unexpected<SpawnError> refused(abi::Error error) { return std::unexpected(SpawnError { .error = error }); }

// A memory object that is mapped here while it is filled, and given to the new space afterwards.
class Staging {
public:
    static SpawnResult<Staging> create(abi::Handle own_space, std::uint64_t size)
    {
        const auto memory = runtime::result_of(raw::memory_create(size, 0));
        if (!memory)
            return refused(memory.error());
        const auto handle = static_cast<abi::Handle>(*memory);
        const auto address = runtime::result_of(raw::memory_map(own_space, handle, 0, 0, size, read_write));
        if (!address) {
            raw::handle_close(handle);
            return refused(address.error());
        }
        return Staging(own_space, handle, *address, size);
    }
    Staging(Staging&& other) noexcept
        : own_space_(other.own_space_)
        , handle_(std::exchange(other.handle_, abi::no_handle))
        , address_(other.address_)
        , size_(other.size_)
    {
    }
    Staging& operator=(Staging&&) = delete;
    ~Staging()
    {
        if (handle_ == abi::no_handle)
            return;
        raw::memory_unmap(own_space_, address_, size_);
        raw::handle_close(handle_);
    }

    std::byte* at(std::uint64_t offset) const { return reinterpret_cast<std::byte*>(address_ + offset); }

    abi::Error map_into(abi::Handle space, std::uint64_t address, std::uint32_t protection) const
    {
        const auto mapped = runtime::result_of(raw::memory_map(space, handle_, 0, address, size_, protection));
        return mapped ? abi::Error::none : mapped.error();
    }

private:
    Staging(abi::Handle own_space, abi::Handle handle, std::uint64_t address, std::uint64_t size)
        : own_space_(own_space)
        , handle_(handle)
        , address_(address)
        , size_(size)
    {
    }
    abi::Handle own_space_;
    abi::Handle handle_;
    std::uint64_t address_;
    std::uint64_t size_;
};

SpawnResult<void> load_segment(
    abi::Handle own_space, abi::Handle space, const common::ElfSegment& segment, std::span<const std::byte> file)
{
    const std::uint64_t begin = segment.first_page();
    const auto staging = Staging::create(own_space, segment.end_page() - begin);
    if (!staging)
        return std::unexpected(staging.error());
    if (segment.file_size != 0)
        std::memcpy(staging->at(segment.address - begin), file.data() + segment.file_offset, segment.file_size);
    if (const abi::Error error = staging->map_into(space, begin, segment.protection); error != abi::Error::none)
        return refused(error);
    return {};
}

} // namespace

SpawnResult<ProcessBuilder> ProcessBuilder::create(
    abi::Handle own_space, std::string_view name, std::span<const std::byte> file)
{
    const auto image = common::parse_elf(file);
    if (!image)
        return std::unexpected(SpawnError { .bad_file = true, .problem = image.error() });
    const auto space = runtime::result_of(raw::space_create(name.data(), name.size()));
    if (!space)
        return refused(space.error());
    ProcessBuilder builder;
    builder.own_space_ = own_space;
    builder.space_ = static_cast<abi::Handle>(*space);
    builder.image_ = *image;
    for (const common::ElfSegment& segment : image->segments()) {
        if (const auto loaded = load_segment(own_space, builder.space_, segment, file); !loaded)
            return std::unexpected(loaded.error());
    }
    builder.tell(abi::Auxiliary::program_headers, image->program_headers);
    builder.tell(abi::Auxiliary::program_header_size, image->program_header_size);
    builder.tell(abi::Auxiliary::program_header_count, image->program_header_count);
    builder.tell(abi::Auxiliary::page_size, abi::page_size);
    builder.tell(abi::Auxiliary::entry, image->entry);
    const auto own = builder.give(abi::Auxiliary::space_handle, builder.space_);
    if (!own)
        return std::unexpected(own.error());
    return builder;
}

ProcessBuilder::ProcessBuilder(ProcessBuilder&& other) noexcept
    : own_space_(other.own_space_)
    , space_(std::exchange(other.space_, abi::no_handle))
    , image_(other.image_)
    , entries_(other.entries_)
    , entry_count_(other.entry_count_)
{
}

ProcessBuilder::~ProcessBuilder()
{
    if (space_ == abi::no_handle)
        return;
    raw::space_end(space_, std::uint64_t { 0 });
    raw::handle_close(space_);
}

void ProcessBuilder::tell(abi::Auxiliary type, std::uint64_t value)
{
    // One place stays free for the end mark. Too many entries is a mistake in the maker, not in the file: the new
    // process sees the first ones.
    if (entry_count_ + 1 < max_start_entries)
        entries_[entry_count_++] = { static_cast<std::uint64_t>(type), value };
}

SpawnResult<abi::Handle> ProcessBuilder::give(abi::Auxiliary type, abi::Handle handle)
{
    const auto installed = runtime::result_of(raw::handle_install(space_, handle));
    if (!installed)
        return refused(installed.error());
    tell(type, *installed);
    return static_cast<abi::Handle>(*installed);
}

SpawnResult<abi::Handle> ProcessBuilder::give(abi::Auxiliary type, abi::Handle handle, std::uint32_t rights)
{
    // right_duplicate only for the way into the other table.
    const auto copy = runtime::result_of(raw::handle_duplicate(handle, rights | abi::right_duplicate));
    if (!copy)
        return refused(copy.error());
    auto installed = give(type, static_cast<abi::Handle>(*copy));
    raw::handle_close(*copy);
    return installed;
}

SpawnResult<abi::Handle> ProcessBuilder::start(
    std::span<const char* const> arguments, std::span<const char* const> environment)
{
    auto staging = Staging::create(own_space_, start_stack_size);
    if (!staging)
        return std::unexpected(staging.error());
    std::uint64_t bytes = 0;
    for (const auto& list : { arguments, environment })
        for (const char* text : list)
            bytes += std::strlen(text) + 1 + sizeof(std::uint64_t);
    if (bytes > max_argument_bytes)
        return refused(abi::Error::limit_reached);

    // System V ABI, AMD64, 3.4.1: argc, argv[], 0, envp[], 0, auxv[], end, then the strings; RSP a multiple of 16.
    const std::uint64_t word_count = 1 + arguments.size() + 1 + environment.size() + 1 + 2 * (entry_count_ + 1);
    std::uint64_t text_offset = start_stack_size - bytes - 16;
    const std::uint64_t stack_offset = (text_offset - word_count * sizeof(std::uint64_t)) & ~std::uint64_t { 15 };
    auto* word = reinterpret_cast<std::uint64_t*>(staging->at(stack_offset));
    const auto put_list = [&](std::span<const char* const> list) {
        for (const char* text : list) {
            const std::uint64_t length = std::strlen(text) + 1;
            std::memcpy(staging->at(text_offset), text, length);
            *word++ = start_stack_top - start_stack_size + text_offset;
            text_offset += length;
        }
        *word++ = 0;
    };
    *word++ = arguments.size();
    put_list(arguments);
    put_list(environment);
    entries_[entry_count_] = { static_cast<std::uint64_t>(abi::Auxiliary::end), 0 };
    std::memcpy(word, entries_.data(), (entry_count_ + 1) * sizeof(abi::AuxiliaryEntry));

    const std::uint64_t bottom = start_stack_top - start_stack_size;
    if (const abi::Error error = staging->map_into(space_, bottom, read_write); error != abi::Error::none)
        return refused(error);
    const auto thread = runtime::result_of(
        raw::thread_create(space_, image_.entry, bottom + stack_offset, std::uint64_t { 0 }, std::uint64_t { 0 }));
    if (!thread)
        return refused(thread.error());
    raw::handle_close(*thread); // the space is what the maker waits for
    return std::exchange(space_, abi::no_handle);
}

} // namespace orrery::process
