// The intrusive list, the lock ranks, and rounding and range tests of addresses.
#include "machine.h"

#include <deque>
#include <gtest/gtest.h>
#include <random>

#include "kernel/base/list.h"
#include "kernel/memory/layout.h"

namespace orrery::kernel::host {
namespace {

struct Element {
    int value = 0;
    ListLink<Element> link;
};
using ElementList = List<Element, &Element::link>;

TEST(IntrusiveList, against_a_deque)
{
    std::mt19937 random(1);
    std::vector<Element> elements(20);
    for (int index = 0; index < 20; ++index) elements[static_cast<std::size_t>(index)].value = index;
    ElementList list;
    std::deque<Element*> model;
    for (int step = 0; step < 20'000; ++step) {
        Element* element = &elements[random() % elements.size()];
        const bool linked = std::ranges::find(model, element) != model.end();
        ASSERT_EQ(ElementList::contains_link(element), linked);
        switch (random() % 4) {
        case 0:
            if (linked) break;
            list.push_back(element);
            model.push_back(element);
            break;
        case 1:
            if (linked) break;
            list.push_front(element);
            model.push_front(element);
            break;
        case 2:
            list.remove(element); // no-op if it is in no list
            std::erase(model, element);
            break;
        default:
            ASSERT_EQ(list.pop_front(), model.empty() ? nullptr : model.front());
            if (!model.empty()) model.pop_front();
        }
        ASSERT_EQ(list.size(), model.size());
        ASSERT_EQ(list.empty(), model.empty());
        const Element* walk = list.first();
        for (const Element* expected : model) {
            ASSERT_EQ(walk, expected);
            walk = ElementList::next(walk);
        }
        ASSERT_EQ(walk, nullptr);
    }
}

void take_in_order(LockRank first, LockRank second)
{
    Spinlock a { first };
    Spinlock b { second };
    Guard hold_a(a);
    Guard hold_b(b);
}

TEST(LockRankDeathTest, only_upwards)
{
    Machine machine;
    take_in_order(LockRank::space, LockRank::object);
    take_in_order(LockRank::space, LockRank::object);
    EXPECT_EQ(this_cpu().held_lock_ranks, 0u);
    EXPECT_DEATH(take_in_order(LockRank::object, LockRank::space), "lock order");
    EXPECT_DEATH(take_in_order(LockRank::object, LockRank::object), "lock order");
}

TEST(UserRange, edges)
{
    using abi::user_begin;
    using abi::user_end;
    EXPECT_TRUE(is_user_range(user_begin, user_end - user_begin));
    EXPECT_FALSE(is_user_range(user_begin, user_end - user_begin + 1));
    EXPECT_FALSE(is_user_range(user_begin - 1, 1));
    EXPECT_TRUE(is_user_range(user_end, 0));
    EXPECT_FALSE(is_user_range(user_end, 1));
    EXPECT_FALSE(is_user_range(user_begin, ~std::uint64_t { 0 })) << "no wrap-around";
    EXPECT_FALSE(is_user_range(~std::uint64_t { 0 }, 2));
}

} // namespace
} // namespace orrery::kernel::host
