// Names as people read them, from names as the linker knows them.
#include <cstdlib>
#include <cxxabi.h>
#include <memory>

#include "inspector/core/debuginfo/debuginfo.h"

namespace orrery::inspector {

std::string demangle(const char* linker_name)
{
    if (linker_name[0] != '_' || linker_name[1] != 'Z') return linker_name;
    int status = 0;
    const std::unique_ptr<char, decltype(&std::free)> text(
        ::abi::__cxa_demangle(linker_name, nullptr, nullptr, &status), &std::free);
    return status == 0 && text ? text.get() : linker_name;
}

// Walks from the left and notes the first parenthesis outside of <...> that opens a parameter list. "(anonymous
// namespace)" and the parentheses of operator() belong to the name.
std::string without_parameters(std::string_view demangled)
{
    int angle = 0;
    for (std::size_t i = 0; i < demangled.size(); ++i) {
        if (demangled.substr(i).starts_with("operator") && angle == 0) {
            i += 8;
            if (demangled.substr(i).starts_with("()")) i += 2;
            while (i < demangled.size() && (demangled[i] == '<' || demangled[i] == '>' || demangled[i] == '-')) ++i;
            if (i >= demangled.size()) break;
        }
        const char c = demangled[i];
        if (c == '<') ++angle;
        if (c == '>') --angle;
        if (c != '(' || angle != 0) continue;
        constexpr std::string_view anonymous = "(anonymous namespace)";
        if (demangled.substr(i).starts_with(anonymous)) {
            i += anonymous.size() - 1;
            continue;
        }
        return std::string(demangled.substr(0, i));
    }
    return std::string(demangled);
}

} // namespace orrery::inspector
