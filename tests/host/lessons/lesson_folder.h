// A lesson in a temporary folder that a test can break in one place.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

namespace orrery::inspector::lessons {

class TemporaryFolder {
public:
    TemporaryFolder()
    {
        auto pattern = (std::filesystem::temp_directory_path() / "orrery-lessons-XXXXXX").string();
        path = ::mkdtemp(pattern.data());
    }
    ~TemporaryFolder()
    {
        std::error_code ignored;
        std::filesystem::remove_all(path, ignored);
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;

    void write(const std::filesystem::path& name, std::string_view text) const
    {
        std::filesystem::create_directories((path / name).parent_path());
        std::ofstream(path / name, std::ios::binary) << text;
    }
    std::filesystem::path path;
};

// lesson() is whole and right; change it and save() before loading.
class LessonFolder {
public:
    LessonFolder()
    {
        json = nlohmann::json::parse(R"({
            "format": 1, "id": "07-test", "title": "A test", "summary": "Nothing to see.", "text": "text.md",
            "program": { "name": "student", "sources": ["program.c"] },
            "machine": { "cpus": 1, "budget": 1000000 },
            "starter": "starter", "solution": "solution",
            "mutants": [ { "name": "lazy", "sentence": "It does nothing.", "refused_by": ["handled"] } ],
            "steps": [
                { "kind": "read", "id": "start", "title": "Start", "section": "what-it-is" },
                { "kind": "predict", "id": "how-many", "title": "How many", "question": "How many handlers run?",
                  "choices": ["one", "two"], "answer": "two", "because": "One for each.", "points": 1 },
                { "kind": "predict", "id": "which", "title": "Which", "question": "Which signal is first?",
                  "answer_expression": "here.signal", "because": "It was sent first.", "points": 2,
                  "until": { "phases": ["signal.handled"], "budget": 5000 } },
                { "kind": "goto", "id": "second", "title": "To the second",
                  "until": { "phases": ["signal.handled"], "where": "here.signal == SIGUSR2", "budget": 5000 } },
                { "kind": "check", "id": "handled", "title": "Both were handled", "points": 3,
                  "holds": "phase(\"signal.handled\").count == 2", "refusal": "both signals must reach the handler",
                  "hints": ["Is the handler installed?", "For both signals?"] },
                { "kind": "goto", "id": "end", "title": "To the end", "until": { "end": true, "budget": 9000 } },
                { "kind": "check", "id": "status", "title": "It ended well", "points": 1, "holds": "exit.status == 0" }
            ]
        })");
        folder.write(
            "07-test/text.md", "Hello.\n\n## What it is\n\nA signal.\n\n```\n## not a heading\n```\n\n## Why\n\nSo.\n");
        for (const auto* name : { "starter", "solution", "mutants/lazy" })
            folder.write(std::filesystem::path("07-test") / name / "program.c", "int main(void) { return 0; }\n");
        save();
    }
    void save() const { folder.write("07-test/lesson.json", json.dump(1)); }
    std::filesystem::path path() const { return folder.path / "07-test"; }

    TemporaryFolder folder;
    nlohmann::json json;
};

} // namespace orrery::inspector::lessons
