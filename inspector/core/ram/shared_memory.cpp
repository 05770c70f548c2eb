#include "inspector/core/ram/shared_memory.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "inspector/core/text.h"

namespace orrery::inspector::ram {

namespace {
constexpr std::uint64_t gibibyte = std::uint64_t { 1 } << 30;
constexpr std::uint64_t four_gibibytes = 4 * gibibyte;

// The guest writes while we read. Aligned words are taken whole, so that a pointer or an index is never half of two
// values. The mapping is volatile to the compiler: it must not read a word twice or in parts.
void copy_words(std::byte* target, const std::byte* source, std::size_t size)
{
    while (size != 0 && reinterpret_cast<std::uintptr_t>(source) % 8 != 0) {
        *target++ = *const_cast<const volatile std::byte*>(source++);
        --size;
    }
    for (; size >= 8; size -= 8, source += 8, target += 8) {
        const auto word = *reinterpret_cast<const volatile std::uint64_t*>(source);
        std::memcpy(target, &word, 8);
    }
    if (size >= 4) {
        const auto word = *reinterpret_cast<const volatile std::uint32_t*>(source);
        std::memcpy(target, &word, 4);
        source += 4, target += 4, size -= 4;
    }
    while (size-- != 0)
        *target++ = *const_cast<const volatile std::byte*>(source++);
}
} // namespace

RamSplit RamSplit::for_q35(std::uint64_t ram_bytes)
{
    // pc_q35_init: lowmem is 0x80000000 if RAM reaches 0xb0000000, else RAM stays whole below it.
    if (ram_bytes >= 0xb000'0000) return { 2 * gibibyte, ram_bytes - 2 * gibibyte };
    return { ram_bytes, 0 };
}

SharedMemory::SharedMemory(const std::byte* base, std::uint64_t size)
    : base_(base)
    , size_(size)
    , split_(RamSplit::for_q35(size))
{
}

SharedMemory::~SharedMemory() { ::munmap(const_cast<std::byte*>(base_), size_); }

Result<std::unique_ptr<SharedMemory>> SharedMemory::map(const std::filesystem::path& file, std::uint64_t ram_bytes)
{
    const Descriptor descriptor { ::open(file.c_str(), O_RDONLY | O_CLOEXEC) };
    if (!descriptor)
        return failure(
            ErrorCode::system, "can't open the guest's memory file " + file.string() + ": " + std::strerror(errno));
    return map(descriptor, ram_bytes);
}

Result<std::unique_ptr<SharedMemory>> SharedMemory::map(const Descriptor& file, std::uint64_t ram_bytes)
{
    // Reading past the end of the file would be SIGBUS: the size is what the file has, not what anyone says.
    struct stat status {};
    if (::fstat(file.get(), &status) != 0)
        return failure(
            ErrorCode::system, std::string("can't look at the guest's memory file: ") + std::strerror(errno));
    if (ram_bytes == 0 || static_cast<std::uint64_t>(status.st_size) < ram_bytes)
        return failure(ErrorCode::invalid_argument,
            "the guest's memory file has " + std::to_string(status.st_size) + " bytes, and the guest "
                + std::to_string(ram_bytes) + ": it is not the file of this guest");
    void* base = ::mmap(nullptr, ram_bytes, PROT_READ, MAP_SHARED, file.get(), 0);
    if (base == MAP_FAILED)
        return failure(ErrorCode::system,
            "can't map " + std::to_string(ram_bytes >> 20) + " MiB of guest memory: " + std::strerror(errno));
    return std::unique_ptr<SharedMemory>(new SharedMemory(static_cast<const std::byte*>(base), ram_bytes));
}

std::span<const std::byte> SharedMemory::view(std::uint64_t address, std::uint64_t size) const
{
    if (address < split_.below_4g && size <= split_.below_4g - address) return { base_ + address, size };
    if (address < four_gibibytes || address - four_gibibytes >= split_.above_4g
        || size > split_.above_4g - (address - four_gibibytes))
        return {};
    // The file goes on without the hole.
    return { base_ + split_.below_4g + (address - four_gibibytes), size };
}

Result<void> SharedMemory::read(std::uint64_t address, std::span<std::byte> into) const
{
    if (into.empty()) return {};
    const auto source = view(address, into.size());
    if (source.empty())
        return failure(ErrorCode::unmapped,
            "no RAM is at physical address " + hex(address) + " (" + std::to_string(into.size())
                + " bytes; the guest has " + std::to_string(size_ >> 20) + " MiB)");
    copy_words(into.data(), source.data(), into.size());
    return {};
}

std::uint64_t SharedMemory::physical_size() const
{
    return split_.above_4g ? four_gibibytes + split_.above_4g : split_.below_4g;
}

} // namespace orrery::inspector::ram
