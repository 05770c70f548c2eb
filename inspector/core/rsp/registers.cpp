#include "inspector/core/rsp/registers.h"

#include <algorithm>

namespace orrery::inspector::rsp {

RegisterLayout::RegisterLayout(std::vector<RegisterDescription> registers, std::string architecture)
    : registers_(std::move(registers))
    , architecture_(std::move(architecture))
{
    std::ranges::sort(registers_, {}, &RegisterDescription::number);
    for (std::size_t i = 0; i < registers_.size(); ++i) {
        registers_[i].offset = total_size_;
        total_size_ += registers_[i].size();
        by_name_.emplace(registers_[i].name, i);
    }
}

const RegisterDescription* RegisterLayout::find(std::string_view name) const
{
    const auto found = by_name_.find(name);
    return found == by_name_.end() ? nullptr : &registers_[found->second];
}

RegisterSet::RegisterSet(
    std::shared_ptr<const RegisterLayout> layout, std::vector<std::byte> bytes, std::vector<bool> known)
    : layout_(std::move(layout))
    , bytes_(std::move(bytes))
    , known_(std::move(known))
{
}

std::span<const std::byte> RegisterSet::bytes(std::string_view name) const
{
    const auto* description = layout_ ? layout_->find(name) : nullptr;
    if (!description || description->offset + description->size() > bytes_.size()) return {};
    for (std::size_t i = 0; i < description->size(); ++i)
        if (!known_[description->offset + i]) return {};
    return std::span(bytes_).subspan(description->offset, description->size());
}

std::optional<std::uint64_t> RegisterSet::value(std::string_view name) const
{
    const auto found = bytes(name);
    if (found.empty() || found.size() > 8) return std::nullopt;
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < found.size(); ++i)
        value |= std::to_integer<std::uint64_t>(found[i]) << (8 * i);
    return value;
}

Result<RegisterFile> to_register_file(const RegisterSet& registers)
{
    // Names of the target description in the order of abi::SavedRegister.
    static constexpr std::string_view names[] = { "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "rdi", "rsi",
        "rbp", "rbx", "rdx", "rax", "rcx", "rsp", "rip", "eflags" };
    static_assert(std::size(names) == std::tuple_size_v<decltype(RegisterFile::general)>);
    static_assert(static_cast<unsigned>(abi::SavedRegister::rflags) == std::size(names) - 1);
    RegisterFile file;
    for (std::size_t i = 0; i < std::size(names); ++i) {
        auto value = registers.value(names[i]);
        if (!value && names[i] == "eflags") value = registers.value("rflags");
        if (!value)
            return failure(ErrorCode::protocol,
                "the stub gave no register " + std::string(names[i])
                    + ": it does not debug an x86-64 machine, or its register description is broken");
        file.general[i] = *value;
    }
    const auto optional = [&](std::string_view name) { return registers.value(name).value_or(0); };
    file.fs_base = optional("fs_base");
    file.gs_base = optional("gs_base");
    file.kernel_gs_base = optional("k_gs_base");
    file.cr0 = optional("cr0");
    file.cr2 = optional("cr2");
    file.cr3 = optional("cr3");
    file.cr4 = optional("cr4");
    file.efer = optional("efer");
    file.cs = static_cast<std::uint16_t>(optional("cs"));
    file.ss = static_cast<std::uint16_t>(optional("ss"));
    return file;
}

} // namespace orrery::inspector::rsp
