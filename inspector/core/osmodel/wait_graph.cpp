// Edges from the recorded reasons, and the threads that are left when all that can go on are taken away.
#include "inspector/core/osmodel/wait_graph.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "abi/handle.h"
#include "abi/syscall.h"
#include "inspector/core/osmodel/explain.h"

namespace orrery::inspector {

namespace {

class Builder {
public:
    explicit Builder(const Snapshot& snapshot)
        : snapshot_(snapshot)
    {
    }
    WaitGraph build()
    {
        for (const auto& thread : snapshot_.threads)
            if (thread.state == "blocked") add_edges(thread);
        std::ranges::sort(graph_.edges, {}, [](const WaitEdge& edge) { return std::tuple(edge.from, edge.to, edge.sentence); });
        mark_alternatives();
        find_stuck();
        find_circles();
        return std::move(graph_);
    }

private:
    void add(const ThreadView& from, std::uint32_t to, bool any, const std::string& what)
    {
        if (snapshot_.thread(to) == nullptr) return; // a number that names nothing: the picture is torn, or the guest lies
        graph_.edges.push_back({ from.id, to, any, false,
                                 thread_label(snapshot_, from.id) + " waits for " + thread_label(snapshot_, to) + " " + what });
    }

    void add_edges(const ThreadView& thread)
    {
        const auto& reason = thread.wait_reason;
        const auto object = std::to_string(thread.wait_object);
        if (reason == "scheme_call" || reason == "scheme_cancel") {
            if (thread.wait_value != 0 && thread.wait_value <= UINT32_MAX)
                add(thread, static_cast<std::uint32_t>(thread.wait_value), false, "to answer its call to scheme " + object);
        } else if (reason == "page_in") {
            if (thread.wait_value != 0 && thread.wait_value <= UINT32_MAX)
                add(thread, static_cast<std::uint32_t>(thread.wait_value), false, "to bring a page of scheme " + object);
        } else if (reason == "space_end") {
            for (const auto& other : snapshot_.threads)
                if (other.space == thread.wait_object && other.state != "ended")
                    add(thread, other.id, false, "to end, with its whole program");
        } else if (reason == "ring_entries" || reason == "ring_space") {
            add_ring_peers(thread);
        }
    }

    // Whoever has a handle that may act for the other side.
    void add_ring_peers(const ThreadView& thread)
    {
        const bool consumer = thread.wait_reason == "ring_entries";
        const auto right = consumer ? abi::right_produce : abi::right_consume;
        for (const auto& space : snapshot_.spaces) {
            if (space.id == thread.space) continue; // its own handles do not mean that it talks to itself
            const bool peer = std::ranges::any_of(space.handles, [&](const HandleView& handle) {
                return handle.kind == "ring" && (handle.rights & right) != 0
                    && handle.label == "ring " + std::to_string(thread.wait_object);
            });
            if (!peer) continue;
            for (const auto& other : snapshot_.threads)
                if (other.space == space.id && other.state != "ended")
                    add(thread, other.id, true,
                        (consumer ? "to push to ring " : "to take from ring ") + std::to_string(thread.wait_object));
        }
    }

    // The only one that could help is not one of several.
    void mark_alternatives()
    {
        for (auto& edge : graph_.edges)
            edge.any = edge.any
                && std::ranges::count_if(graph_.edges, [&](const WaitEdge& other) { return other.from == edge.from; }) > 1;
    }

    bool can_go_on(std::uint32_t id, const std::set<std::uint32_t>& stuck) const
    {
        bool has_any = false, one_can = false;
        for (const auto& edge : graph_.edges) {
            if (edge.from != id) continue;
            if (!edge.any && stuck.contains(edge.to)) return false;
            has_any = has_any || edge.any;
            one_can = one_can || (edge.any && !stuck.contains(edge.to));
        }
        return !has_any || one_can;
    }

    // Begins with all that wait for a thread without a deadline, and takes away who has somebody to wait for that can go on.
    void find_stuck()
    {
        std::set<std::uint32_t> stuck;
        for (const auto& edge : graph_.edges)
            if (snapshot_.thread(edge.from)->wait_deadline == abi::no_deadline) stuck.insert(edge.from);
        for (bool changed = true; changed;) {
            changed = false;
            for (auto id = stuck.begin(); id != stuck.end();) {
                const bool leaves = can_go_on(*id, stuck);
                changed = changed || leaves;
                id = leaves ? stuck.erase(id) : std::next(id);
            }
        }
        graph_.stuck.assign(stuck.begin(), stuck.end());
        for (auto& edge : graph_.edges) edge.dead = stuck.contains(edge.from) && stuck.contains(edge.to);
    }

    const WaitEdge* dead_edge_of(std::uint32_t id) const
    {
        for (const auto& edge : graph_.edges)
            if (edge.from == id && edge.dead) return &edge;
        return nullptr;
    }

    // Every stuck thread leads into a circle; each circle is told once, from its lowest thread.
    void find_circles()
    {
        std::set<std::uint32_t> told;
        for (const auto start : graph_.stuck) {
            std::vector<const WaitEdge*> path;
            std::map<std::uint32_t, std::size_t> places;
            std::uint32_t at = start;
            while (!places.contains(at)) {
                places[at] = path.size();
                const auto* edge = dead_edge_of(at);
                if (edge == nullptr) break;
                path.push_back(edge);
                at = edge->to;
            }
            if (path.empty() || !places.contains(at) || told.contains(at)) continue;
            const std::vector<const WaitEdge*> circle(path.begin() + static_cast<std::ptrdiff_t>(places[at]), path.end());
            std::string sentence = "deadlock: ";
            bool known = false;
            for (std::size_t i = 0; i < circle.size(); ++i) {
                known = known || told.contains(circle[i]->from);
                sentence += (i == 0 ? "" : ", and ") + circle[i]->sentence;
            }
            for (const auto* edge : circle) told.insert(edge->from);
            if (!circle.empty() && !known)
                graph_.deadlocks.push_back(sentence + (circle.size() == 1 ? ": it waits for itself" : ": none of them can go on"));
        }
    }

    const Snapshot& snapshot_;
    WaitGraph graph_;
};

} // namespace

WaitGraph wait_graph(const Snapshot& snapshot) { return Builder(snapshot).build(); }

} // namespace orrery::inspector
