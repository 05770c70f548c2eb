// Follows field paths through shapes, and checks every step against the bytes that are there.
#include "inspector/core/debuginfo/struct_reader.h"

#include <charconv>
#include <cstring>

#include "inspector/core/text.h"

namespace orrery::inspector {

namespace {

constexpr std::uint64_t maximum_structure = 1 << 20;

} // namespace

Result<FieldPlace> StructReader::place(std::string_view path) const
{
    FieldPlace place;
    place.type.structure = shape_;
    place.type.kind = TypeKind::structure;
    place.type.name = shape_->name;
    for (const auto step : split(path, '.')) {
        const auto bracket = step.find('[');
        const auto name = step.substr(0, bracket);
        const Field* field = place.type.structure ? place.type.structure->field(name) : nullptr;
        if (field == nullptr)
            return failure(place.type.name + " has no field '" + std::string(name) + "'");
        place.offset += field->offset;
        place.bit_size = field->bit_size;
        place.bit_offset = field->bit_offset;
        TypeShape type = field->type; // a copy first: place.type owns what field points into
        auto indices = bracket == std::string_view::npos ? std::string_view {} : step.substr(bracket);
        while (!indices.empty()) {
            std::uint64_t index = 0;
            const auto close = indices.find(']');
            const auto [end, error] = std::from_chars(indices.data() + 1, indices.data() + indices.size(), index);
            if (close == std::string_view::npos || error != std::errc {} || end != indices.data() + close
                || indices[0] != '[')
                return failure("'" + std::string(step) + "' is not a field path");
            if (type.kind != TypeKind::array || !type.element)
                return failure(shape_->name + "." + std::string(name) + " is not an array");
            if (index >= type.element_count)
                return failure(shape_->name + "." + std::string(name) + " has only "
                               + std::to_string(type.element_count) + " elements");
            place.offset += index * type.element->size;
            TypeShape element = *type.element;
            type = std::move(element);
            indices.remove_prefix(close + 1);
        }
        place.type = std::move(type);
    }
    return place;
}

Result<std::span<const std::byte>> StructReader::bytes(std::string_view path) const
{
    const auto found = place(path);
    if (!found) return std::unexpected(found.error());
    if (found->offset > bytes_.size() || found->type.size > bytes_.size() - found->offset)
        return failure(shape_->name + "." + std::string(path) + " lies outside of the structure");
    return bytes_.subspan(found->offset, found->type.size);
}

Result<std::uint64_t> StructReader::scalar(std::string_view path, std::size_t widest) const
{
    const auto found = place(path);
    if (!found) return std::unexpected(found.error());
    const auto& type = found->type;
    if (type.kind == TypeKind::structure || type.kind == TypeKind::array || type.kind == TypeKind::other
        || type.size == 0 || type.size > 8)
        return failure(shape_->name + "." + std::string(path) + " is a " + type.name + ", not a number");
    if (type.size > widest)
        return failure(shape_->name + "." + std::string(path) + " has " + std::to_string(type.size)
                       + " bytes where this version expects at most " + std::to_string(widest));
    if (found->offset > bytes_.size() || type.size > bytes_.size() - found->offset)
        return failure(shape_->name + "." + std::string(path) + " lies outside of the structure");
    std::uint64_t value = 0;
    std::memcpy(&value, bytes_.data() + found->offset, type.size);
    unsigned bits = static_cast<unsigned>(type.size) * 8;
    if (found->bit_size != 0) {
        value >>= found->bit_offset;
        bits = found->bit_size;
        if (bits < 64) value &= (std::uint64_t { 1 } << bits) - 1;
    }
    if (type.kind == TypeKind::signed_integer && bits < 64) {
        const unsigned unused = 64 - bits;
        value = static_cast<std::uint64_t>(static_cast<std::int64_t>(value << unused) >> unused);
    }
    return value;
}

Result<std::string> StructReader::enumerator(std::string_view path) const
{
    const auto value = scalar(path, 8);
    if (!value) return std::unexpected(value.error());
    const auto found = place(path);
    if (!found->type.enumeration)
        return failure(shape_->name + "." + std::string(path) + " is a " + found->type.name + ", not an enumeration");
    // An enum's own width decides its sign; compare in that width so that a negative enumerator is found.
    const unsigned unused = 64 - static_cast<unsigned>(found->type.size) * 8;
    for (const auto& [name, number] : found->type.enumeration->enumerators)
        if ((static_cast<std::uint64_t>(number) << unused) == (*value << unused)) return name;
    return std::to_string(*value);
}

Result<std::string> StructReader::text(std::string_view path) const
{
    const auto all = bytes(path);
    if (!all) return std::unexpected(all.error());
    const std::string_view view(reinterpret_cast<const char*>(all->data()), all->size());
    return printable(view.substr(0, view.find('\0')), 4096);
}

Result<GuestObject> GuestObject::read(std::shared_ptr<const StructShape> shape, const VirtualMemory& memory,
                                      std::uint64_t address)
{
    if (shape->size == 0 || shape->size > maximum_structure)
        return failure(shape->name + " has a size of " + std::to_string(shape->size) + " bytes, which can't be right");
    GuestObject object;
    object.storage_.resize(shape->size);
    object.shape_ = std::move(shape);
    if (!memory.read(address, object.storage_))
        return failure("the " + object.shape_->name + " at " + hex(address) + " can't be read");
    return object;
}

} // namespace orrery::inspector
