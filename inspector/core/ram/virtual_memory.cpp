#include "inspector/core/ram/virtual_memory.h"

#include <algorithm>

#include "inspector/core/text.h"

namespace orrery::inspector::ram {

Result<void> AddressSpace::read_bytes(std::uint64_t address, std::span<std::byte> into) const
{
    for (std::size_t done = 0; done < into.size();) {
        const auto here = address + done; // may wrap around to 0: then it is not canonical on the way
        const auto physical = TRY(translator_.translate(here));
        const auto count = std::min<std::size_t>(into.size() - done, page_size - here % page_size);
        TRY(memory_.read(physical, into.subspan(done, count)));
        done += count;
    }
    return {};
}

} // namespace orrery::inspector::ram
