// std::sort of arithmetic types: libc++'s headers leave it to the library, of which only the headers are used here.
#include <algorithm>
#include <functional>

_LIBCPP_BEGIN_NAMESPACE_STD
template <class Compare, class Iterator>
void __sort(Iterator first, Iterator last, Compare)
{
    // As libc++'s own src/algorithm.cpp. Not std::sort or __sort_dispatch: those come back here for these types.
    using Less = ranges::less;
    std::__introsort<_ClassicAlgPolicy, Less, Iterator, __use_branchless_sort<Less, Iterator>::value>(
        first, last, Less {}, 2 * std::__log2i(last - first));
}
#define X(type) template void __sort<__less<type>&, type*>(type*, type*, __less<type>&);
X(char)
X(wchar_t) X(signed char) X(unsigned char) X(short) X(unsigned short) X(int) X(unsigned) X(long) X(unsigned long)
    X(long long) X(unsigned long long) X(float) X(double) X(long double)
#undef X
        _LIBCPP_END_NAMESPACE_STD
