// Who waits for whom, as far as the snapshot tells, and which threads can never go on. A pure function of the snapshot.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "inspector/core/osmodel/snapshot.h"

namespace orrery::inspector {

struct WaitEdge {
    std::uint32_t from = 0, to = 0; // thread ids
    bool any = false;               // one of several edges of `from`, each of which could end the wait
    bool dead = false;              // both can't go on, and this wait is a reason
    std::string sentence;           // "thread 3 (ping) waits for thread 4 (pong) to answer its call to scheme 1"
};

struct WaitGraph {
    std::vector<WaitEdge> edges; // ascending by from, then to
    // Threads that wait for each other, or for such threads: whatever else happens, short of a signal or a kill, they stay
    // where they are. Ascending.
    std::vector<std::uint32_t> stuck;
    std::vector<std::string> deadlocks; // a sentence for each circle
};

WaitGraph wait_graph(const Snapshot& snapshot);

} // namespace orrery::inspector
