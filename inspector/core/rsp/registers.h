// Registers by name, in whatever order and size the stub's target description gives them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "inspector/core/osmodel/snapshot.h"
#include "inspector/core/result.h"

namespace orrery::inspector::rsp {

struct RegisterDescription {
    std::string name;
    unsigned number = 0; // as in the P packet
    unsigned bits = 0;
    std::size_t offset = 0; // of its first byte in the g packet
    std::string type; // "int64", "code_ptr", "vec128", ...
    std::size_t size() const { return bits / 8; }
};

class RegisterLayout {
public:
    // In order of number. Errors: none; TargetDescription checks what a stub claims.
    explicit RegisterLayout(std::vector<RegisterDescription> registers, std::string architecture = {});

    const RegisterDescription* find(std::string_view name) const;
    const std::vector<RegisterDescription>& registers() const { return registers_; }
    std::size_t total_size() const { return total_size_; } // bytes of a complete g reply
    const std::string& architecture() const { return architecture_; } // "i386:x86-64"

private:
    std::vector<RegisterDescription> registers_;
    std::map<std::string, std::size_t, std::less<>> by_name_;
    std::size_t total_size_ = 0;
    std::string architecture_;
};

// The values of one vCPU at one stop.
class RegisterSet {
public:
    RegisterSet() = default;
    RegisterSet(std::shared_ptr<const RegisterLayout> layout, std::vector<std::byte> bytes, std::vector<bool> known);

    // Little-endian value of a register of up to 64 bits. nullopt: no such register, wider, or the stub sent "xx".
    std::optional<std::uint64_t> value(std::string_view name) const;
    // Its bytes, of any width; empty if not available.
    std::span<const std::byte> bytes(std::string_view name) const;
    const RegisterLayout* layout() const { return layout_.get(); }
    std::span<const std::byte> all_bytes() const { return bytes_; }

private:
    std::shared_ptr<const RegisterLayout> layout_;
    std::vector<std::byte> bytes_;
    std::vector<bool> known_; // per byte
};

// The snapshot's form of x86-64 registers. What the stub does not have (gdbserver knows no control registers) is 0.
// Errors: protocol, if general registers are missing: then it is not an x86-64 target.
Result<RegisterFile> to_register_file(const RegisterSet& registers);

} // namespace orrery::inspector::rsp
