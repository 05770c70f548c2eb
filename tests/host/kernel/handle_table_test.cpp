// Handle tables: what a handle names, what it permits, growth to the limit, and the end.
#include "machine.h"

#include <gtest/gtest.h>
#include <map>
#include <random>

#include "kernel/handle/handle_table.h"
#include "kernel/ring/ring.h"

namespace orrery::kernel::host {
namespace {

class Probe final : public Object {
public:
    static constexpr abi::ObjectKind object_kind = abi::ObjectKind::console;
    explicit Probe(int& alive) : Object(object_kind, 1), alive_(alive) { ++alive_; }
    ~Probe() override { --alive_; }
    void handle_opened(std::uint32_t rights) override { opened += rights; }
    void handle_closed(std::uint32_t rights) override
    {
        if (on_close) on_close();
        opened -= rights;
    }
    std::uint32_t opened = 0;
    std::function<void()> on_close;

private:
    int& alive_;
};

TEST(HandleTable, kind_rights_and_existence)
{
    Machine machine;
    int alive = 0;
    HandleTable table;
    const auto handle = table.insert(Ref<Probe>::adopt(new Probe(alive)), abi::right_write);
    ASSERT_TRUE(handle);
    EXPECT_NE(*handle, abi::no_handle);
    EXPECT_TRUE(table.find<Probe>(*handle, abi::right_write));
    EXPECT_TRUE(table.find<Probe>(*handle, 0));
    EXPECT_EQ(table.find<Probe>(*handle, abi::right_write | abi::right_read).error(), Error::access_denied);
    EXPECT_EQ(table.find<Ring>(*handle, 0).error(), Error::wrong_kind);
    EXPECT_EQ(table.find<Ring>(*handle + 1, 0).error(), Error::bad_handle) << "existence comes first";
    EXPECT_EQ(table.find<Probe>(abi::no_handle, 0).error(), Error::bad_handle);
    EXPECT_EQ(table.find<Probe>(~abi::Handle { 0 }, 0).error(), Error::bad_handle);
    EXPECT_EQ(table.find_any(*handle)->rights, std::uint32_t { abi::right_write });
    EXPECT_TRUE(table.close(*handle));
    EXPECT_EQ(alive, 0);
    EXPECT_EQ(table.close(*handle).error(), Error::bad_handle);
}

TEST(HandleTable, random_use_against_a_model)
{
    Machine machine;
    int alive = 0;
    std::mt19937 random(5);
    HandleTable table;
    std::map<abi::Handle, std::pair<Probe*, std::uint32_t>> model;
    for (int step = 0; step < 20'000; ++step) {
        const auto handle = static_cast<abi::Handle>(random() % 300);
        const auto known = model.find(handle);
        switch (random() % 3) {
        case 0: {
            auto* probe = new Probe(alive);
            const std::uint32_t rights = random() % 16;
            const auto made = table.insert(Ref<Probe>::adopt(probe), rights);
            ASSERT_TRUE(made);
            ASSERT_FALSE(model.contains(*made));
            ASSERT_EQ(probe->opened, rights);
            model[*made] = { probe, rights };
            break;
        }
        case 1:
            ASSERT_EQ(table.close(handle).has_value(), known != model.end());
            if (known != model.end()) model.erase(known);
            break;
        default: {
            const std::uint32_t wanted = random() % 16;
            const auto found = table.find<Probe>(handle, wanted);
            if (known == model.end()) {
                ASSERT_EQ(found.error(), Error::bad_handle);
            } else if ((known->second.second & wanted) != wanted) {
                ASSERT_EQ(found.error(), Error::access_denied);
            } else {
                ASSERT_EQ(found->get(), known->second.first);
            }
        }
        }
        ASSERT_EQ(static_cast<std::size_t>(alive), model.size());
    }
    table.close_all();
    EXPECT_EQ(alive, 0);
}

TEST(HandleTable, full_and_out_of_memory)
{
    Machine machine;
    int alive = 0;
    HandleTable table;
    abi::Handle last = 0;
    std::size_t count = 0;
    for (;; ++count) {
        const auto handle = table.insert(Ref<Probe>::adopt(new Probe(alive)), 0);
        if (!handle) {
            EXPECT_EQ(handle.error(), Error::limit_reached);
            break;
        }
        last = *handle;
    }
    EXPECT_EQ(count, HandleTable::max_slots - 1) << "handle 0 is no handle";
    EXPECT_EQ(static_cast<std::size_t>(alive), count) << "the refused object is gone";
    EXPECT_TRUE(table.close(last));
    EXPECT_EQ(*table.insert(Ref<Probe>::adopt(new Probe(alive)), 0), last);

    HandleTable empty;
    const AllocationLimit limit(0);
    auto* probe = new Probe(alive);
    EXPECT_EQ(empty.insert(Ref<Probe>::adopt(probe), 0).error(), Error::out_of_memory);
}

TEST(HandleTable, a_dead_table_takes_nothing)
{
    Machine machine;
    int alive = 0;
    HandleTable table;
    ASSERT_TRUE(table.insert(Ref<Probe>::adopt(new Probe(alive)), 0));
    table.close_all();
    EXPECT_EQ(alive, 0);
    EXPECT_EQ(table.insert(Ref<Probe>::adopt(new Probe(alive)), 0).error(), Error::terminated);
    EXPECT_EQ(alive, 0);
    EXPECT_EQ(table.find<Probe>(1, 0).error(), Error::bad_handle);
    table.close_all();
}

TEST(HandleTable, closing_may_call_back)
{
    Machine machine;
    int alive = 0;
    HandleTable table;
    auto* probe = new Probe(alive);
    const auto handle = table.insert(Ref<Probe>::adopt(probe), 3);
    bool inserted = false;
    probe->on_close = [&] { inserted = table.insert(Ref<Probe>::adopt(new Probe(alive)), 0).has_value(); };
    EXPECT_TRUE(table.close(*handle));
    EXPECT_TRUE(inserted);
}

} // namespace
} // namespace orrery::kernel::host
