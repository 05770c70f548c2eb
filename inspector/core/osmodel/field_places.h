// Fields that are read of thousands of objects of one type: their places are looked up once for a picture, and each object
// then costs one copy of its bytes.
#pragma once

#include <initializer_list>
#include <vector>

#include "inspector/core/osmodel/read_context.h"

namespace orrery::inspector {

class FieldPlaces {
public:
    // A path that does not exist, or leads to more than a word, makes it incomplete, with a problem of `view`.
    FieldPlaces(ReadContext& context, const char* view, const char* type, std::initializer_list<const char*> paths)
        : context_(context)
        , shape_(context.shape(view, type))
    {
        for (const auto* path : paths) {
            if (!shape_) return;
            const auto place = StructReader(shape_, {}).place(path);
            const bool word = place && place->type.size <= 8 && place->bit_size == 0 && place->offset + place->type.size <= shape_->size;
            if (!word) {
                context.problem(view, place ? shape_->name + "." + path + " is not a word" : place.error().sentence);
                shape_ = nullptr;
                return;
            }
            places_.push_back({ place->offset, place->type.size });
        }
        bytes_.resize(shape_ ? shape_->size : 0);
    }
    bool complete() const { return shape_ != nullptr; }
    // Fetches an object; false if none can be there. Its values stand until the next call.
    bool fetch(std::uint64_t address)
    {
        return complete() && context_.memory.holds_objects(address, bytes_.size()) && context_.memory.read(address, bytes_);
    }
    // Of the path with this index, zero-extended.
    std::uint64_t value(std::size_t index) const
    {
        std::uint64_t word = 0;
        std::memcpy(&word, bytes_.data() + places_[index].offset, places_[index].size);
        return word;
    }

private:
    struct Place {
        std::uint64_t offset = 0, size = 0;
    };
    ReadContext& context_;
    std::shared_ptr<const StructShape> shape_;
    std::vector<Place> places_;
    std::vector<std::byte> bytes_;
};

} // namespace orrery::inspector
