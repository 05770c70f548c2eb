// The program under test: its debug information, its initial memory, and a running instance.
#pragma once

#include <cstring>
#include <elf.h>
#include <fstream>
#include <gtest/gtest.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "inspector/core/debuginfo/debuginfo.h"

namespace orrery::inspector {

inline DebugInfoPointer subject()
{
    static const auto loaded = DebugInfo::load(SUBJECT_PATH);
    if (!loaded) throw std::runtime_error(loaded.error().sentence);
    return *loaded;
}

inline std::vector<char> file_contents(const std::string& path)
{
    std::ifstream stream(path, std::ios::binary);
    return { std::istreambuf_iterator<char>(stream), {} };
}

// The bytes that the file puts at its addresses, before anything runs.
class ElfImage final : public VirtualMemory {
public:
    explicit ElfImage(const std::string& path) : contents_(file_contents(path)) { }
    bool read(std::uint64_t address, std::span<std::byte> target) const override
    {
        Elf64_Ehdr header;
        std::memcpy(&header, contents_.data(), sizeof header);
        for (unsigned i = 0; i < header.e_phnum; ++i) {
            Elf64_Phdr segment;
            std::memcpy(&segment, contents_.data() + header.e_phoff + i * sizeof segment, sizeof segment);
            // Compared by what is left, not by ends: an address near 2^64 (from a damaged file) must not wrap around.
            if (segment.p_type != PT_LOAD || address < segment.p_vaddr) continue;
            const std::uint64_t offset = address - segment.p_vaddr;
            if (offset > segment.p_filesz || target.size() > segment.p_filesz - offset) continue;
            std::memcpy(target.data(), contents_.data() + segment.p_offset + offset, target.size());
            return true;
        }
        return false;
    }

private:
    std::vector<char> contents_;
};

// The subject as a child under ptrace.
class Tracee final : public VirtualMemory {
public:
    Tracee()
    {
        child_ = fork();
        if (child_ == 0) {
            ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
            execl(SUBJECT_PATH, SUBJECT_PATH, static_cast<char*>(nullptr));
            _exit(127);
        }
        wait();
    }
    ~Tracee() override
    {
        kill(child_, SIGKILL);
        waitpid(child_, nullptr, 0);
    }
    bool alive() const { return alive_; }
    // Single-steps until rip is at the address; false if the program ends before.
    bool step_to(std::uint64_t address)
    {
        for (int i = 0; i < 100000 && alive_; ++i) {
            if (registers().rip() == address) return true;
            ptrace(PTRACE_SINGLESTEP, child_, nullptr, nullptr);
            wait();
        }
        return false;
    }
    RegisterFile registers() const
    {
        user_regs_struct raw {};
        ptrace(PTRACE_GETREGS, child_, nullptr, &raw);
        RegisterFile file;
        file.general = { raw.r8, raw.r9, raw.r10, raw.r11, raw.r12, raw.r13, raw.r14, raw.r15, raw.rdi, raw.rsi, raw.rbp,
                         raw.rbx, raw.rdx, raw.rax, raw.rcx, raw.rsp, raw.rip, raw.eflags };
        file.fs_base = raw.fs_base;
        return file;
    }
    bool read(std::uint64_t address, std::span<std::byte> target) const override
    {
        const iovec local { target.data(), target.size() };
        const iovec remote { reinterpret_cast<void*>(address), target.size() };
        return process_vm_readv(child_, &local, 1, &remote, 1, 0) == static_cast<ssize_t>(target.size());
    }

private:
    void wait()
    {
        int status = 0;
        alive_ = waitpid(child_, &status, 0) == child_ && WIFSTOPPED(status);
    }
    pid_t child_ = -1;
    bool alive_ = false;
};

} // namespace orrery::inspector
