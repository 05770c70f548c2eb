// libFuzzer: SDT notes and argument strings of any bytes, parsed and evaluated.
#include <cstdint>
#include <cstring>

#include "inspector/core/debuginfo/sdt.h"

namespace {

using namespace orrery::inspector;

class EchoMemory final : public VirtualMemory {
    bool read(std::uint64_t address, std::span<std::byte> target) const override
    {
        for (auto& byte : target) byte = static_cast<std::byte>(address++);
        return address % 3 != 0;
    }
};

void use(const std::vector<ProbeOperand>& operands)
{
    RegisterFile registers;
    for (const auto& operand : operands)
        if (!evaluate(operand, 0x1000, registers, EchoMemory(), [](std::string_view name) {
                return name.size() % 2 == 0 ? std::optional<std::uint64_t>(name.size()) : std::nullopt;
            }))
            continue;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::span bytes(reinterpret_cast<const std::byte*>(data), size);
    std::string problem;
    for (const auto& probe : parse_probe_notes(bytes, 0x2000, &problem)) use(probe.arguments);
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto operands = parse_probe_arguments(text)) use(*operands);
    return 0;
}
