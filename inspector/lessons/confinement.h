// What files a program of the host may touch: a fence around the compiler, which reads whatever a hand-in tells it to.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "inspector/core/descriptor.h"

namespace orrery::inspector::lessons {

// Folders and files, with all below them. What does not exist is left out.
struct Confinement {
    std::vector<std::filesystem::path> readable; // and executable
    std::vector<std::filesystem::path> writable; // and readable
};

// "" if this system can confine programs (Linux's Landlock, no rights needed), else a sentence.
std::string confinement_problem();

// The rules, ready for a child to enter by enter_confinement; empty if this system can't confine.
Descriptor prepare_confinement(const Confinement& confinement);
// In the child, between fork and exec: makes no call that is not safe there. It cannot be left again. False with errno
// if the kernel refuses.
bool enter_confinement(int rules);

} // namespace orrery::inspector::lessons
