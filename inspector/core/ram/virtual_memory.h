// One address space of the guest, read through its page tables over physical memory.
#pragma once

#include "inspector/core/ram/address_translator.h"

namespace orrery::inspector::ram {

// Translations are not kept: they are read anew each time, so a live guest may change them. Thread contract of
// `memory`.
class AddressSpace final : public inspector::VirtualMemory {
public:
    AddressSpace(const PhysicalMemory& memory, std::uint64_t cr3)
        : memory_(memory)
        , translator_(memory, cr3)
    {
    }
    // Split at pages. Errors: unmapped, naming the first address that is not there.
    Result<void> read_bytes(std::uint64_t address, std::span<std::byte> into) const;
    bool read(std::uint64_t address, std::span<std::byte> target) const override
    {
        return read_bytes(address, target).has_value();
    }
    const AddressTranslator& translator() const { return translator_; }

private:
    const PhysicalMemory& memory_;
    AddressTranslator translator_;
};

} // namespace orrery::inspector::ram
