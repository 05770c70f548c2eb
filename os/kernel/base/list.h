// An intrusive doubly linked list: the links live in the element, so joining and leaving never allocate.
#pragma once

#include <cstddef>

namespace orrery::kernel {

template <typename T>
struct ListLink {
    T* next = nullptr;
    T* previous = nullptr;
    bool linked = false;
};

template <typename T, ListLink<T> T::* Link>
class List {
public:
    bool empty() const { return first_ == nullptr; }
    std::size_t size() const { return size_; }
    T* first() const { return first_; }
    T* last() const { return last_; }
    static T* previous(const T* element) { return (element->*Link).previous; }
    static T* next(const T* element) { return (element->*Link).next; }

    void push_back(T* element)
    {
        auto& link = element->*Link;
        link = { nullptr, last_, true };
        if (last_) (last_->*Link).next = element;
        else first_ = element;
        last_ = element;
        ++size_;
    }
    void push_front(T* element)
    {
        auto& link = element->*Link;
        link = { first_, nullptr, true };
        if (first_) (first_->*Link).previous = element;
        else last_ = element;
        first_ = element;
        ++size_;
    }
    void insert_after(T* before, T* element) // null: as the first
    {
        if (!before) return push_front(element);
        auto& link = element->*Link;
        link = { next(before), before, true };
        if (link.next) (link.next->*Link).previous = element;
        else last_ = element;
        (before->*Link).next = element;
        ++size_;
    }
    void remove(T* element)
    {
        auto& link = element->*Link;
        if (!link.linked) return;
        if (link.previous) (link.previous->*Link).next = link.next;
        else first_ = link.next;
        if (link.next) (link.next->*Link).previous = link.previous;
        else last_ = link.previous;
        link = {};
        --size_;
    }
    T* pop_front()
    {
        T* element = first_;
        if (element) remove(element);
        return element;
    }
    static bool contains_link(const T* element) { return (element->*Link).linked; }

private:
    T* first_ = nullptr;
    T* last_ = nullptr;
    std::size_t size_ = 0;
};

} // namespace orrery::kernel
