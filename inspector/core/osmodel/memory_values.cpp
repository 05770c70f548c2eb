// Look-ups in what a picture keeps of memory.
#include "inspector/core/osmodel/memory_values.h"

#include <algorithm>

#include "abi/startup.h"

namespace orrery::inspector {

std::uint64_t PageTableView::entry(unsigned index) const
{
    const auto found = std::ranges::lower_bound(entries, index, {}, &PageEntryView::index);
    return found != entries.end() && found->index == index ? found->value : 0;
}

const PageTableView* PageTablesView::table(std::uint64_t physical) const
{
    const auto found = std::ranges::lower_bound(tables, physical, {}, &PageTableView::physical);
    return found != tables.end() && found->physical == physical ? &*found : nullptr;
}

ObjectPage MemoryObjectView::page(std::uint64_t offset) const
{
    const auto number = offset / abi::page_size;
    ObjectPage result;
    if (registers != 0) {
        result.device = true;
        result.known = offset < size;
        const bool hole = std::ranges::any_of(holes, [&](const Range& range) { return offset >= range.begin && offset < range.end; });
        if (result.known && !hole) result.frame = registers + number * abi::page_size;
        return result;
    }
    const auto leaf = std::ranges::lower_bound(leaves, number / pages_per_leaf, {}, &Leaf::number);
    const bool found = leaf != leaves.end() && leaf->number == number / pages_per_leaf && number % pages_per_leaf < leaf->pages.size();
    if (found) result = leaf->pages[number % pages_per_leaf];
    else result.known = complete && problem.empty() && offset < size; // beyond its end there are no pages at all
    result.paged = paged;
    return result;
}

} // namespace orrery::inspector
