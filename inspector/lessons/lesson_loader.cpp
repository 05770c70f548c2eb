// Makes a Lesson of its files; every mistake is found here, with file and place, and not when a student gets there.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "inspector/core/text.h"
#include "inspector/lessons/compose.h"
#include "inspector/lessons/lesson.h"
#include "inspector/lessons/lesson_files.h"
#include "inspector/lessons/lesson_schema.h"
#include "inspector/lessons/lesson_text.h"

namespace orrery::inspector::lessons {

namespace fs = std::filesystem;

namespace {

using Json = nlohmann::json;

constexpr const char* file_name = "lesson.json";

// Builds one lesson from JSON that has the schema's shape; the first mistake ends it.
class Loader {
public:
    explicit Loader(fs::path directory)
        : lesson_(std::make_shared<Lesson>())
    {
        lesson_->directory = std::move(directory);
    }

    Result<LessonPointer> load()
    {
        auto path = file_inside(lesson_->directory, file_name);
        if (!path) return failure(compose("{}: {}", shown(lesson_->directory), path.error().sentence));
        auto source = read_text_file(*path);
        if (!source) return std::unexpected(source.error());
        auto json = parse_json(*source);
        if (!json) return at("", json.error().sentence);
        if (auto shape = check_lesson_shape(*json); !shape) return at("", shape.error().sentence);
        for (auto part : { &Loader::read_head, &Loader::read_steps, &Loader::read_mutants })
            if (auto done = (this->*part)(*json); !done) return std::unexpected(done.error());
        return lesson_;
    }

private:
    static std::string shown(const fs::path& path) { return printable(path.string(), 200); }

    // The error with its file, and its place if there is one.
    std::unexpected<Error> at(std::string_view place, std::string_view sentence) const
    {
        return failure(
            compose("{}: {}{}{}", shown(lesson_->directory / file_name), place, place.empty() ? "" : ": ", sentence));
    }

    Result<void> read_head(const Json& json)
    {
        lesson_->id = json["id"];
        lesson_->title = json["title"];
        lesson_->summary = json["summary"];
        std::error_code problem;
        const auto folder = fs::canonical(lesson_->directory, problem).filename().string();
        if (lesson_->id != folder)
            return at("id", compose("\"{}\" is not the folder's name, \"{}\"", lesson_->id, printable(folder, 100)));
        if (auto text = read_text(json["text"]); !text) return text;
        lesson_->program.name = json["program"]["name"];
        lesson_->program.sources = json["program"]["sources"];
        const auto& machine = json["machine"];
        lesson_->machine.cpus = machine.value("cpus", lesson_->machine.cpus);
        lesson_->machine.memory_mib = machine.value("memory_mib", lesson_->machine.memory_mib);
        lesson_->machine.budget = machine["budget"];
        lesson_->machine.phases = machine.value("phases", lesson_->machine.phases);
        for (const auto& [key, target] :
            { std::pair { "starter", &lesson_->starter }, std::pair { "solution", &lesson_->solution } }) {
            auto folder_path = program_folder(key, json[key]);
            if (!folder_path) return std::unexpected(folder_path.error());
            *target = *folder_path;
        }
        return {};
    }

    Result<void> read_text(const std::string& name)
    {
        auto path = file_inside(lesson_->directory, name);
        if (!path) return at("text", path.error().sentence);
        auto markdown = read_text_file(*path);
        if (!markdown) return at("text", markdown.error().sentence);
        auto text = cut_into_sections(*markdown);
        if (!text) return failure(compose("{}: {}", shown(*path), text.error().sentence));
        text_ = std::move(*text);
        lesson_->introduction = text_.introduction;
        return {};
    }

    // A folder that has all of the program's sources.
    Result<fs::path> program_folder(std::string_view place, const std::string& name)
    {
        auto folder = folder_inside(lesson_->directory, name);
        if (!folder) return at(place, folder.error().sentence);
        for (const auto& source : lesson_->program.sources)
            if (auto file = file_inside(*folder, source); !file)
                return at(place, compose("in \"{}\": {}", name, file.error().sentence));
        return folder;
    }

    Result<void> read_steps(const Json& json)
    {
        std::set<std::string> ids;
        std::size_t index = 0;
        for (const auto& source : json["steps"]) {
            Step step;
            step.id = source["id"];
            step.title = source["title"];
            step.points = source.value("points", 0u);
            const auto place = compose("steps[{}] (\"{}\")", index++, step.id);
            if (!ids.insert(step.id).second) return at(place, "another step has the same id");
            if (const auto section = source.value("section", ""); !section.empty()) {
                const auto found = text_.sections.find(section);
                if (found == text_.sections.end())
                    return at(place + ".section", compose("the text has no section \"{}\"", section));
                step.text = found->second;
            }
            auto done = read_action(source, place, step);
            if (!done) return done;
            lesson_->steps.push_back(std::move(step));
        }
        return {};
    }

    Result<void> read_action(const Json& source, const std::string& place, Step& step)
    {
        const std::string kind = source["kind"];
        if (kind == "read") {
            step.action = ReadStep {};
            return {};
        }
        if (kind == "goto") {
            auto destination = read_destination(source["until"], place);
            if (!destination) return std::unexpected(destination.error());
            step.action = GotoStep { std::move(*destination) };
            return {};
        }
        if (kind == "predict") return read_prediction(source, place, step);
        CheckStep check;
        auto holds = Predicate::parse_condition(source["holds"].get<std::string>());
        if (!holds) return at(place + ".holds", holds.error().sentence);
        check.holds = std::move(*holds);
        check.hints = source.value("hints", std::vector<std::string> {});
        check.refusal = source.value("refusal", "");
        step.action = std::move(check);
        return {};
    }

    Result<Destination> read_destination(const Json& until, const std::string& place)
    {
        Destination destination;
        destination.budget = until["budget"];
        if (until.contains("phases") == until.contains("end"))
            return at(place + ".until", "it must have either \"phases\" or \"end\"");
        if (until.contains("end") && until.contains("where"))
            return at(place + ".until", "\"where\" has no meaning beside \"end\"");
        std::size_t index = 0;
        for (const auto& name : until.value("phases", std::vector<std::string> {})) {
            const auto phase = phase_of_name(name);
            if (!phase)
                return at(compose("{}.until.phases[{}]", place, index),
                    compose("there is no phase \"{}\"", printable(name, 60)));
            destination.phases.push_back(*phase);
            ++index;
        }
        if (until.contains("where")) {
            auto where = Predicate::parse_condition(until["where"].get<std::string>());
            if (!where) return at(place + ".until.where", where.error().sentence);
            destination.where = std::move(*where);
        }
        return destination;
    }

    Result<void> read_prediction(const Json& source, const std::string& place, Step& step)
    {
        PredictStep predict;
        predict.question = source["question"];
        predict.because = source["because"];
        predict.choices = source.value("choices", std::vector<std::string> {});
        if (source.contains("until")) {
            auto destination = read_destination(source["until"], place);
            if (!destination) return std::unexpected(destination.error());
            predict.destination = std::move(*destination);
        }
        if (source.contains("answer") == source.contains("answer_expression"))
            return at(place, "it must have either \"answer\" or \"answer_expression\"");
        if (source.contains("answer")) {
            predict.answer_literal = source["answer"];
            if (!predict.choices.empty()
                && std::ranges::find(predict.choices, predict.answer_literal) == predict.choices.end())
                return at(place + ".answer", compose("\"{}\" is not among the choices", predict.answer_literal));
        } else {
            auto expression = Predicate::parse(source["answer_expression"].get<std::string>());
            if (!expression) return at(place + ".answer_expression", expression.error().sentence);
            predict.answer_expression = std::move(*expression);
        }
        step.action = std::move(predict);
        return {};
    }

    Result<void> read_mutants(const Json& json)
    {
        std::set<std::string> names;
        std::size_t index = 0;
        for (const auto& source : json["mutants"]) {
            Mutant mutant;
            mutant.name = source["name"];
            mutant.sentence = source["sentence"];
            mutant.refused_by = source["refused_by"];
            const auto place = compose("mutants[{}] (\"{}\")", index++, mutant.name);
            if (!names.insert(mutant.name).second) return at(place, "another mutant has the same name");
            auto folder = program_folder(place, "mutants/" + mutant.name);
            if (!folder) return std::unexpected(folder.error());
            mutant.directory = *folder;
            for (const auto& id : mutant.refused_by) {
                const auto step = std::ranges::find(lesson_->steps, id, &Step::id);
                if (step == lesson_->steps.end())
                    return at(place + ".refused_by", compose("there is no step \"{}\"", id));
                if (std::holds_alternative<ReadStep>(step->action) || std::holds_alternative<PredictStep>(step->action))
                    return at(place + ".refused_by",
                        compose("the step \"{}\" is no check and no goto, so it refuses nothing", id));
            }
            lesson_->mutants.push_back(std::move(mutant));
        }
        return {};
    }

    std::shared_ptr<Lesson> lesson_;
    LessonText text_;
};

void add_phases(std::vector<abi::Phase>& all, const std::vector<abi::Phase>& some)
{
    for (const auto phase : some)
        if (std::ranges::find(all, phase) == all.end()) all.push_back(phase);
}

void add_destination(std::vector<abi::Phase>& all, const Destination& destination)
{
    add_phases(all, destination.phases);
    if (destination.where) add_phases(all, destination.where->phases());
}

bool looks_like_lesson(std::string_view name)
{
    return name.size() > 3 && std::isdigit(static_cast<unsigned char>(name[0]))
        && std::isdigit(static_cast<unsigned char>(name[1])) && name[2] == '-';
}

} // namespace

std::string Destination::in_words() const
{
    if (phases.empty()) return "until the program has ended";
    std::string words = "until ";
    for (std::size_t index = 0; index < phases.size(); ++index)
        words += (index == 0 ? "" : " or ")
            + std::string(abi::phase_table[static_cast<std::size_t>(phases[index])].step_name);
    return where ? words + " where " + where->source() : words;
}

unsigned Lesson::points_possible() const
{
    unsigned points = 0;
    for (const auto& step : steps)
        points += step.points;
    return points;
}

std::vector<abi::Phase> Lesson::watched_phases() const
{
    // The end of the program is always watched: its exit status is a fact of the phase.
    std::vector<abi::Phase> phases { abi::Phase::space_ended };
    for (const auto& step : steps) {
        if (const auto* go = std::get_if<GotoStep>(&step.action)) add_destination(phases, go->destination);
        if (const auto* check = std::get_if<CheckStep>(&step.action)) add_phases(phases, check->holds.phases());
        if (const auto* predict = std::get_if<PredictStep>(&step.action)) {
            if (predict->destination) add_destination(phases, *predict->destination);
            if (predict->answer_expression) add_phases(phases, predict->answer_expression->phases());
        }
    }
    return phases;
}

Result<LessonPointer> load_lesson(const fs::path& directory)
{
    std::error_code problem;
    if (!fs::is_directory(directory, problem))
        return failure(compose("there is no lesson folder {}", printable(directory.string(), 200)));
    return Loader(directory).load();
}

Result<std::vector<LessonListing>> list_lessons(const fs::path& directory)
{
    std::error_code problem;
    std::vector<LessonListing> listings;
    fs::directory_iterator entries(directory, problem);
    if (problem)
        return failure(
            compose("can't list the lessons in {}: {}", printable(directory.string(), 200), problem.message()));
    for (; entries != fs::directory_iterator(); entries.increment(problem)) {
        if (problem) return failure(compose("can't list the lessons: {}", problem.message()));
        const auto& path = entries->path();
        if (!looks_like_lesson(path.filename().string())) continue;
        std::error_code ignored;
        if (!fs::exists(path / file_name, ignored)) continue;
        LessonListing listing {
            .directory = path, .id = path.filename().string(), .title = {}, .summary = {}, .problem = {}
        };
        if (const auto lesson = load_lesson(path)) {
            listing.title = (*lesson)->title;
            listing.summary = (*lesson)->summary;
        } else {
            listing.problem = lesson.error().sentence;
        }
        listings.push_back(std::move(listing));
    }
    std::ranges::sort(listings, {}, &LessonListing::id);
    return listings;
}

} // namespace orrery::inspector::lessons
