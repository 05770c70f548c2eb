#include "inspector/core/ram/stub_memory.h"

#include <algorithm>

#include "inspector/core/text.h"

namespace orrery::inspector::ram {

Result<void> StubMemory::read(std::uint64_t address, std::span<std::byte> into) const
{
    if (into.empty()) return {};
    if (client_.state() != rsp::RunState::stopped) {
        pages_.clear();
        return failure(ErrorCode::busy,
            "guest memory can only be read while the guest is stopped, since it was not "
            "started by this session; pause it first");
    }
    if (std::exchange(stop_count_, client_.stop_count()) != client_.stop_count()) pages_.clear();
    const auto end = physical_size_ != 0 ? physical_size_ : std::uint64_t { 1 } << 52;
    if (address >= end || into.size() > end - address)
        return failure(ErrorCode::unmapped, "no RAM is at physical address " + hex(address));

    const auto first = address / page_size, last = (address + into.size() - 1) / page_size;
    if (last - first >= maximum_pages) return client_.read_physical(address, into);
    if (pages_.size() + (last - first) >= maximum_pages) pages_.clear();
    for (auto page = first; page <= last;) {
        if (pages_.contains(page)) {
            ++page;
            continue;
        }
        // Neighbours that are missing too come in one pipelined read.
        auto after = page + 1;
        while (after <= last && !pages_.contains(after))
            ++after;
        std::vector<std::byte> bytes((after - page) * page_size);
        if (auto done = client_.read_physical(page * page_size, bytes); !done) return done;
        for (; page < after; ++page) {
            const auto begin = bytes.begin() + static_cast<std::ptrdiff_t>(bytes.size() - (after - page) * page_size);
            pages_.emplace(page, std::vector<std::byte>(begin, begin + page_size));
        }
    }
    for (std::size_t done = 0; done < into.size();) {
        const auto here = address + done;
        const auto& page = pages_.at(here / page_size);
        const auto count = std::min<std::size_t>(into.size() - done, page_size - here % page_size);
        std::copy_n(page.begin() + static_cast<std::ptrdiff_t>(here % page_size), count,
            into.begin() + static_cast<std::ptrdiff_t>(done));
        done += count;
    }
    return {};
}

} // namespace orrery::inspector::ram
