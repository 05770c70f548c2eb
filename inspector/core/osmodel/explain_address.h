// What is at an address of a space, and what happens to a program that touches it: the kernel's mapping, the memory object
// that it shows, and the page tables, put side by side.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "inspector/core/osmodel/page_walk.h"
#include "inspector/core/osmodel/snapshot.h"

namespace orrery::inspector {

enum class AccessOutcome {
    works,           // the processor finds everything in the tables
    faults_and_works, // the kernel puts the page there, and the instruction is executed again
    copies,          // the same, with a copy of a shared page
    raises,          // a signal
};

struct AccessView {
    std::uint32_t access = 0; // one abi::Protection bit
    AccessOutcome outcome = AccessOutcome::raises;
    std::string sentence; // "a write raises SIGSEGV (SEGV_ACCERR), because the mapping gives no right to write". No full stop.
};

struct AddressView {
    std::uint64_t address = 0;
    std::uint32_t space = 0;
    std::optional<MappingView> mapping;
    std::uint64_t offset = 0; // in the memory object, if mapped
    ObjectPage page;          // of the memory object; not known without a mapping
    ram::Walk walk;
    std::string sentence;               // what is there, and why. No full stop.
    std::array<AccessView, 3> accesses; // read, write, execute
    // Where tables, mapping and object contradict each other: a fault of the kernel, or a picture that was read while it
    // changed. Whole sentences without full stop.
    std::vector<std::string> contradictions;
};

AddressView explain_address(const Snapshot& snapshot, const SpaceView& space, std::uint64_t address);

// "read-write", "read-execute", "without any right".
std::string protection_words(std::uint32_t protection);
const char* name(AccessOutcome outcome); // "works", "faults and works", "copies", "raises a signal"

} // namespace orrery::inspector
