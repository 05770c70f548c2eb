// Schemes: the calls that wait and those that servers work on. Calls live on kernel stacks, so each is checked before it
// is believed: its caller has to be a thread, and its state that of the list in which it was found.
#include <unordered_set>

#include "abi/scheme.h"
#include "inspector/core/osmodel/read_context.h"

namespace orrery::inspector {

namespace {

constexpr const char* scheme_type = "orrery::kernel::Scheme";
constexpr const char* operation_type = "orrery::kernel::Operation";
constexpr const char* receiver_type = "orrery::kernel::Scheme::Receiver";
constexpr unsigned maximum_buckets = 1024;
constexpr std::size_t maximum_calls = 16384; // of one scheme in one picture: the kernel has no more threads

class SchemeReader {
public:
    SchemeReader(ReadContext& context, SchemeView& scheme)
        : context_(context)
        , scheme_(scheme)
    {
    }
    void read(const StructReader& reader)
    {
        Fields fields(context_, view::schemes, reader);
        scheme_.open_servers = fields.get<std::uint32_t>("open_servers_");
        scheme_.next_tag = fields.get<std::uint32_t>("next_tag_");
        scheme_.closed = fields.get<bool>("closed_");
        const auto submitted = fields.get<std::uint64_t>("submitted_.first_");
        const auto cancelled = fields.get<std::uint64_t>("cancelled_.first_");
        const auto receivers = fields.get<std::uint64_t>("receivers_.first_");
        const auto buckets = bucket_heads(fields, reader);
        if (!fields.complete()) {
            scheme_.problem = "this kernel's schemes have another shape than this Inspector knows";
            return;
        }
        walk(submitted, operation_type, "link.next", [&](std::uint64_t address, const StructReader& operation) {
            return take_call(address, operation, "submitted", scheme_.waiting);
        });
        for (const auto head : buckets)
            walk(head, operation_type, "link.next", [&](std::uint64_t address, const StructReader& operation) {
                return take_call(address, operation, "received", scheme_.received);
            });
        walk(receivers, receiver_type, "link.next",
             [&](std::uint64_t, const StructReader& receiver) { return take_receiver(receiver); });
        walk(cancelled, operation_type, "cancel_link.next",
             [&](std::uint64_t address, const StructReader&) { return mark_untold(address); });
        std::ranges::sort(scheme_.received, {}, &CallView::tag);
        scheme_.valid = scheme_.problem.empty();
    }

private:
    std::vector<std::uint64_t> bucket_heads(Fields& fields, const StructReader& reader)
    {
        std::vector<std::uint64_t> heads;
        const auto place = reader.place("received_");
        const auto count = place ? place->type.element_count : 0;
        if (count == 0 || count > maximum_buckets) {
            (void)fields.get<std::uint64_t>("received_[0].first_"); // tells what is missing
            return heads;
        }
        for (std::uint64_t i = 0; i < count; ++i)
            heads.push_back(fields.get<std::uint64_t>("received_[" + std::to_string(i) + "].first_"));
        return heads;
    }

    // The first thing that is wrong with a scheme is its sentence: the rest follows from it mostly.
    bool wrong(std::string sentence)
    {
        context_.transient_problem = true;
        if (scheme_.problem.empty()) scheme_.problem = std::move(sentence);
        return false;
    }

    // Visits a list whose elements lie on kernel stacks. `visit` returns false to end it.
    template <typename Visit>
    void walk(std::uint64_t address, const char* type, const char* link, Visit visit)
    {
        const auto shape = context_.shape(view::schemes, type);
        if (!shape) return void(wrong("this kernel has no " + std::string(type)));
        std::unordered_set<std::uint64_t> seen;
        while (address != 0) {
            if (!seen.insert(address).second) return void(wrong("a list of its calls runs in a circle at " + hex(address)));
            if (seen.size() > maximum_calls) return void(wrong("a list of its calls has no end"));
            const auto object = address % 8 == 0 ? GuestObject::read(shape, context_.memory, address)
                                                 : failure("misaligned");
            if (!object) return void(wrong("a list of its calls leads to " + hex(address) + ", where no call can be"));
            const auto reader = object->reader();
            if (!visit(address, reader)) return;
            Fields fields(context_, view::schemes, reader);
            address = fields.get<std::uint64_t>(link);
            if (!fields.complete()) return void(wrong("this kernel's calls have another shape than this Inspector knows"));
        }
    }

    std::uint32_t thread_at(std::uint64_t address) const
    {
        const auto found = context_.thread_ids.find(address);
        return found == context_.thread_ids.end() ? 0 : found->second;
    }

    bool take_call(std::uint64_t address, const StructReader& operation, const char* state, std::vector<CallView>& calls)
    {
        Fields fields(context_, view::schemes, operation);
        CallView call;
        call.tag = fields.get<std::uint32_t>("entry.tag");
        call.thread = thread_at(fields.get<std::uint64_t>("caller"));
        call.state = fields.enumerator("state");
        call.opcode = fields.get<std::uint8_t>("entry.opcode");
        call.flags = fields.get<std::uint8_t>("entry.flags");
        call.priority = fields.get<std::uint32_t>("priority");
        call.cancelled = fields.get<bool>("cancelled");
        call.cause = fields.get<std::uint64_t>("cause");
        if ((call.flags & (abi::sqe_readable_buffer | abi::sqe_writable_buffer)) != 0) {
            call.buffer = fields.get<std::uint64_t>("entry.arguments[" + std::to_string(abi::buffer_argument) + "]");
            call.buffer_size = fields.get<std::uint64_t>("entry.arguments[" + std::to_string(abi::buffer_argument + 1) + "]");
        }
        if (const auto* caller = context_.snapshot.thread(call.thread)) call.space = caller->space;
        if (call.state == "received") {
            call.server_thread = thread_at(fields.get<std::uint64_t>("server_thread"));
            const auto space = context_.space_ids.find(fields.get<std::uint64_t>("server"));
            if (space != context_.space_ids.end()) call.server_space = space->second;
        }
        if (!fields.complete()) return wrong("this kernel's calls have another shape than this Inspector knows");
        if (call.thread == 0 || call.state != state)
            return wrong("what lies at " + hex(address) + " is no call that is " + state
                         + ": the picture is torn, or somebody overwrote a kernel stack");
        calls_[address] = &calls == &scheme_.waiting ? Place { false, calls.size() } : Place { true, calls.size() };
        calls.push_back(std::move(call));
        return true;
    }

    bool take_receiver(const StructReader& receiver)
    {
        Fields fields(context_, view::schemes, receiver);
        const auto thread = thread_at(fields.get<std::uint64_t>("thread"));
        if (!fields.complete()) return wrong("this kernel's schemes have another shape than this Inspector knows");
        if (thread == 0) return wrong("a server that is said to wait for its calls is no thread");
        scheme_.receivers.push_back(thread);
        return true;
    }

    bool mark_untold(std::uint64_t address)
    {
        const auto found = calls_.find(address);
        if (found == calls_.end()) return wrong("a cancelled call at " + hex(address) + " is in no other list");
        auto& calls = found->second.received ? scheme_.received : scheme_.waiting;
        calls[found->second.index].cancel_untold = true;
        return true;
    }

    struct Place {
        bool received = false;
        std::size_t index = 0;
    };
    ReadContext& context_;
    SchemeView& scheme_;
    std::unordered_map<std::uint64_t, Place> calls_; // by kernel address
};

} // namespace

void read_schemes(ReadContext& context)
{
    walk_list(context, view::schemes, scheme_type, context.descriptor.first_scheme,
              [&context](std::uint64_t address, const StructReader& reader) {
        Fields fields(context, view::schemes, reader);
        SchemeView scheme;
        scheme.address = address;
        scheme.number = fields.get<std::uint32_t>("number");
        if (!fields.complete()) return;
        SchemeReader(context, scheme).read(reader);
        context.snapshot.schemes.push_back(std::move(scheme));
    });
}

} // namespace orrery::inspector
