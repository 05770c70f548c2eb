// Makes ustar archives and ELF programs byte by byte, good ones and hostile ones, for guests that must survive them.
#pragma once

#include <cstdint>
#include <elf.h>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace orrery::guest_test {

// A ustar archive (POSIX.1-2024, pax) of regular files. finish() appends the two zero blocks.
class Archive {
public:
    Archive& add(std::string_view name, std::string_view contents);
    std::string finish() const { return bytes_ + std::string(1024, '\0'); }

private:
    std::string bytes_;
};

// A small static program whose parts a test may spoil before bytes() lays it out: header, program headers, code.
struct Program {
    Elf64_Ehdr header {};
    std::vector<Elf64_Phdr> segments;
    std::string code;

    Program(); // one readable and executable segment at 0x400000 whose code is one UD2
    std::string bytes() const;
};

// A file that is removed with this object.
class TemporaryFile {
public:
    explicit TemporaryFile(std::string_view contents);
    ~TemporaryFile();
    TemporaryFile(const TemporaryFile&) = delete;
    TemporaryFile& operator=(const TemporaryFile&) = delete;
    const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_;
};

} // namespace orrery::guest_test
