// Types: an index of qualified names made at load, and shapes built from DWARF when somebody asks.
#include <algorithm>

#include "inspector/core/debuginfo/implementation.h"

namespace orrery::inspector {

namespace {

constexpr int maximum_depth = 24;             // of nested types; more is a damaged file
constexpr std::size_t maximum_fields = 4096;  // of one structure

std::uint64_t unsigned_attribute(Dwarf_Die* die, unsigned name, std::uint64_t otherwise)
{
    Dwarf_Attribute attribute;
    Dwarf_Word value = 0;
    if (dwarf_attr_integrate(die, name, &attribute) == nullptr || dwarf_formudata(&attribute, &value) != 0)
        return otherwise;
    return value;
}

bool is_declaration(Dwarf_Die* die)
{
    Dwarf_Attribute attribute;
    bool flag = false;
    return dwarf_attr(die, DW_AT_declaration, &attribute) != nullptr && dwarf_formflag(&attribute, &flag) == 0 && flag;
}

bool referenced_die(Dwarf_Die* die, unsigned name, Dwarf_Die* result)
{
    Dwarf_Attribute attribute;
    return dwarf_attr(die, name, &attribute) != nullptr && dwarf_formref_die(&attribute, result) != nullptr;
}

// DW_OP_addr only: a variable with one fixed place.
std::optional<std::uint64_t> static_address(Dwarf_Die* die)
{
    Dwarf_Attribute attribute;
    Dwarf_Op* operations = nullptr;
    std::size_t count = 0;
    if (dwarf_attr(die, DW_AT_location, &attribute) == nullptr
        || dwarf_getlocation(&attribute, &operations, &count) != 0 || count != 1)
        return std::nullopt;
    if (operations[0].atom == DW_OP_addr) return operations[0].number;
    if (operations[0].atom == DW_OP_addrx) { // DWARF 5: an index into .debug_addr
        Dwarf_Attribute address_attribute;
        Dwarf_Addr address = 0;
        if (dwarf_getlocation_attr(&attribute, operations, &address_attribute) == 0
            && dwarf_formaddr(&address_attribute, &address) == 0)
            return address;
    }
    return std::nullopt;
}

TypeKind kind_of_encoding(std::uint64_t encoding)
{
    switch (encoding) {
    case DW_ATE_boolean: return TypeKind::boolean;
    case DW_ATE_float: return TypeKind::floating;
    case DW_ATE_signed:
    case DW_ATE_signed_char: return TypeKind::signed_integer;
    case DW_ATE_unsigned:
    case DW_ATE_unsigned_char:
    case DW_ATE_UTF: return TypeKind::unsigned_integer;
    default: return TypeKind::other;
    }
}

bool is_scalar(TypeKind kind)
{
    return kind != TypeKind::structure && kind != TypeKind::array && kind != TypeKind::other;
}

} // namespace

void DebugInfo::Implementation::index_types()
{
    Dwarf_CU* unit = nullptr;
    Dwarf_Die unit_die;
    while (dwarf_get_units(dwarf, unit, &unit, nullptr, nullptr, &unit_die, nullptr) == 0)
        index_children(&unit_die, "", 0);
    for (const auto& [definition, declaration] : definitions_outside) {
        const auto known = names.find(declaration);
        if (known != names.end()) variables.emplace(known->second, definition);
    }
}

void DebugInfo::Implementation::index_children(Dwarf_Die* parent, const std::string& prefix, int depth)
{
    Dwarf_Die child;
    if (depth > maximum_depth || dwarf_child(parent, &child) != 0) return;
    do {
        const int tag = dwarf_tag(&child);
        const bool is_type = tag == DW_TAG_structure_type || tag == DW_TAG_class_type || tag == DW_TAG_union_type;
        const bool wanted = is_type || tag == DW_TAG_enumeration_type || tag == DW_TAG_namespace
            || tag == DW_TAG_typedef || tag == DW_TAG_variable || tag == DW_TAG_member || tag == DW_TAG_base_type;
        if (!wanted) continue;
        // A static member: declared in its class, defined outside; the definition points back to the declaration.
        Dwarf_Die declaration;
        if (tag == DW_TAG_variable && referenced_die(&child, DW_AT_specification, &declaration)) {
            definitions_outside.emplace_back(dwarf_dieoffset(&child), dwarf_dieoffset(&declaration));
            continue;
        }
        const char* own_name = dwarf_diename(&child);
        if (own_name == nullptr) {
            if (tag == DW_TAG_namespace) index_children(&child, prefix + "(anonymous namespace)::", depth + 1);
            continue;
        }
        auto qualified = prefix + own_name;
        const auto offset = dwarf_dieoffset(&child);
        if (tag == DW_TAG_member) {
            if (is_declaration(&child) || dwarf_hasattr(&child, DW_AT_external)) names.emplace(offset, qualified);
            continue;
        }
        if (tag == DW_TAG_variable) {
            names.emplace(offset, qualified);
            if (!is_declaration(&child)) variables.emplace(qualified, offset);
            continue;
        }
        if (tag == DW_TAG_namespace || is_type) index_children(&child, qualified + "::", depth + 1);
        if (tag == DW_TAG_namespace) continue;
        if (is_type && !is_declaration(&child)) structures.emplace(qualified, offset);
        if (tag == DW_TAG_enumeration_type && !is_declaration(&child)) enumerations.emplace(qualified, offset);
        if (tag == DW_TAG_typedef) typedefs.emplace(qualified, offset);
        names.emplace(offset, std::move(qualified));
    } while (dwarf_siblingof(&child, &child) == 0);
}

std::string DebugInfo::Implementation::name_of(Dwarf_Die* die, int depth)
{
    if (depth > maximum_depth) return "...";
    const auto known = names.find(dwarf_dieoffset(die));
    if (known != names.end()) return known->second;
    Dwarf_Die inner;
    const bool has_inner = referenced_die(die, DW_AT_type, &inner);
    const auto inner_name = [&] { return has_inner ? name_of(&inner, depth + 1) : std::string("void"); };
    switch (dwarf_tag(die)) {
    case DW_TAG_pointer_type: return inner_name() + "*";
    case DW_TAG_reference_type: return inner_name() + "&";
    case DW_TAG_rvalue_reference_type: return inner_name() + "&&";
    case DW_TAG_const_type: return "const " + inner_name();
    case DW_TAG_volatile_type: return "volatile " + inner_name();
    case DW_TAG_atomic_type:
    case DW_TAG_restrict_type: return inner_name();
    case DW_TAG_array_type: return inner_name() + "[]";
    case DW_TAG_subroutine_type: return "function";
    default: break;
    }
    const char* own = dwarf_diename(die);
    return own != nullptr ? own : "(unnamed)";
}

std::shared_ptr<const EnumShape> DebugInfo::Implementation::enumeration_of(Dwarf_Die* die)
{
    auto& cached = enumeration_cache[dwarf_dieoffset(die)];
    if (cached) return cached;
    auto shape = std::make_shared<EnumShape>();
    shape->name = name_of(die, 0);
    shape->size = unsigned_attribute(die, DW_AT_byte_size, 4);
    Dwarf_Die child;
    if (dwarf_child(die, &child) == 0) {
        do {
            Dwarf_Attribute attribute;
            if (dwarf_tag(&child) != DW_TAG_enumerator || shape->enumerators.size() >= maximum_fields) continue;
            if (dwarf_attr(&child, DW_AT_const_value, &attribute) == nullptr || dwarf_diename(&child) == nullptr) continue;
            Dwarf_Sword value = 0;
            Dwarf_Word unsigned_value = 0;
            // Unsigned forms first: formsdata would read a data1 of 0x80 as -128.
            if (dwarf_whatform(&attribute) == DW_FORM_sdata) {
                if (dwarf_formsdata(&attribute, &value) != 0) continue;
            } else if (dwarf_formudata(&attribute, &unsigned_value) == 0) {
                value = static_cast<Dwarf_Sword>(unsigned_value);
            } else {
                continue;
            }
            shape->enumerators.emplace_back(dwarf_diename(&child), value);
        } while (dwarf_siblingof(&child, &child) == 0);
    }
    return cached = shape;
}

void DebugInfo::Implementation::add_fields(Dwarf_Die* die, std::uint64_t base, StructShape& shape, int depth)
{
    Dwarf_Die child;
    if (depth > maximum_depth || dwarf_child(die, &child) != 0) return;
    do {
        const int tag = dwarf_tag(&child);
        if ((tag != DW_TAG_member && tag != DW_TAG_inheritance) || shape.fields.size() >= maximum_fields) continue;
        if (is_declaration(&child) || dwarf_hasattr(&child, DW_AT_external)) continue; // static members
        Dwarf_Die type_die;
        if (!referenced_die(&child, DW_AT_type, &type_die)) continue;
        const auto bits = unsigned_attribute(&child, DW_AT_bit_size, 0);
        const auto bit_position = unsigned_attribute(&child, DW_AT_data_bit_offset, 0);
        auto offset = base + unsigned_attribute(&child, DW_AT_data_member_location, bit_position / 8);
        const char* name = dwarf_diename(&child);
        if (tag == DW_TAG_inheritance || name == nullptr) { // base class, anonymous struct or union
            Dwarf_Die peeled;
            if (dwarf_peel_type(&type_die, &peeled) == 0) add_fields(&peeled, offset, shape, depth + 1);
            continue;
        }
        Field field;
        field.name = name;
        field.type = type_of(&type_die, depth + 1);
        if (bits != 0 && field.type.size != 0) { // storage unit that is aligned to the type's size
            const auto unit = field.type.size * 8;
            offset = base + bit_position / unit * field.type.size;
            field.bit_size = static_cast<unsigned>(bits);
            field.bit_offset = static_cast<unsigned>(bit_position % unit);
        }
        field.offset = offset;
        shape.fields.push_back(std::move(field));
    } while (dwarf_siblingof(&child, &child) == 0);
}

std::shared_ptr<const StructShape> DebugInfo::Implementation::structure_of(Dwarf_Die* die, int depth)
{
    Dwarf_Die definition = *die;
    if (is_declaration(die)) { // defined in another unit
        const auto found = structures.find(name_of(die, 0));
        if (found == structures.end() || dwarf_offdie(dwarf, found->second, &definition) == nullptr) return nullptr;
    }
    const auto offset = dwarf_dieoffset(&definition);
    const auto cached = structure_cache.find(offset);
    if (cached != structure_cache.end()) return cached->second;
    auto shape = std::make_shared<StructShape>();
    shape->name = name_of(&definition, 0);
    shape->size = unsigned_attribute(&definition, DW_AT_byte_size, 0);
    add_fields(&definition, 0, *shape, depth + 1);
    structure_cache.emplace(offset, shape);
    return shape;
}

TypeShape DebugInfo::Implementation::type_of(Dwarf_Die* die, int depth)
{
    TypeShape shape;
    Dwarf_Die peeled;
    shape.name = name_of(die, 0);
    if (depth > maximum_depth || dwarf_peel_type(die, &peeled) != 0) return shape;
    const int tag = dwarf_tag(&peeled);
    switch (tag) {
    case DW_TAG_base_type:
        shape.kind = kind_of_encoding(unsigned_attribute(&peeled, DW_AT_encoding, 0));
        shape.size = unsigned_attribute(&peeled, DW_AT_byte_size, 0);
        break;
    case DW_TAG_enumeration_type:
        shape.kind = TypeKind::enumeration;
        shape.enumeration = enumeration_of(&peeled);
        shape.size = shape.enumeration->size;
        break;
    case DW_TAG_pointer_type:
    case DW_TAG_reference_type:
    case DW_TAG_rvalue_reference_type: {
        shape.kind = TypeKind::pointer;
        shape.size = 8;
        Dwarf_Die target;
        Dwarf_Die bare;
        shape.pointee = "void";
        if (referenced_die(&peeled, DW_AT_type, &target))
            shape.pointee = name_of(dwarf_peel_type(&target, &bare) == 0 ? &bare : &target, 0);
        break;
    }
    case DW_TAG_structure_type:
    case DW_TAG_class_type:
    case DW_TAG_union_type: {
        shape.kind = TypeKind::structure;
        shape.structure = structure_of(&peeled, depth + 1);
        if (!shape.structure) break;
        shape.size = shape.structure->size;
        if (shape.structure->fields.size() != 1) break;
        const auto& only = shape.structure->fields.front();
        if (only.bit_size != 0 || only.type.size != shape.size || !is_scalar(only.type.kind)) break;
        shape.kind = only.type.kind;
        shape.pointee = only.type.pointee;
        shape.enumeration = only.type.enumeration;
        break;
    }
    case DW_TAG_array_type: {
        Dwarf_Die element;
        if (!referenced_die(&peeled, DW_AT_type, &element)) break;
        std::vector<std::uint64_t> counts;
        Dwarf_Die child;
        if (dwarf_child(&peeled, &child) == 0) {
            do {
                if (dwarf_tag(&child) != DW_TAG_subrange_type || counts.size() > 8) continue;
                const auto upper = unsigned_attribute(&child, DW_AT_upper_bound, ~std::uint64_t { 0 });
                counts.push_back(unsigned_attribute(&child, DW_AT_count, upper + 1));
            } while (dwarf_siblingof(&child, &child) == 0);
        }
        auto inner = type_of(&element, depth + 1);
        std::ranges::reverse(counts);
        for (const auto count : counts) {
            TypeShape outer;
            outer.kind = TypeKind::array;
            outer.name = inner.name + "[" + std::to_string(count) + "]";
            outer.element_count = count;
            if (__builtin_mul_overflow(count, inner.size, &outer.size)) outer.size = 0;
            outer.element = std::make_shared<const TypeShape>(std::move(inner));
            inner = std::move(outer);
        }
        if (inner.kind == TypeKind::array) shape = std::move(inner);
        break;
    }
    default: break;
    }
    return shape;
}

Result<std::shared_ptr<const StructShape>> DebugInfo::structure(std::string_view name) const
{
    auto& inside = *implementation_;
    if (!inside.dwarf_problem.empty()) return failure(inside.dwarf_problem);
    inside.need_dwarf();
    const std::lock_guard guard(inside.mutex);
    Dwarf_Die die;
    const auto found = inside.structures.find(std::string(name));
    if (found == inside.structures.end() || dwarf_offdie(inside.dwarf, found->second, &die) == nullptr)
        return failure(inside.file_name() + " has no structure " + std::string(name));
    return inside.structure_of(&die, 0);
}

Result<std::shared_ptr<const EnumShape>> DebugInfo::enumeration(std::string_view name) const
{
    auto& inside = *implementation_;
    if (!inside.dwarf_problem.empty()) return failure(inside.dwarf_problem);
    inside.need_dwarf();
    const std::lock_guard guard(inside.mutex);
    Dwarf_Die die;
    const auto found = inside.enumerations.find(std::string(name));
    if (found == inside.enumerations.end() || dwarf_offdie(inside.dwarf, found->second, &die) == nullptr)
        return failure(inside.file_name() + " has no enumeration " + std::string(name));
    return inside.enumeration_of(&die);
}

Result<Variable> DebugInfo::variable(std::string_view name) const
{
    auto& inside = *implementation_;
    if (!inside.dwarf_problem.empty()) return failure(inside.dwarf_problem);
    inside.need_dwarf();
    const std::lock_guard guard(inside.mutex);
    Dwarf_Die die;
    const auto found = inside.variables.find(std::string(name));
    if (found == inside.variables.end() || dwarf_offdie(inside.dwarf, found->second, &die) == nullptr)
        return failure(inside.file_name() + " has no variable " + std::string(name));
    const auto address = static_address(&die);
    if (!address) return failure("variable " + std::string(name) + " of " + inside.file_name() + " has no fixed address");
    Dwarf_Die type_die;
    Dwarf_Attribute attribute;
    Variable variable { std::string(name), *address, {} };
    if (dwarf_attr_integrate(&die, DW_AT_type, &attribute) != nullptr && dwarf_formref_die(&attribute, &type_die) != nullptr)
        variable.type = inside.type_of(&type_die, 0);
    return variable;
}

} // namespace orrery::inspector
