// A pager that is a scheme's server: each page is a call.
#pragma once

#include <memory>

#include "kernel/memory/pager.h"
#include "kernel/scheme/scheme.h"

namespace orrery::kernel {

// `key` is what the server knows the object by. Null if memory is out.
std::unique_ptr<Pager> make_scheme_pager(Ref<Scheme> scheme, std::uint64_t key);

} // namespace orrery::kernel
