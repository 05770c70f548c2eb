// The four functions that compilers call by themselves. REP MOVSQ and STOSQ: one instruction per 8 bytes under QEMU.
#include <cstddef>
#include <cstdint>

extern "C" {

void* memcpy(void* to, const void* from, std::size_t length)
{
    void* destination = to;
    std::size_t words = length / 8;
    asm volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(words)::"memory");
    std::size_t bytes = length % 8;
    asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(bytes)::"memory");
    return destination;
}

void* memset(void* to, int value, std::size_t length)
{
    void* destination = to;
    std::size_t words = length / 8;
    asm volatile("rep stosq"
                 : "+D"(to), "+c"(words)
                 : "a"(0x0101'0101'0101'0101 * static_cast<std::uint8_t>(value))
                 : "memory");
    std::size_t bytes = length % 8;
    asm volatile("rep stosb" : "+D"(to), "+c"(bytes) : "a"(value) : "memory");
    return destination;
}

void* memmove(void* to, const void* from, std::size_t length)
{
    auto* target = static_cast<std::byte*>(to);
    auto* source = static_cast<const std::byte*>(from);
    if (target <= source || target >= source + length) return memcpy(to, from, length);
    while (length--) target[length] = source[length];
    return to;
}

int memcmp(const void* left, const void* right, std::size_t length)
{
    const auto* a = static_cast<const unsigned char*>(left);
    const auto* b = static_cast<const unsigned char*>(right);
    for (std::size_t index = 0; index < length; ++index)
        if (a[index] != b[index]) return a[index] - b[index];
    return 0;
}

std::size_t strlen(const char* text)
{
    std::size_t length = 0;
    while (text[length]) ++length;
    return length;
}

void* memchr(const void* memory, int value, std::size_t length)
{
    const auto* bytes = static_cast<const unsigned char*>(memory);
    for (std::size_t index = 0; index < length; ++index)
        if (bytes[index] == static_cast<unsigned char>(value)) return const_cast<unsigned char*>(bytes + index);
    return nullptr;
}
}
