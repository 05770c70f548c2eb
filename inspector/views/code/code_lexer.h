// A light lexer for C++ and assembly lines: enough to tell keywords, comments and literals apart, and no more.
#pragma once

#include <QString>

namespace orrery::inspector {

enum class CodeLanguage { cpp, assembly };

enum class CodeToken { plain, keyword, comment, literal, directive };

struct CodeSpan {
    qsizetype begin = 0, length = 0;
    CodeToken token = CodeToken::plain;
    bool operator==(const CodeSpan&) const = default;
};

// Spans of one line that are not plain, in order. `in_comment`: the line begins, and after the call: ends, inside a
// block comment.
QList<CodeSpan> lex_line(CodeLanguage language, const QString& line, bool& in_comment);
CodeLanguage language_of(const QString& file);

} // namespace orrery::inspector
