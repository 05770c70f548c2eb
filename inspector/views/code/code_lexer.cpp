// One pass over one line.
#include "inspector/views/code/code_lexer.h"

#include <QSet>

namespace orrery::inspector {
namespace {

const QSet<QString>& cpp_keywords()
{
    static const QSet<QString> words = [] {
        const auto list = QStringLiteral(
            "alignas alignof asm auto bool break case catch char class concept const constexpr consteval constinit "
            "continue decltype default delete do double else enum explicit extern false float for friend goto if inline "
            "int long mutable namespace new noexcept nullptr operator private protected public register requires return "
            "short signed sizeof static static_assert static_cast reinterpret_cast const_cast struct switch template "
            "this thread_local throw true try typedef typename union unsigned using virtual void volatile while").split(QLatin1Char(' '));
        return QSet<QString>(list.begin(), list.end());
    }();
    return words;
}

bool starts_word(QChar c) { return c.isLetter() || c == QLatin1Char('_'); }
bool in_word(QChar c) { return c.isLetterOrNumber() || c == QLatin1Char('_'); }

qsizetype end_of_string(const QString& line, qsizetype at)
{
    const auto quote = line[at];
    for (++at; at < line.size(); ++at) {
        if (line[at] == QLatin1Char('\\'))
            ++at;
        else if (line[at] == quote)
            return at + 1;
    }
    return line.size();
}

bool line_comment_at(CodeLanguage language, const QString& line, qsizetype at)
{
    const auto rest = QStringView(line).mid(at);
    return rest.startsWith(QLatin1String("//")) || (language == CodeLanguage::assembly && line[at] == QLatin1Char('#')
        && !rest.startsWith(QLatin1String("#include")) && !rest.startsWith(QLatin1String("#define"))
        && !rest.startsWith(QLatin1String("#if")) && !rest.startsWith(QLatin1String("#end")) && !rest.startsWith(QLatin1String("#else")));
}

} // namespace

QList<CodeSpan> lex_line(CodeLanguage language, const QString& line, bool& in_comment)
{
    QList<CodeSpan> spans;
    const auto add = [&](qsizetype begin, qsizetype end, CodeToken token) { spans.append({ begin, end - begin, token }); };
    qsizetype at = 0;
    bool first_word = true;
    while (at < line.size()) {
        if (in_comment) {
            const auto close = line.indexOf(QLatin1String("*/"), at);
            const auto end = close < 0 ? line.size() : close + 2;
            add(at, end, CodeToken::comment);
            in_comment = close < 0;
            at = end;
            continue;
        }
        const auto c = line[at];
        if (QStringView(line).mid(at).startsWith(QLatin1String("/*"))) {
            const auto close = line.indexOf(QLatin1String("*/"), at + 2);
            const auto end = close < 0 ? line.size() : close + 2;
            add(at, end, CodeToken::comment);
            in_comment = close < 0;
            at = end;
        } else if (line_comment_at(language, line, at)) {
            add(at, line.size(), CodeToken::comment);
            break;
        } else if (c == QLatin1Char('#') && line.left(at).trimmed().isEmpty()) {
            auto end = at + 1;
            while (end < line.size() && (in_word(line[end]) || line[end].isSpace()) && !(end > at + 1 && line[end].isSpace())) ++end;
            add(at, end, CodeToken::directive);
            at = end;
        } else if (c == QLatin1Char('"') || (c == QLatin1Char('\'') && (at == 0 || !in_word(line[at - 1])))) {
            const auto end = end_of_string(line, at);
            add(at, end, CodeToken::literal);
            at = end;
        } else if (c.isDigit() && (at == 0 || !in_word(line[at - 1]))) {
            auto end = at + 1;
            while (end < line.size() && (in_word(line[end]) || line[end] == QLatin1Char('\'') || line[end] == QLatin1Char('.'))) ++end;
            add(at, end, CodeToken::literal);
            at = end;
        } else if (starts_word(c) || (language == CodeLanguage::assembly && (c == QLatin1Char('.') || c == QLatin1Char('%')))) {
            auto end = at + 1;
            while (end < line.size() && (in_word(line[end]) || (language == CodeLanguage::assembly && line[end] == QLatin1Char('.')))) ++end;
            const auto word = line.mid(at, end - at);
            const bool label = end < line.size() && line[end] == QLatin1Char(':');
            if (language == CodeLanguage::cpp) {
                if (cpp_keywords().contains(word)) add(at, end, CodeToken::keyword);
            } else if (c == QLatin1Char('.') && first_word && !label) {
                add(at, end, CodeToken::directive);
            } else if (c == QLatin1Char('%')) {
                add(at, end, CodeToken::literal);
            } else if (first_word && !label) {
                add(at, end, CodeToken::keyword);
            }
            first_word = first_word && label;
            at = end;
        } else {
            ++at;
        }
    }
    return spans;
}

CodeLanguage language_of(const QString& file)
{
    return file.endsWith(QLatin1String(".S")) || file.endsWith(QLatin1String(".s")) || file.endsWith(QLatin1String(".asm"))
        ? CodeLanguage::assembly
        : CodeLanguage::cpp;
}

} // namespace orrery::inspector
