// Lays out the synthetic guest's memory.
#include "synthetic_guest.h"

#include <cstddef>
#include <cstring>
#include <elf.h>
#include <fstream>
#include <iterator>

#include "inspector/core/ram/address_translator.h"

namespace orrery::inspector {

namespace {
void require(bool condition, const std::string& what)
{
    if (!condition) throw std::runtime_error(what);
}
} // namespace

SyntheticGuest::SyntheticGuest(const std::string& path) : memory(memory_size)
{
    auto loaded = DebugInfo::load(path);
    require(loaded.has_value(), loaded ? "" : loaded.error().sentence);
    kernel_ = *loaded;
    std::ifstream stream(path, std::ios::binary);
    const std::vector<char> file { std::istreambuf_iterator<char>(stream), {} };
    Elf64_Ehdr header;
    std::memcpy(&header, file.data(), sizeof header);
    for (unsigned i = 0; i < header.e_phnum; ++i) {
        Elf64_Phdr segment;
        std::memcpy(&segment, file.data() + header.e_phoff + i * sizeof segment, sizeof segment);
        if (segment.p_type != PT_LOAD) continue;
        require(segment.p_paddr + segment.p_memsz <= next_free_, "the kernel image does not fit below 4 MiB");
        std::memcpy(memory.data() + segment.p_paddr, file.data() + segment.p_offset, segment.p_filesz);
    }
}

Result<void> SyntheticGuest::read(std::uint64_t address, std::span<std::byte> into) const
{
    if (on_read) on_read(address);
    if (address > memory.size() || into.size() > memory.size() - address)
        return failure(ErrorCode::unmapped, "no RAM there");
    std::memcpy(into.data(), memory.data() + address, into.size());
    return {};
}

std::uint64_t SyntheticGuest::to_physical(std::uint64_t address) const
{
    if (address >= direct_map && address < direct_map + memory_size) return address - direct_map;
    const auto physical = kernel_->physical_address(address);
    require(physical.has_value(), "not a kernel address");
    return *physical;
}

std::uint64_t SyntheticGuest::allocate_pages(std::uint64_t count)
{
    const auto address = next_free_;
    next_free_ += count * ram::page_size;
    require(next_free_ <= memory_size, "the synthetic guest is full");
    return address;
}

std::uint64_t SyntheticGuest::make(const std::string& type, std::uint64_t count)
{
    return direct_map + allocate_pages((size_of(type) * count + ram::page_size - 1) / ram::page_size);
}

FieldPlace SyntheticGuest::place(const std::string& type, std::string_view path) const
{
    const auto found = StructReader(*kernel_->structure(type), {}).place(path);
    require(found.has_value(), found ? "" : found.error().sentence);
    return *found;
}

void SyntheticGuest::set(std::uint64_t object, const std::string& type, std::string_view path, std::uint64_t value)
{
    const auto where = place(type, path);
    write(object + where.offset, &value, std::min<std::uint64_t>(where.type.size, 8));
}

void SyntheticGuest::set_text(std::uint64_t object, const std::string& type, std::string_view path, std::string_view text)
{
    const auto where = place(type, path);
    write(object + where.offset, text.data(), std::min<std::uint64_t>(where.type.size, text.size()));
}

void SyntheticGuest::set_enumerator(std::uint64_t object, const std::string& type, std::string_view path,
                                    std::string_view name)
{
    const auto where = place(type, path);
    const auto value = where.type.enumeration->value_of(name);
    require(value.has_value(), "no such enumerator: " + std::string(name));
    set(object, type, path, static_cast<std::uint64_t>(*value));
}

std::uint64_t SyntheticGuest::address_of(std::string_view symbol) const
{
    const auto found = kernel_->symbol_named(symbol);
    require(found.has_value(), "no symbol " + std::string(symbol));
    return found->address;
}

void SyntheticGuest::write(std::uint64_t address, const void* data, std::size_t size)
{
    std::memcpy(memory.data() + to_physical(address), data, size);
}

std::uint64_t SyntheticGuest::value_at(std::uint64_t address) const
{
    std::uint64_t value = 0;
    std::memcpy(&value, memory.data() + to_physical(address), sizeof value);
    return value;
}

void SyntheticGuest::map(std::uint64_t root, std::uint64_t address, std::uint64_t physical, bool user)
{
    set_entry(root, address, physical | (user ? 7 : 3));
}

void SyntheticGuest::set_entry(std::uint64_t root, std::uint64_t address, std::uint64_t entry_value)
{
    const auto flags = (entry_value & 4) | 3;
    auto table = root;
    for (int shift = 39; shift > 12; shift -= 9) {
        const auto entry = direct_map + table + (address >> shift & 511) * 8;
        if (value_at(entry) == 0) put(entry, allocate_pages() | flags);
        table = value_at(entry) & 0x000f'ffff'ffff'f000;
    }
    put(direct_map + table + (address >> 12 & 511) * 8, entry_value);
}

void SyntheticGuest::set_descriptor(std::size_t offset, std::uint64_t value)
{
    put(address_of("orrery_descriptor") + offset, value);
}

void SyntheticGuest::describe(unsigned cpu_count)
{
    using abi::Descriptor;
    const auto base = address_of("orrery_descriptor");
    set_descriptor(offsetof(Descriptor, magic), abi::descriptor_magic);
    put(base + offsetof(Descriptor, version), abi::descriptor_version);
    put(base + offsetof(Descriptor, size), static_cast<std::uint32_t>(sizeof(Descriptor)));
    put(base + offsetof(Descriptor, machine_state), static_cast<std::uint32_t>(abi::MachineState::running));
    put(base + offsetof(Descriptor, cpu_count), static_cast<std::uint32_t>(cpu_count));
    set_descriptor(offsetof(Descriptor, direct_map), direct_map);
    set_descriptor(offsetof(Descriptor, physical_end), memory_size);
    set_descriptor(offsetof(Descriptor, tsc_frequency), 1'000'000'000);
    set_descriptor(offsetof(Descriptor, cpus), address_of("orrery::kernel::cpus"));
    set_descriptor(offsetof(Descriptor, first_thread), address_of("orrery::kernel::all_threads"));
    set_descriptor(offsetof(Descriptor, first_space), address_of("orrery::kernel::all_spaces"));
    set_descriptor(offsetof(Descriptor, first_ring), address_of("orrery::kernel::all_rings"));
    set_descriptor(offsetof(Descriptor, first_scheme), address_of("orrery::kernel::all_schemes"));
    set_descriptor(offsetof(Descriptor, trace_buffers), address_of("orrery::kernel::trace_buffers"));
    set_descriptor(offsetof(Descriptor, panic), address_of("orrery::kernel::panic_record"));
}

std::uint64_t SyntheticGuest::add_space(unsigned number, std::string_view name)
{
    const std::string type = "orrery::kernel::AddressSpace";
    const auto space = make(type);
    const auto head = address_of("orrery::kernel::all_spaces");
    set(space, type, "number", number);
    set_enumerator(space, type, "kind", "space");
    set_text(space, type, "name", name);
    set(space, type, "page_table_.root_", allocate_pages());
    set(space, type, "all_next", value_at(head));
    put(head, space);
    return space;
}

std::uint64_t SyntheticGuest::root_of(std::uint64_t space)
{
    return value_at(space + place("orrery::kernel::AddressSpace", "page_table_.root_").offset);
}

std::uint64_t SyntheticGuest::add_thread(unsigned number, std::uint64_t space, std::string_view state, unsigned cpu)
{
    const std::string type = "orrery::kernel::Thread";
    const auto thread = make(type);
    const auto head = address_of("orrery::kernel::all_threads");
    set(thread, type, "number", number);
    set_enumerator(thread, type, "kind", "thread");
    set(thread, type, "space", space);
    set_enumerator(thread, type, "state", state);
    set(thread, type, "cpu", address_of("orrery::kernel::cpus") + cpu * size_of("orrery::kernel::Cpu"));
    set(thread, type, "all_next", value_at(head));
    put(head, thread);
    if (state == "running")
        set(address_of("orrery::kernel::cpus") + cpu * size_of("orrery::kernel::Cpu"), "orrery::kernel::Cpu", "current", thread);
    return thread;
}

SyntheticGuest::Pages SyntheticGuest::register_signals(std::uint64_t thread)
{
    const std::string type = "orrery::kernel::Thread";
    const Pages pages { direct_map + allocate_pages(), direct_map + allocate_pages() };
    set(thread, type, "control_page", pages.control);
    set(thread, type, "process_page", pages.process);
    set(thread, type, "control_address", 0x7000'0000);
    set(thread, type, "trampoline", 0x40'1000);
    return pages;
}

} // namespace orrery::inspector
