// Shapes of the guest's types as DWARF tells them: which field lies where, how large, and what it is.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace orrery::inspector {

enum class TypeKind {
    signed_integer,
    unsigned_integer,
    boolean,
    floating,
    enumeration,
    pointer, // also references
    structure, // struct, class or union
    array,
    other,
};

struct EnumShape {
    std::string name;
    std::uint64_t size = 0; // bytes
    std::vector<std::pair<std::string, std::int64_t>> enumerators; // in declaration order

    std::optional<std::string> name_of(std::int64_t value) const
    {
        for (const auto& [name, number] : enumerators)
            if (number == value) return name;
        return std::nullopt;
    }
    std::optional<std::int64_t> value_of(std::string_view wanted) const
    {
        for (const auto& [name, number] : enumerators)
            if (name == wanted) return number;
        return std::nullopt;
    }
};

struct StructShape;

// A wrapper that holds exactly one value of its own size (std::atomic<T>, a strong typedef) has the kind of that value,
// so that a reader need not know the C++ library's inner names; `structure` still tells its members.
struct TypeShape {
    TypeKind kind = TypeKind::other;
    std::uint64_t size = 0;          // bytes
    std::string name;                // as C++ writes it, qualified
    std::string pointee;             // pointers: the qualified name of what they point to, "void" if nothing
    std::uint64_t element_count = 0; // arrays; several dimensions are nested arrays
    std::shared_ptr<const TypeShape> element;      // arrays
    std::shared_ptr<const StructShape> structure;  // structures and wrappers
    std::shared_ptr<const EnumShape> enumeration;  // enumerations, also inside wrappers
};

struct Field {
    std::string name;
    std::uint64_t offset = 0; // bytes from the start of the outer structure
    TypeShape type;
    unsigned bit_size = 0, bit_offset = 0; // bit-fields: within the storage at `offset`
};

// Members of base classes and of anonymous structs and unions stand among the own ones, at their real offset.
struct StructShape {
    std::string name;
    std::uint64_t size = 0;
    std::vector<Field> fields;

    const Field* field(std::string_view wanted) const
    {
        for (const auto& candidate : fields)
            if (candidate.name == wanted) return &candidate;
        return nullptr;
    }
};

} // namespace orrery::inspector
