// Typed access to the bytes of a guest structure by field name; a field that is missing or has another size gives a
// sentence, so that only the view that needs it goes dark.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "inspector/core/debuginfo/types.h"
#include "inspector/core/osmodel/memory_reader.h"
#include "inspector/core/result.h"

namespace orrery::inspector {

struct FieldPlace { // where a path like "words[1].value_" leads
    std::uint64_t offset = 0;
    TypeShape type;
    unsigned bit_size = 0, bit_offset = 0;
};

class StructReader {
public:
    // `bytes` must outlive the reader; fewer bytes than the shape's size make the fields behind them unreadable.
    StructReader(std::shared_ptr<const StructShape> shape, std::span<const std::byte> bytes)
        : shape_(std::move(shape)), bytes_(bytes)
    {
    }

    // `path`: "name", "outer.inner", "array[3].inner". std::atomic, enums and one-value wrappers read as their value.
    Result<FieldPlace> place(std::string_view path) const;

    // The value as T. Errors: no such field; it is no scalar; it is wider than T (the kernel's structure was changed).
    template <typename T>
        requires std::is_integral_v<T> || std::is_enum_v<T>
    Result<T> field(std::string_view path) const
    {
        const auto raw = scalar(path, sizeof(T));
        if (!raw) return std::unexpected(raw.error());
        if constexpr (std::is_same_v<T, bool>) return *raw != 0;
        else return static_cast<T>(*raw);
    }
    // The field's enumerator, or its number as text if the type has no such enumerator.
    Result<std::string> enumerator(std::string_view path) const;
    // Text in a char array, up to its first NUL.
    Result<std::string> text(std::string_view path) const;
    Result<std::span<const std::byte>> bytes(std::string_view path) const;
    const StructShape& shape() const { return *shape_; }

private:
    Result<std::uint64_t> scalar(std::string_view path, std::size_t widest) const;

    std::shared_ptr<const StructShape> shape_;
    std::span<const std::byte> bytes_;
};

// A whole structure fetched from the guest, with its bytes.
class GuestObject {
public:
    static Result<GuestObject> read(std::shared_ptr<const StructShape> shape, const VirtualMemory& memory,
                                    std::uint64_t address);
    StructReader reader() const { return { shape_, storage_ }; }

private:
    std::shared_ptr<const StructShape> shape_;
    std::vector<std::byte> storage_;
};

} // namespace orrery::inspector
