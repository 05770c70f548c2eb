// Who brings the pages of a paged memory object. An interface, so that memory does not know what a pager is: today it
// is a scheme's server (scheme/scheme_pager.cpp).
#pragma once

#include <cstdint>

#include "kernel/base/error.h"

namespace orrery::kernel {

class Pager {
public:
    virtual ~Pager() = default;
    // Asks for the page at `offset` and sleeps until the pager has answered; that the page is there then is likely and
    // not sure. No lock may be held. peer_closed (no pager is left), interrupted (the thread is to end), or the pager's
    // error.
    virtual Status fetch(std::uint64_t offset, bool write) = 0;
    // Number of the scheme that is asked, for the Inspector.
    virtual std::uint32_t number() const = 0;
};

} // namespace orrery::kernel
