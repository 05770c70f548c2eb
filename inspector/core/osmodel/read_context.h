// What the parts of the snapshot reader share during one attempt: memory, shapes, problems, and who is who.
#pragma once

#include <algorithm>
#include <cstring>
#include <functional>
#include <set>
#include <unordered_map>

#include "abi/startup.h"
#include "inspector/core/debuginfo/struct_reader.h"
#include "inspector/core/osmodel/kernel_memory.h"
#include "inspector/core/osmodel/snapshot_reader.h"
#include "inspector/core/text.h"

namespace orrery::inspector {

// Views, as ViewProblem names them.
namespace view {
inline constexpr const char* machine = "machine";
inline constexpr const char* cpus = "cpus";
inline constexpr const char* threads = "threads";
inline constexpr const char* signals = "signals";
inline constexpr const char* frames = "frames";
inline constexpr const char* spaces = "spaces";
inline constexpr const char* mappings = "mappings";
inline constexpr const char* handles = "handles";
inline constexpr const char* rings = "rings";
inline constexpr const char* schemes = "schemes";
inline constexpr const char* memory = "memory";
inline constexpr const char* trace = "trace";
inline constexpr const char* panic = "panic";
} // namespace view

// abi::Descriptor as plain values.
struct DescriptorValues {
    std::uint64_t direct_map = 0, physical_end = 0, cpus = 0, first_thread = 0, first_space = 0, first_ring = 0;
    std::uint64_t first_scheme = 0;
    std::uint64_t trace_buffers = 0, panic = 0;
    std::uint32_t cpu_count = 0;
};

struct ReadContext {
    const SnapshotReader& reader;
    const DebugInfo& kernel;
    KernelMemory& memory;
    Snapshot& snapshot;
    std::span<const RegisterFile> cpu_registers;
    DescriptorValues descriptor {};
    bool transient_problem = false; // something that another attempt may read better
    std::unordered_map<std::uint64_t, std::uint32_t> space_ids {}, thread_ids {}; // by kernel address
    std::unordered_map<std::uint64_t, std::uint32_t> ring_memories {}; // MemoryObject -> ring number

    void problem(const char* view, std::string sentence)
    {
        constexpr std::size_t maximum_problems = 64;
        for (const auto& known : snapshot.problems)
            if (known.view == view && known.sentence == sentence) return;
        if (snapshot.problems.size() < maximum_problems) snapshot.problems.push_back({ view, std::move(sentence) });
    }
    // Of a pointer or value that makes no sense: while the guest runs, another attempt may find it whole.
    void garbage(const char* view, std::string sentence)
    {
        transient_problem = true;
        problem(view, std::move(sentence));
    }
    // Null, with a problem, if the kernel has no such structure.
    std::shared_ptr<const StructShape> shape(const char* view, const char* name)
    {
        auto found = kernel.structure(name);
        if (found) return *found;
        problem(view, found.error().sentence);
        return nullptr;
    }
    // The object's bytes, or nothing and a problem. `stack`: it may lie on a kernel stack too.
    std::optional<GuestObject> object(const char* view, const char* type, std::uint64_t address, bool stack = false)
    {
        const auto found = shape(view, type);
        if (!found) return std::nullopt;
        if (!stack && !memory.holds_objects(address, found->size)) {
            garbage(view, "a pointer to a " + found->name + " has the value " + hex(address)
                        + ", where no kernel object can be");
            return std::nullopt;
        }
        auto read = GuestObject::read(found, memory, address);
        if (read) return std::move(*read);
        garbage(view, read.error().sentence);
        return std::nullopt;
    }
};

// Reads fields for one view: a field that is missing or has changed its size gives 0 and one problem.
class Fields {
public:
    Fields(ReadContext& context, const char* view, const StructReader& reader)
        : context_(context)
        , view_(view)
        , reader_(reader)
    {
    }
    template <typename T>
    T get(std::string_view path)
    {
        const auto value = reader_.field<T>(path);
        if (value) return *value;
        note(value.error());
        return T {};
    }
    std::string enumerator(std::string_view path)
    {
        auto name = reader_.enumerator(path);
        if (name) return std::move(*name);
        note(name.error());
        return {};
    }
    std::string text(std::string_view path)
    {
        auto value = reader_.text(path);
        if (value) return std::move(*value);
        note(value.error());
        return {};
    }
    bool complete() const { return complete_; } // no field was missing so far

private:
    void note(const Error& error)
    {
        complete_ = false;
        context_.problem(view_, error.sentence);
    }
    ReadContext& context_;
    const char* view_;
    const StructReader& reader_;
    bool complete_ = true;
};

// A value at a fixed offset in bytes that were read; the ABI's own structures have no need of DWARF.
template <typename T>
T value_at(std::span<const std::byte> bytes, std::size_t offset)
{
    T value {};
    if (offset + sizeof(T) <= bytes.size()) std::memcpy(&value, bytes.data() + offset, sizeof(T));
    return value;
}

// Visits the intrusive list whose head pointer lies at `head`, linked by the field all_next. Ends with a problem at a
// pointer that can't be one, at a cycle, and after 16384 elements.
void walk_list(ReadContext& context, const char* view, const char* type, std::uint64_t head,
               const std::function<void(std::uint64_t address, const StructReader& reader)>& visit);

void read_cpus(ReadContext& context);
void read_spaces(ReadContext& context);   // after rings and threads: labels name them
void read_threads(ReadContext& context);
void read_rings(ReadContext& context);
void read_schemes(ReadContext& context);  // after spaces' list and threads: calls name them
void read_page_tables(ReadContext& context);
void read_memory_objects(ReadContext& context); // after mappings: of what they show
void read_machine_memory(ReadContext& context);
void read_trace(ReadContext& context);
void read_panic(ReadContext& context);
// Space numbers, names and page tables; everything else needs them first.
void read_space_list(ReadContext& context);
void read_signals(ReadContext& context, ThreadView& thread, const StructReader& kernel_thread);
void read_frames(ReadContext& context, ThreadView& thread, std::uint64_t innermost);

} // namespace orrery::inspector
