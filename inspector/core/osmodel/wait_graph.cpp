// Edges from the recorded reasons, and the threads that are left when all that can go on are taken away.
#include "inspector/core/osmodel/wait_graph.h"

#include <algorithm>
#include <map>
#include <set>
#include <span>
#include <tuple>

#include "abi/futex.h"
#include "abi/handle.h"
#include "abi/syscall.h"
#include "inspector/core/osmodel/explain.h"
#include "inspector/core/text.h"

namespace orrery::inspector {

namespace {

constexpr std::size_t shown_helpers = 8; // of one wait; a server may have a thousand threads

// One thread's wait, and who can end it: threads by number, and all threads of some spaces.
struct Wait {
    const ThreadView* thread = nullptr;
    bool all = false; // it takes all of them, else any one
    std::set<std::uint32_t> threads, spaces;
    std::uint32_t shown = 0; // the one to show, if it is known who is at work; it may be gone
    std::string what;        // "to answer its call to scheme 1"
};

class Builder {
public:
    explicit Builder(const Snapshot& snapshot)
        : snapshot_(snapshot)
    {
        for (const auto& thread : snapshot.threads)
            if (thread.state != "ended") {
                living_[thread.id] = &thread;
                threads_of_[thread.space].push_back(thread.id);
            }
        note_handles();
    }
    WaitGraph build()
    {
        for (const auto& [id, thread] : living_)
            if (thread->state == "blocked") add_wait(*thread);
        find_stuck();
        for (const auto& wait : waits_) add_edges(wait);
        std::ranges::sort(graph_.edges, {}, [](const WaitEdge& edge) { return std::tuple(edge.from, edge.to, edge.sentence); });
        find_circles();
        return std::move(graph_);
    }

private:
    // Which spaces may serve a scheme, push to a ring or take from it, signal an event: "serve scheme 1", "produce ring 2".
    void note_handles()
    {
        const auto note = [this](const SpaceView& space, const HandleView& handle, std::uint32_t right, const char* verb) {
            if ((handle.rights & right) != 0) able_[verb + handle.label].insert(space.id);
        };
        for (const auto& space : snapshot_.spaces)
            for (const auto& handle : space.handles) {
                if (handle.kind == "scheme") note(space, handle, abi::right_serve, "serve ");
                if (handle.kind == "ring") note(space, handle, abi::right_produce, "produce ");
                if (handle.kind == "ring") note(space, handle, abi::right_consume, "consume ");
                if (handle.kind == "event") note(space, handle, abi::right_signal, "signal ");
            }
    }

    void add_wait(const ThreadView& thread)
    {
        const auto& reason = thread.wait_reason;
        const auto object = std::to_string(thread.wait_object);
        Wait wait;
        wait.thread = &thread;
        if (reason == "scheme_call" || reason == "scheme_cancel" || reason == "page_in") {
            wait.what = (reason == "page_in" ? "to bring a page of scheme " : "to answer its call to scheme ") + object;
            const auto server = thread.wait_value;
            // Whoever received the call may leave the answer to another thread of its program.
            if (server == 0) wait.spaces = able_["serve scheme " + object];
            else if (const auto* space = space_of_server(thread)) wait.spaces = { *space };
            if (server <= UINT32_MAX) wait.shown = static_cast<std::uint32_t>(server);
        } else if (reason == "futex_owned" && thread.wait_word) {
            wait.threads = { *thread.wait_word & abi::futex_owner };
            wait.what = (*thread.wait_word & abi::futex_contended) != 0 ? "to let go of the lock at " : "to end, or to change the word at ";
            wait.what += hex(thread.wait_object);
        } else if (reason == "space_end") {
            wait.all = true;
            wait.spaces = { static_cast<std::uint32_t>(thread.wait_object) };
            wait.what = "to end, with its whole program";
        } else if (reason == "ring_entries") {
            wait.spaces = able_["produce ring " + object];
            wait.what = "to push to ring " + object;
        } else if (reason == "event") { // of a device's interrupt nobody else can count one more
            wait.spaces = able_["signal event " + object];
            wait.what = "to count one more of event " + object;
        } else if (reason == "ring_space") {
            wait.spaces = able_["consume ring " + object];
            wait.what = "to take from ring " + object;
        }
        // Numbers that name nothing: the picture is torn, or the guest lies.
        if (!helpers_of(wait).empty()) waits_.push_back(std::move(wait));
    }

    const std::uint32_t* space_of_server(const ThreadView& caller) const
    {
        if (const auto* scheme = snapshot_.scheme(static_cast<std::uint32_t>(caller.wait_object)))
            for (const auto& call : scheme->received)
                if (call.thread == caller.id) return &call.server_space;
        const auto server = living_.find(static_cast<std::uint32_t>(caller.wait_value));
        return caller.wait_value > UINT32_MAX || server == living_.end() ? nullptr : &server->second->space;
    }

    // Living threads, ascending. Nobody feeds itself over a ring, or signals while it waits; a call to oneself or a lock that one has is the shortest
    // circle.
    std::vector<std::uint32_t> helpers_of(const Wait& wait) const
    {
        std::vector<std::uint32_t> helpers;
        for (const auto id : wait.threads)
            if (living_.contains(id)) helpers.push_back(id);
        for (const auto space : wait.spaces)
            if (const auto found = threads_of_.find(space); found != threads_of_.end())
                helpers.insert(helpers.end(), found->second.begin(), found->second.end());
        if (wait.thread->wait_reason.starts_with("ring_") || wait.thread->wait_reason == "event")
            std::erase(helpers, wait.thread->id);
        std::ranges::sort(helpers);
        return helpers;
    }

    bool can_end(const Wait& wait) const
    {
        const auto is_stuck = [this](std::uint32_t id) { return stuck_.contains(id); };
        const auto one_is_stuck = [&](std::uint32_t space) { return stuck_in_.contains(space) && stuck_in_.at(space) != 0; };
        const auto one_is_free = [&](std::uint32_t space) {
            const auto threads = threads_of_.find(space);
            if (threads == threads_of_.end()) return false;
            const auto stuck = stuck_in_.find(space);
            return threads->second.size() > (stuck == stuck_in_.end() ? 0 : stuck->second);
        };
        if (wait.all) return std::ranges::none_of(wait.spaces, one_is_stuck);
        return std::ranges::any_of(wait.spaces, one_is_free)
            || std::ranges::any_of(wait.threads, [&](std::uint32_t id) { return living_.contains(id) && !is_stuck(id); });
    }

    // Begins with all that wait for a thread without a deadline, and takes away who has somebody to wait for that can go on.
    void find_stuck()
    {
        for (const auto& wait : waits_)
            if (wait.thread->wait_deadline == abi::no_deadline) {
                stuck_.insert(wait.thread->id);
                ++stuck_in_[wait.thread->space];
            }
        for (bool changed = true; changed;) {
            changed = false;
            for (const auto& wait : waits_)
                if (stuck_.contains(wait.thread->id) && can_end(wait)) {
                    stuck_.erase(wait.thread->id);
                    --stuck_in_[wait.thread->space];
                    changed = true;
                }
        }
        graph_.stuck.assign(stuck_.begin(), stuck_.end());
    }

    // Those first that decide: of several of which one is enough, who can go on; of those that are all needed, who can't.
    void add_edges(const Wait& wait)
    {
        auto helpers = helpers_of(wait);
        const bool any = !wait.all && helpers.size() > 1;
        if (wait.shown != 0 && std::ranges::binary_search(helpers, wait.shown)) helpers = { wait.shown };
        std::ranges::sort(helpers, {}, [&](std::uint32_t id) { return std::pair(stuck_.contains(id) != wait.all, id); });
        const auto left_out = helpers.size() - std::min(helpers.size(), shown_helpers);
        helpers.resize(helpers.size() - left_out);
        const auto from = wait.thread->id;
        for (const auto to : helpers) {
            auto sentence = thread_label(snapshot_, from) + " waits for " + thread_label(snapshot_, to) + " " + wait.what;
            if (left_out != 0 && to == helpers.back()) sentence += ", and " + std::to_string(left_out) + " more are not shown";
            graph_.edges.push_back({ from, to, any, stuck_.contains(from) && stuck_.contains(to), std::move(sentence) });
        }
    }

    // Every stuck thread leads into a circle; each circle is told once, from its lowest thread.
    void find_circles()
    {
        std::map<std::uint32_t, const WaitEdge*> next;
        for (const auto& edge : graph_.edges)
            if (edge.dead) next.try_emplace(edge.from, &edge);
        std::set<std::uint32_t> told;
        for (const auto start : graph_.stuck) {
            std::vector<const WaitEdge*> path;
            std::map<std::uint32_t, std::size_t> places;
            std::uint32_t at = start;
            while (!places.contains(at) && !told.contains(at) && next.contains(at)) {
                places[at] = path.size();
                path.push_back(next[at]);
                at = path.back()->to;
            }
            for (const auto* edge : path) told.insert(edge->from);
            if (places.contains(at)) tell(std::span(path).subspan(places[at]));
        }
    }

    void tell(std::span<const WaitEdge* const> circle)
    {
        std::string sentence = "deadlock: ";
        for (const auto* edge : circle) sentence += (edge == circle.front() ? "" : ", and ") + edge->sentence;
        graph_.deadlocks.push_back(sentence + (circle.size() == 1 ? ": it waits for itself" : ": none of them can go on"));
    }

    const Snapshot& snapshot_;
    std::map<std::uint32_t, const ThreadView*> living_;
    std::map<std::uint32_t, std::vector<std::uint32_t>> threads_of_; // space -> living threads, ascending
    std::map<std::string, std::set<std::uint32_t>> able_;            // verb and label -> spaces
    std::vector<Wait> waits_;
    std::set<std::uint32_t> stuck_;
    std::map<std::uint32_t, std::size_t> stuck_in_; // how many of a space's threads
    WaitGraph graph_;
};

} // namespace

WaitGraph wait_graph(const Snapshot& snapshot) { return Builder(snapshot).build(); }

} // namespace orrery::inspector
