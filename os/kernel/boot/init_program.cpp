// Loading of init: segments into fresh memory objects, and a System V start stack with the handles in the auxv.
#include "kernel/boot/init_program.h"

#include <cstring>
#include <new>
#include <string_view>

#include "abi/startup.h"
#include "common/elf_image.h"
#include "common/ustar.h"
#include "kernel/boot/console.h"
#include "kernel/boot/panic.h"
#include "kernel/memory/address_space.h"

namespace orrery::kernel {
namespace {

    constexpr std::uint64_t stack_size = 256 * 1024;
    constexpr VirtualAddress stack_top = 0x7000'0000'0000;

    template <typename T>
    T must(Result<T> result, const char* what)
    {
        if (!result) panic("init cannot be started: %s: %s", what, abi::sentence(result.error()));
        return std::move(*result);
    }

    // Copies bytes into a memory object, page by page.
    void fill(MemoryObject& object, std::uint64_t offset, std::span<const std::byte> bytes)
    {
        while (!bytes.empty()) {
            const std::uint64_t in_page = offset % page_size;
            const std::uint64_t count = std::min<std::uint64_t>(bytes.size(), page_size - in_page);
            Frame* frame = must(object.page(offset), "filling memory");
            std::memcpy(static_cast<std::byte*>(frame_allocator.memory_of(frame)) + in_page, bytes.data(), count);
            offset += count;
            bytes = bytes.subspan(count);
        }
    }

    void load_segments(AddressSpace& space, const common::ElfImage& image, std::span<const std::byte> file)
    {
        for (const common::ElfSegment& segment : image.segments()) {
            const std::uint64_t begin = segment.first_page();
            const std::uint64_t end = segment.end_page();
            auto object = must(MemoryObject::create(end - begin), "a segment's memory");
            fill(*object, segment.address - begin, file.subspan(segment.file_offset, segment.file_size));
            (void)must(space.map(object, 0, begin, end - begin, segment.protection), "mapping a segment");
        }
    }

    // Grows down from stack_top inside a memory object.
    class StackBuilder {
    public:
        explicit StackBuilder(MemoryObject& object) : object_(object) {}
        VirtualAddress push(std::span<const std::byte> bytes)
        {
            used_ += bytes.size();
            fill(object_, stack_size - used_, bytes);
            return stack_top - used_;
        }
        VirtualAddress push_text(std::string_view text)
        {
            const char zero = 0;
            push(std::as_bytes(std::span(&zero, 1)));
            return push(std::as_bytes(std::span(text)));
        }
        void align(std::uint64_t unit) { used_ = round_up(used_, unit); }

    private:
        MemoryObject& object_;
        std::uint64_t used_ = 0;
    };

} // namespace

void start_init_program(const BootInformation& boot)
{
    if (boot.initrd_size == 0) panic("there is no initrd; give QEMU one with -initrd");
    const auto archive_bytes = std::span(static_cast<const std::byte*>(to_virtual(boot.initrd)), boot.initrd_size);
    const auto file = common::UstarArchive(archive_bytes).find("init");
    if (!file) panic("the initrd holds no program called init, or is no ustar archive");
    const auto image = common::parse_elf(*file);
    if (!image) panic("init cannot be loaded: %s", common::sentence(image.error()));

    auto space = must(AddressSpace::create(std::span("init", 4)), "its address space");
    load_segments(*space, *image, *file);
    auto stack = must(MemoryObject::create(stack_size), "its stack");
    (void)must(space->map(stack, 0, stack_top - stack_size, stack_size, abi::protection_read | abi::protection_write),
        "mapping its stack");

    auto console = Ref<Console>::adopt(new (std::nothrow) Console);
    auto power = Ref<Power>::adopt(new (std::nothrow) Power);
    auto hardware = Ref<Hardware>::adopt(new (std::nothrow) Hardware);
    if (!console || !power || !hardware) panic("init cannot be started: no memory for its handles");
    auto initrd = must(MemoryObject::create_at(boot.initrd, boot.initrd_size), "the initrd's memory object");
    HandleTable& handles = space->handles;
    const auto give = [&](Ref<Object> object, std::uint32_t rights) {
        return std::uint64_t { must(handles.insert(std::move(object), rights), "a handle") };
    };

    StackBuilder builder(*stack);
    const VirtualAddress command_line = builder.push_text(boot.command_line);
    const VirtualAddress name = builder.push_text("init");
    using abi::Auxiliary;
    const std::uint64_t words[] = {
        1, name, 0, // argc, argv
        0,          // envp
        static_cast<std::uint64_t>(Auxiliary::program_headers), image->program_headers,
        static_cast<std::uint64_t>(Auxiliary::program_header_size), image->program_header_size,
        static_cast<std::uint64_t>(Auxiliary::program_header_count), image->program_header_count,
        static_cast<std::uint64_t>(Auxiliary::page_size), page_size,
        static_cast<std::uint64_t>(Auxiliary::entry), image->entry,
        static_cast<std::uint64_t>(Auxiliary::space_handle),
        give(space, abi::right_manage | abi::right_signal | abi::right_duplicate),
        static_cast<std::uint64_t>(Auxiliary::console_handle), give(console, abi::right_write | abi::right_duplicate),
        static_cast<std::uint64_t>(Auxiliary::power_handle), give(power, abi::right_manage),
        static_cast<std::uint64_t>(Auxiliary::hardware_handle), give(hardware, abi::right_manage | abi::right_duplicate),
        static_cast<std::uint64_t>(Auxiliary::initrd_handle), give(initrd, abi::right_read | abi::right_duplicate),
        static_cast<std::uint64_t>(Auxiliary::initrd_size), boot.initrd_size,
        static_cast<std::uint64_t>(Auxiliary::command_line), command_line,
        static_cast<std::uint64_t>(Auxiliary::process_id), 1,
        static_cast<std::uint64_t>(Auxiliary::end), 0,
    };
    // The stack pointer of a new program is a multiple of 16 (System V ABI, AMD64, 3.4.1).
    builder.align(16);
    if (sizeof(words) % 16 != 0) builder.push(std::as_bytes(std::span("\0\0\0\0\0\0\0", 8)));
    const VirtualAddress stack_pointer = builder.push(std::as_bytes(std::span(words)));
    const auto thread = must(Thread::create(space, { image->entry, stack_pointer, 0, 0 }), "its first thread");
    if (const Status started = thread->start(); !started)
        panic("init cannot be started: %s", abi::sentence(started.error()));
}

} // namespace orrery::kernel
