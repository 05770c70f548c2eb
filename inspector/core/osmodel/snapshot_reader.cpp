// Finds the kernel's descriptor, checks it, and reads everything behind it until one attempt was not torn.
#include "inspector/core/osmodel/snapshot_reader.h"

#include <algorithm>
#include <cstddef>

#include "inspector/core/osmodel/explain.h"
#include "inspector/core/osmodel/read_context.h"

namespace orrery::inspector {

namespace {

constexpr int maximum_attempts = 4;

// The order of reads matters for `topology`, so the descriptor is fetched whole each time.
using DescriptorBytes = std::array<std::byte, sizeof(abi::Descriptor)>;

std::optional<DescriptorBytes> read_descriptor(ReadContext& context)
{
    const auto symbol = context.kernel.symbol_named("orrery_descriptor");
    if (!symbol) {
        context.problem(view::machine, context.kernel.path().string() + " is not an Orrery kernel: it has no symbol "
                                       "orrery_descriptor");
        return std::nullopt;
    }
    DescriptorBytes bytes;
    if (!context.memory.read(symbol->address, bytes)) {
        context.problem(view::machine, "the kernel's descriptor at " + hex(symbol->address) + " can't be read");
        return std::nullopt;
    }
    return bytes;
}

// False: there is nothing behind the descriptor to read (yet), and why is in the problems.
bool take_descriptor(ReadContext& context, const DescriptorBytes& bytes)
{
    using abi::Descriptor;
    const auto word = [&bytes](std::size_t offset) { return value_at<std::uint64_t>(bytes, offset); };
    const auto magic = word(offsetof(Descriptor, magic));
    if (magic == 0) return false; // before the loader: the guest has not begun
    if (magic != abi::descriptor_magic) {
        context.problem(view::machine,
                        "the guest's memory holds no Orrery kernel where " + context.kernel.path().filename().string()
                            + " says (found " + hex(magic) + "); start the guest with this file, or name the right one");
        return false;
    }
    const auto version = value_at<std::uint32_t>(bytes, offsetof(Descriptor, version));
    if (version != abi::descriptor_version) {
        context.problem(view::machine, "the kernel has debugger interface version " + std::to_string(version)
                            + ", and this Inspector knows version " + std::to_string(abi::descriptor_version)
                            + "; build both from the same sources");
        return false;
    }
    const auto size = value_at<std::uint32_t>(bytes, offsetof(Descriptor, size));
    if (size < sizeof(Descriptor)) {
        context.problem(view::machine, "the kernel's descriptor has " + std::to_string(size)
                            + " bytes where this Inspector needs " + std::to_string(sizeof(Descriptor)));
        return false;
    }
    auto& snapshot = context.snapshot;
    const auto state = value_at<std::uint32_t>(bytes, offsetof(Descriptor, machine_state));
    if (state > static_cast<std::uint32_t>(abi::MachineState::panicked)) {
        context.garbage(view::machine, "the machine state is " + std::to_string(state) + ", which does not exist");
        return false;
    }
    snapshot.machine_state = static_cast<abi::MachineState>(state);
    snapshot.exit_status = abi::ExitStatus::from_word(word(offsetof(Descriptor, exit_status)));
    snapshot.tsc_frequency = word(offsetof(Descriptor, tsc_frequency));
    snapshot.boot_tsc = word(offsetof(Descriptor, boot_tsc));
    auto& values = context.descriptor;
    values.cpu_count = value_at<std::uint32_t>(bytes, offsetof(Descriptor, cpu_count));
    values.direct_map = word(offsetof(Descriptor, direct_map));
    values.physical_end = word(offsetof(Descriptor, physical_end));
    values.cpus = word(offsetof(Descriptor, cpus));
    values.first_thread = word(offsetof(Descriptor, first_thread));
    values.first_space = word(offsetof(Descriptor, first_space));
    values.first_ring = word(offsetof(Descriptor, first_ring));
    values.first_scheme = word(offsetof(Descriptor, first_scheme));
    values.trace_buffers = word(offsetof(Descriptor, trace_buffers));
    values.panic = word(offsetof(Descriptor, panic));
    if (values.direct_map == 0) { // so early that there are no lists; a panic may have come, though
        return false;
    }
    const auto cpus = context.kernel.symbol_named("orrery::kernel::cpus");
    if (cpus && values.cpus != 0 && cpus->address != values.cpus) {
        context.problem(view::machine, "the running kernel is not the one in " + context.kernel.path().string()
                            + ": it was built again since the guest started; restart the guest");
        return false;
    }
    snapshot.physical_end = values.physical_end;
    context.memory.set_direct_map(values.direct_map, values.physical_end);
    return true;
}

std::uint64_t topology_of(const DescriptorBytes& bytes)
{
    return value_at<std::uint64_t>(bytes, offsetof(abi::Descriptor, topology));
}

// One reading of everything. Returns true if the lists stood still meanwhile.
bool attempt(ReadContext& context)
{
    const auto before = read_descriptor(context);
    if (!before) return true;
    const bool behind = take_descriptor(context, *before);
    if (behind) {
        read_space_list(context);
        read_rings(context);
        read_threads(context);
        read_cpus(context);
        read_schemes(context);
        read_spaces(context);
        read_page_tables(context);
        read_memory_objects(context);
        read_machine_memory(context);
        read_trace(context);
    }
    if (context.snapshot.machine_state == abi::MachineState::panicked) read_panic(context);
    const auto after = read_descriptor(context);
    return after && topology_of(*before) == topology_of(*after) && topology_of(*before) % 2 == 0;
}

std::string place_in(const DebugInfo& program, std::uint64_t address)
{
    auto text = program.describe(address);
    if (const auto location = program.location(address))
        text += " (" + std::filesystem::path(location->file).filename().string() + ":" + std::to_string(location->line) + ")";
    return text;
}

// Names come last: looking them up may read a program's debug information, and meanwhile the guest would move on.
void name_addresses(const SnapshotReader& reader, Snapshot& snapshot)
{
    for (auto& thread : snapshot.threads) {
        const auto program = reader.program(thread.space_name);
        auto& signals = thread.signals;
        if (signals.deferred_at != 0)
            signals.deferred_at_name = program ? program->describe(signals.deferred_at) : hex(signals.deferred_at);
        if (!program) continue;
        if (thread.registers) thread.place = place_in(*program, thread.registers->rip());
        for (auto& frame : signals.frames)
            if (frame.valid && program->symbol_at(frame.handler)) frame.handler_name = program->describe(frame.handler);
    }
    const auto reasons = reader.kernel()->enumeration("orrery::kernel::WaitReason");
    if (!reasons) return;
    for (const auto& [name, value] : (*reasons)->enumerators) {
        if (value != static_cast<std::int64_t>(snapshot.wait_reasons.size())) return; // not counted from 0: no table
        snapshot.wait_reasons.push_back(name);
    }
}

void sort_and_explain(Snapshot& snapshot)
{
    std::ranges::sort(snapshot.threads, {}, &ThreadView::id);
    std::ranges::sort(snapshot.spaces, {}, &SpaceView::id);
    std::ranges::sort(snapshot.rings, {}, &RingView::number);
    std::ranges::sort(snapshot.schemes, {}, &SchemeView::number);
    std::ranges::sort(snapshot.memory_objects, {}, &MemoryObjectView::address);
    for (auto& space : snapshot.spaces) {
        for (const auto& thread : snapshot.threads)
            if (thread.space == space.id) space.threads.push_back(thread.id);
    }
    for (auto& thread : snapshot.threads) thread.why = explain(thread, &snapshot);
}

} // namespace

void walk_list(ReadContext& context, const char* view, const char* type, std::uint64_t head,
               const std::function<void(std::uint64_t address, const StructReader& reader)>& visit)
{
    constexpr std::size_t maximum_elements = 16384;
    if (head == 0) return;
    const auto first = context.memory.holds_objects(head) ? context.memory.value<std::uint64_t>(head) : std::nullopt;
    if (!first) {
        context.garbage(view, "the head of the list of " + std::string(view) + " at " + hex(head) + " can't be read");
        return;
    }
    std::set<std::uint64_t> seen;
    for (auto address = *first; address != 0;) {
        if (!seen.insert(address).second) {
            context.garbage(view, "the list of " + std::string(view) + " runs in a circle at " + hex(address));
            return;
        }
        if (seen.size() > maximum_elements) {
            context.garbage(view, "the list of " + std::string(view) + " has more than 16384 elements; the rest is left out");
            return;
        }
        const auto object = context.object(view, type, address);
        if (!object) return;
        const auto reader = object->reader();
        visit(address, reader);
        const auto next = reader.field<std::uint64_t>("all_next");
        if (!next) {
            context.problem(view, next.error().sentence);
            return;
        }
        address = *next;
    }
}

ProgramMap load_programs(const std::filesystem::path& folder, std::vector<std::string>* problems)
{
    ProgramMap programs;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
        // Programs have no suffix; build files beside them do.
        if (!entry.is_regular_file(error) || entry.path().has_extension()) continue;
        auto loaded = DebugInfo::load(entry.path());
        if (loaded) programs.emplace(entry.path().filename().string(), std::move(*loaded));
        else if (problems != nullptr) problems->push_back(loaded.error().sentence);
    }
    if (error && problems != nullptr) problems->push_back(folder.string() + " can't be listed: " + error.message());
    return programs;
}

SnapshotReader::SnapshotReader(DebugInfoPointer kernel, ProgramMap programs, const ram::PhysicalMemory& memory)
    : kernel_(std::move(kernel)), programs_(std::move(programs)), memory_(memory)
{
    // Reads the kernel's types now and not between two structures of the first picture.
    (void)kernel_->structure("orrery::kernel::Thread");
}

DebugInfoPointer SnapshotReader::program(std::string_view space_name) const
{
    const auto slash = space_name.rfind('/');
    if (slash != std::string_view::npos) space_name.remove_prefix(slash + 1);
    const auto found = programs_.find(std::string(space_name));
    return found == programs_.end() ? nullptr : found->second;
}

SnapshotPointer SnapshotReader::take(Freshness freshness, std::span<const RegisterFile> cpu_registers)
{
    ++taken_;
    for (int tries = 1;; ++tries) {
        auto snapshot = std::make_shared<Snapshot>();
        snapshot->number = taken_;
        snapshot->freshness = freshness;
        KernelMemory memory(memory_, *kernel_);
        ReadContext context { *this, *kernel_, memory, *snapshot, cpu_registers };
        const bool whole = attempt(context);
        // A stopped guest reads the same again, so a second attempt would be in vain.
        const bool again = freshness == Freshness::live && (!whole || context.transient_problem);
        if (again && tries < maximum_attempts) continue;
        if (!whole) snapshot->freshness = Freshness::torn;
        name_addresses(*this, *snapshot);
        sort_and_explain(*snapshot);
        return snapshot;
    }
}

} // namespace orrery::inspector
