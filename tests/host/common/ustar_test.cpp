// UstarArchive: finds what tar packed, and stops at what it cannot trust.
#include "common/ustar.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

namespace {

using orrery::common::UstarArchive;
using orrery::common::UstarEntry;

// Writes archives as POSIX describes them.
class Writer {
public:
    void add(const std::string& name, const std::string& contents, char type = '0', const std::string& prefix = "")
    {
        char block[512] = {};
        std::memcpy(block, name.data(), name.size());
        std::snprintf(block + 124, 12, "%011zo", contents.size());
        block[156] = type;
        std::memcpy(block + 257, "ustar\00000", 8);
        std::memcpy(block + 345, prefix.data(), prefix.size());
        write_checksum(block);
        append(block, sizeof block);
        std::string padded = contents;
        padded.resize((contents.size() + 511) / 512 * 512);
        append(padded.data(), padded.size());
    }
    void end() { bytes_.resize(bytes_.size() + 1024); }
    static void write_checksum(char* block)
    {
        std::memset(block + 148, ' ', 8);
        unsigned sum = 0;
        for (int i = 0; i < 512; i++)
            sum += static_cast<unsigned char>(block[i]);
        std::snprintf(block + 148, 8, "%06o", sum);
    }
    std::vector<std::byte>& bytes() { return bytes_; }
    UstarArchive archive() const { return UstarArchive(bytes_); }

private:
    void append(const char* data, std::size_t size)
    {
        const auto* begin = reinterpret_cast<const std::byte*>(data);
        bytes_.insert(bytes_.end(), begin, begin + size);
    }
    std::vector<std::byte> bytes_;
};

std::string text(std::span<const std::byte> bytes)
{
    return { reinterpret_cast<const char*>(bytes.data()), bytes.size() };
}

Writer sample()
{
    Writer writer;
    writer.add("./first", "one");
    writer.add("second", std::string(1000, 'x'));
    writer.add("folder", "", '5');
    writer.add("name", "in a folder", '0', "usr/bin");
    writer.add("old", "type is NUL", '\0');
    writer.add("last", "");
    writer.end();
    return writer;
}

TEST(Ustar, FindsFilesByName)
{
    const Writer writer = sample();
    EXPECT_EQ(text(writer.archive().find("first").value()), "one");
    EXPECT_EQ(text(writer.archive().find("./first").value()), "one");
    EXPECT_EQ(writer.archive().find("second")->size(), 1000u);
    EXPECT_EQ(text(writer.archive().find("usr/bin/name").value()), "in a folder");
    EXPECT_EQ(text(writer.archive().find("old").value()), "type is NUL");
    EXPECT_EQ(writer.archive().find("last")->size(), 0u);
    for (const char* name : { "name", "bin/name", "folder", "firs", "first2", "", "usr/binname", "usr/bin" })
        EXPECT_FALSE(writer.archive().find(name).has_value()) << name;
}

TEST(Ustar, VisitsRegularFilesUntilTold)
{
    const Writer writer = sample();
    std::string names;
    writer.archive().for_each([&](const UstarEntry& entry) {
        names += std::string(entry.name) + " ";
        return entry.name != "name";
    });
    EXPECT_EQ(names, "./first second name ");
}

TEST(Ustar, DamageEndsTheArchiveThere)
{
    for (const std::size_t offset : { 1024u + 3, 1024u + 130, 1024u + 150, 1024u + 258 }) {
        Writer writer = sample();
        writer.bytes()[offset] = std::byte { 'z' };
        EXPECT_TRUE(writer.archive().find("first").has_value());
        EXPECT_FALSE(writer.archive().find("second").has_value()) << offset;
        EXPECT_FALSE(writer.archive().find("last").has_value()) << offset;
    }
}

TEST(Ustar, SizeBeyondTheEndIsRefused)
{
    Writer writer;
    writer.add("big", "x");
    auto* block = reinterpret_cast<char*>(writer.bytes().data());
    for (const char* size :
        { "00000001001", "77777777777", "-0000000001", "\200\0\0\0\0\0\0\0\0\0\1", "           " }) {
        std::memcpy(block + 124, size, 11);
        Writer::write_checksum(block);
        EXPECT_FALSE(writer.archive().find("big").has_value()) << size;
    }
    std::memcpy(block + 124, "00000001000", 11); // exactly what is there
    Writer::write_checksum(block);
    EXPECT_EQ(writer.archive().find("big")->size(), 512u);
}

TEST(Ustar, CutAnywhereIsSafe)
{
    Writer writer = sample();
    for (std::size_t size = 0; size < writer.bytes().size(); size += 7) {
        const std::vector<std::byte> cut(writer.bytes().begin(), writer.bytes().begin() + static_cast<long>(size));
        const UstarArchive archive { cut };
        if (const auto found = archive.find("second")) EXPECT_EQ(found->size(), 1000u);
        (void)archive.find("last");
    }
}

// A name that fills its field has no NUL behind it.
TEST(Ustar, NameOfFullLength)
{
    Writer writer;
    writer.add(std::string(100, 'n'), "full");
    writer.end();
    EXPECT_TRUE(writer.archive().find(std::string(100, 'n')).has_value());
    EXPECT_FALSE(writer.archive().find(std::string(99, 'n')).has_value());
}

} // namespace
