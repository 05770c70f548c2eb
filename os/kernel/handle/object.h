// The base of everything a handle can name: a kind, a number to show, and a reference count.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

#include "abi/handle.h"

namespace orrery::kernel {

class HandleTable;

class Object {
public:
    Object(abi::ObjectKind kind, std::uint32_t number) : kind(kind), number(number) {}
    virtual ~Object() = default;
    Object(const Object&) = delete;
    Object& operator=(const Object&) = delete;

    void reference() { references_.fetch_add(1, std::memory_order_relaxed); }
    // For whoever has a pointer without a reference, under a lock that the destructor takes: false if it is too late.
    bool try_reference()
    {
        std::uint32_t count = references_.load(std::memory_order_relaxed);
        while (count != 0)
            if (references_.compare_exchange_weak(count, count + 1, std::memory_order_acquire)) return true;
        return false;
    }
    void release()
    {
        if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) destroy();
    }

    // Handles are counted apart from references: a ring must notice that no program can reach one of its sides any
    // more, although the kernel still holds it. `rights` are those of the handle that came or went.
    virtual void handle_opened(std::uint32_t /*rights*/) {}
    virtual void handle_closed(std::uint32_t /*rights*/) {}
    // The same, for whom it matters whose handle it was; it is in the table no more.
    virtual void handle_closed_by(const HandleTable& /*table*/, std::uint32_t rights) { handle_closed(rights); }

    const abi::ObjectKind kind;
    const std::uint32_t number; // unique within its kind; shown by the Inspector

private:
    void destroy(); // handle/object.cpp

    std::atomic<std::uint32_t> references_ { 1 };
    Object* next_doomed_ = nullptr; // without references, waiting for its destructor
};

// An owning pointer to an Object. `adopt` takes over the reference that a new object is born with.
template <typename T>
class Ref {
public:
    Ref() = default;
    Ref(std::nullptr_t) {}
    explicit Ref(T* object) : object_(object)
    {
        if (object_) object_->reference();
    }
    static Ref adopt(T* object)
    {
        Ref ref;
        ref.object_ = object;
        return ref;
    }
    Ref(const Ref& other) : Ref(other.object_) {}
    Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
    template <typename U>
    Ref(Ref<U> other) : object_(other.leak())
    {
    }
    Ref& operator=(Ref other) noexcept
    {
        std::swap(object_, other.object_);
        return *this;
    }
    ~Ref()
    {
        if (object_) object_->release();
    }

    T* get() const { return object_; }
    T* operator->() const { return object_; }
    T& operator*() const { return *object_; }
    explicit operator bool() const { return object_ != nullptr; }
    [[nodiscard]] T* leak() { return std::exchange(object_, nullptr); }

private:
    T* object_ = nullptr;
};

} // namespace orrery::kernel
