// Decides as the kernel's fault handler would (kernel/memory/address_space.cpp, resolve_fault), but only in words.
#include "inspector/core/osmodel/explain_address.h"

#include <algorithm>

#include "abi/startup.h"
#include "inspector/core/osmodel/explain.h"
#include "inspector/core/text.h"

namespace orrery::inspector {

namespace {

using abi::protection_execute;
using abi::protection_read;
using abi::protection_write;

constexpr std::uint32_t all_accesses[] = { protection_read, protection_write, protection_execute };

const char* noun(std::uint32_t access)
{
    return access == protection_read ? "a read" : access == protection_write ? "a write" : "an execution";
}

const char* verb(std::uint32_t access)
{
    return access == protection_read ? "read" : access == protection_write ? "write" : "execute";
}

std::string level_text(unsigned level) { return "level-" + std::to_string(level) + " table (" + ram::table_name(level) + ")"; }

class Explainer {
public:
    Explainer(const Snapshot& snapshot, const SpaceView& space, std::uint64_t address)
        : snapshot_(snapshot)
        , space_(space)
    {
        view_.address = address;
        view_.space = space.id;
        view_.page.known = false;
    }
    AddressView explain()
    {
        view_.walk = walk_page_tables(space_, view_.address);
        find_mapping();
        view_.sentence = whole_sentence();
        for (std::size_t i = 0; i < view_.accesses.size(); ++i) view_.accesses[i] = access(all_accesses[i]);
        find_contradictions();
        return std::move(view_);
    }

private:
    bool in_user_range() const { return view_.address >= abi::user_begin && view_.address < abi::user_end; }
    bool has_right(std::uint32_t right) const { return (view_.mapping->protection & right) != 0; }
    // The processor would let a program through for this access.
    bool passes(std::uint32_t right) const
    {
        const auto& walk = view_.walk;
        if (!walk.mapped || !walk.user) return false;
        return right == protection_write ? walk.writable : right == protection_execute ? walk.executable : true;
    }

    void find_mapping()
    {
        for (const auto& mapping : space_.mappings)
            if (view_.address >= mapping.begin && view_.address < mapping.end) {
                view_.mapping = mapping;
                view_.offset = mapping.offset + (view_.address - mapping.begin);
                if (const auto* object = snapshot_.memory_object(mapping.object_address)) view_.page = object->page(view_.offset);
                return;
            }
    }

    std::string neighbours() const
    {
        const MappingView *before = nullptr, *after = nullptr;
        for (const auto& mapping : space_.mappings) {
            if (mapping.end <= view_.address && (before == nullptr || mapping.end > before->end)) before = &mapping;
            if (mapping.begin > view_.address && (after == nullptr || mapping.begin < after->begin)) after = &mapping;
        }
        if (before == nullptr && after == nullptr) return ": nothing is mapped there at all";
        if (before == nullptr) return ": the first mapping begins at " + hex(after->begin);
        if (after == nullptr) return ": the last mapping ends at " + hex(before->end);
        return ": it lies between the mapping that ends at " + hex(before->end) + " and the one that begins at " + hex(after->begin);
    }

    // Where the walk ended, for pages that are not there: the "level-1 table (page table) has no entry for it".
    std::string missing_entry() const
    {
        if (view_.walk.level_count == 0) return "the tables can't be followed";
        const auto& last = view_.walk.levels[view_.walk.level_count - 1];
        if (last.present()) return "the tables can't be followed below their " + level_text(last.level);
        return "the " + level_text(last.level) + " has no entry for it";
    }

    std::string whole_sentence() const
    {
        const auto place = hex(view_.address);
        if (!ram::is_canonical(view_.address))
            return place + " is no address: bits 63 to 47 differ, so it is not canonical";
        if (view_.address >= std::uint64_t { 1 } << 63)
            return place + " belongs to the kernel's half, which is the same in every space and closed to programs";
        if (space_.ended) return place + " is not mapped any more: " + space_label(snapshot_, space_.id) + " has ended";
        if (!view_.mapping && view_.address < abi::user_begin)
            return place + " is not mapped and never will be: the first " + std::to_string(abi::user_begin / 1024)
                + " KiB stay empty, so that a null pointer faults";
        if (!view_.mapping) return place + " is not mapped in " + space_label(snapshot_, space_.id) + neighbours();
        const auto& mapping = *view_.mapping;
        auto text = place + " is mapped " + protection_words(mapping.protection);
        if (!mapping.object.empty()) text += " (" + mapping.object + " at offset " + hex(view_.offset) + ")";
        return text + state_of_page();
    }

    std::string state_of_page() const
    {
        const auto& page = view_.page;
        if (view_.mapping->protection == abi::protection_none && !view_.walk.mapped)
            return ": every access raises SIGSEGV (SEGV_ACCERR), whatever the page holds";
        if (view_.walk.mapped) return ", and its page is there: the tables lead to physical " + hex(view_.walk.physical_address) + shared_text();
        if (page.device)
            return page.frame != 0 ? ": these are a device's registers at physical " + hex(page.frame) + ", and " + missing_entry()
                                       + " yet: the first access faults and the kernel enters it"
                                   : ": these would be a device's registers, but the kernel keeps this part of them for itself";
        if (page.has(abi::slot_discarded))
            return ", but its page was dropped when memory was short, as the program had allowed; it has to restore the page first";
        if (page.untouched() && page.paged)
            return ", but its page is with a pager: " + missing_entry()
                + ", so the first access faults and waits until the pager has brought the page";
        if (page.untouched())
            return ", but its page was never touched: " + missing_entry()
                + ", so the first access faults and the kernel makes a zeroed page";
        if (page.known && page.sound)
            return ", and its page exists at physical " + hex(page.frame) + ", but " + missing_entry()
                + ": the first access faults and the kernel only enters it" + shared_text();
        return ", but " + missing_entry() + ": the first access faults, and the kernel looks up what the object holds";
    }
    std::string shared_text() const
    {
        if (view_.page.device) return "; it is a register of a device, and no memory";
        if (view_.page.has(abi::slot_pinned))
            return "; it is pinned: the kernel or a device holds on to it, so it is never moved or dropped";
        if (view_.page.has(abi::slot_writing)) return "; its pager is writing it back";
        if (view_.page.has(abi::slot_shared)) return "; it is marked copy-on-write, because another memory object has it too or had it";
        if (view_.page.has(abi::slot_clean)) return "; it is clean: what it holds can be had again, so it may be dropped when memory is short";
        return {};
    }

    AccessView raises(std::uint32_t right, const std::string& signal, const std::string& because) const
    {
        return { right, AccessOutcome::raises, std::string(noun(right)) + " raises " + signal + ", because " + because };
    }

    AccessView access(std::uint32_t right) const
    {
        if (!ram::is_canonical(view_.address))
            return raises(right, "SIGSEGV (SI_KERNEL, without an address)", "the processor knows no such address");
        if (!view_.mapping && passes(right)) return { right, AccessOutcome::works, std::string(noun(right)) + " works, although nothing is mapped" };
        if (!view_.mapping)
            return raises(right, "SIGSEGV (SEGV_MAPERR)",
                          in_user_range() ? "nothing is mapped there" : "no program can map anything there");
        if (passes(right)) return works(right);
        if (!has_right(right)) return raises(right, "SIGSEGV (SEGV_ACCERR)", missing_right(right));
        return fault(right);
    }

    AccessView works(std::uint32_t right) const
    {
        auto text = std::string(noun(right)) + " works, without the kernel: every level allows it";
        if (!has_right(right)) {
            text = std::string(noun(right)) + " works, although the mapping does not allow it";
            if (right == protection_read) text += ": entries have no bit against reading, so only the first access would be refused";
        }
        return { right, AccessOutcome::works, std::move(text) };
    }

    std::string missing_right(std::uint32_t right) const
    {
        std::string text = std::string("the mapping gives no right to ") + verb(right);
        if (right == protection_execute && has_right(protection_write)) text += " (W^X: what can be written is never executed)";
        if (right == protection_write && has_right(protection_execute)) text += " (W^X: what can be executed is never written)";
        return text;
    }

    // The mapping allows it and the tables do not (yet).
    AccessView fault(std::uint32_t right) const
    {
        const auto& page = view_.page;
        const std::string subject = noun(right);
        if (page.has(abi::slot_discarded))
            return raises(right, "SIGBUS (BUS_OBJERR)", "the page was dropped and the program has not restored it");
        if (page.device && page.frame == 0)
            return raises(right, "SIGSEGV (SEGV_ACCERR)", "the kernel keeps this part of the device for itself");
        if (right == protection_write && page.known && page.has(abi::slot_shared))
            return { right, AccessOutcome::copies,
                     subject + " faults and copies: the page is shared copy-on-write, so the kernel makes a copy for this object, "
                               "unless nobody else has the page any more" };
        if (right == protection_write && page.known && page.has(abi::slot_clean))
            return { right, AccessOutcome::faults_and_works,
                     subject + " faults once: the page is clean, and the kernel notes that it is not any more" };
        if (page.untouched() && page.paged)
            return { right, AccessOutcome::faults_and_works,
                     subject + " faults and waits until the pager has brought the page; if it has none, SIGBUS is raised" };
        if (page.untouched())
            return { right, AccessOutcome::faults_and_works,
                     subject + " faults once: the kernel makes a zeroed page and enters it; if memory or the limit of whoever pays "
                               "for it is used up, SIGBUS (BUS_ADRERR) is raised instead" };
        if (view_.walk.mapped)
            return { right, AccessOutcome::faults_and_works,
                     subject + " faults once: the entry is older than the mapping's right, and the kernel renews it" };
        if (page.known && page.sound)
            return { right, AccessOutcome::faults_and_works, subject + " faults once: the kernel enters the page that the object has" };
        return { right, AccessOutcome::faults_and_works, subject + " faults, and what the kernel finds in the object decides" };
    }

    void contradict(std::string sentence) { view_.contradictions.push_back(std::move(sentence)); }

    void find_contradictions()
    {
        const auto& walk = view_.walk;
        const bool user_half = view_.address < std::uint64_t { 1 } << 63 && ram::is_canonical(view_.address);
        if (!user_half || space_.ended) return;
        if (walk.level_count == 0 || (!walk.mapped && walk.levels[walk.level_count - 1].present())) contradict(walk.problem);
        if (!walk.mapped) return;
        const auto physical = walk.physical_address & ~(std::uint64_t { abi::page_size } - 1);
        if (!view_.mapping) contradict("the tables have a page where nothing is mapped");
        if (!walk.user) contradict("the tables keep programs out of a page of the user half");
        if (walk.page_size != abi::page_size) contradict("the tables have a large page in the user half, where the kernel makes none");
        if (walk.writable && walk.executable) contradict("the tables allow to write and to execute the page, which W^X forbids");
        if (!view_.page.device && snapshot_.physical_end != 0 && physical >= snapshot_.physical_end)
            contradict("the tables lead to physical " + hex(physical) + ", beyond the RAM, which ends at " + hex(snapshot_.physical_end));
        if (!view_.mapping) return;
        if (walk.writable && !has_right(protection_write)) contradict("the tables allow writing, and the mapping does not");
        if (walk.executable && !has_right(protection_execute)) contradict("the tables allow execution, and the mapping does not");
        const auto& page = view_.page;
        if (!page.known) return;
        if (!page.sound) return contradict("the memory object's slot for the page points at no frame");
        if (page.frame != physical)
            contradict("the tables lead to physical " + hex(physical) + ", and the memory object has "
                       + (page.frame == 0 ? std::string("no page there") : "the page at " + hex(page.frame)));
        else if (walk.writable && page.has(abi::slot_shared)) contradict("the tables allow writing to a page that is shared copy-on-write");
    }

    const Snapshot& snapshot_;
    const SpaceView& space_;
    AddressView view_;
};

} // namespace

AddressView explain_address(const Snapshot& snapshot, const SpaceView& space, std::uint64_t address)
{
    return Explainer(snapshot, space, address).explain();
}

std::string protection_words(std::uint32_t protection)
{
    std::vector<std::string> words;
    for (const auto right : all_accesses)
        if ((protection & right) != 0) words.emplace_back(verb(right));
    return words.empty() ? "without any right" : join(words, "-");
}

const char* name(AccessOutcome outcome)
{
    switch (outcome) {
    case AccessOutcome::works: return "works";
    case AccessOutcome::faults_and_works: return "faults and works";
    case AccessOutcome::copies: return "copies";
    case AccessOutcome::raises: return "raises a signal";
    }
    return "unknown";
}

} // namespace orrery::inspector
