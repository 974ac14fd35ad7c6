// A look at a source text before Lua compiles it. Lua 5.4.4 names the operand of a failed operation by recursion along
// chains such as `t.x.x.x`, without a limit: 120,000 links overflow the C stack (mended in 5.4.7). No program has
// chains of hundreds of links, so such texts are refused.
#include "host.h"

#include <ctype.h>
#include <string.h>

/// Suffixes (fields, indices, calls) after each other.
enum { TW_CHAIN_SUFFIXES = 500, TW_NESTING = 256 };

typedef struct scanner {
    const char *next, *end;
    lua_Integer line;
} scanner;

/// After `[`: the number of `=` of a long bracket, or -1.
static long long_bracket(const scanner *s) {
    const char *c = s->next;
    while (c < s->end && *c == '=') c++;
    return c < s->end && *c == '[' ? c - s->next : -1;
}

/// Skips to after the `]==]` that has `level` equals signs.
static void skip_long(scanner *s, long level) {
    s->next += level + 1;
    for (; s->next < s->end; s->next++) {
        if (*s->next == '\n') s->line++;
        if (*s->next != ']') continue;
        const char *c = s->next + 1;
        while (c < s->end && *c == '=') c++;
        if (c - s->next - 1 == level && c < s->end && *c == ']') {
            s->next = c + 1;
            return;
        }
    }
}

static void skip_string(scanner *s, char quote) {
    for (; s->next < s->end && *s->next != quote && *s->next != '\n'; s->next++)
        if (*s->next == '\\' && s->next + 1 < s->end) s->next++;
    if (s->next < s->end && *s->next == quote) s->next++;
}

static void skip_comment(scanner *s) {
    if (s->next < s->end && *s->next == '[') {
        s->next++;
        long level = long_bracket(s);
        if (level >= 0) {
            skip_long(s, level);
            return;
        }
    }
    while (s->next < s->end && *s->next != '\n') s->next++;
}

static int is_keyword(const char *word, size_t count) {
    static const char *const words[] = {
        "and",   "break", "do",  "else", "elseif", "end",    "false", "for",  "function", "goto",  "if",
        "in",    "local", "nil", "not",  "or",     "repeat", "return", "then", "true",    "until", "while", NULL,
    };
    for (const char *const *w = words; *w; w++)
        if (strlen(*w) == count && memcmp(*w, word, count) == 0) return 1;
    return 0;
}

enum { TOKEN_END, TOKEN_NAME, TOKEN_TEXT, TOKEN_OPEN, TOKEN_CLOSE, TOKEN_DOT, TOKEN_OTHER };

static int word_token(scanner *s, const char *start) {
    while (s->next < s->end && (isalnum((unsigned char)*s->next) || *s->next == '_')) s->next++;
    return is_keyword(start, (size_t)(s->next - start)) ? TOKEN_OTHER : TOKEN_NAME;
}

/// `.` and `:` that select a field; not `..`, `...`, `::` or a number's point.
static int dot_token(scanner *s, char c) {
    if (s->next < s->end && *s->next == c) {
        while (s->next < s->end && *s->next == c) s->next++;
        return TOKEN_OTHER;
    }
    return TOKEN_DOT;
}

static int next_token(scanner *s) {
    while (s->next < s->end) {
        const char *start = s->next;
        char c = *s->next++;
        if (c == '\n') s->line++;
        if (isspace((unsigned char)c)) continue;
        if (c == '-' && s->next < s->end && *s->next == '-') {
            s->next++;
            skip_comment(s);
            continue;
        }
        if (c == '[' && long_bracket(s) >= 0) {
            skip_long(s, long_bracket(s));
            return TOKEN_TEXT;
        }
        if (c == '"' || c == '\'') {
            skip_string(s, c);
            return TOKEN_TEXT;
        }
        if (isdigit((unsigned char)c)) {
            while (s->next < s->end && (isalnum((unsigned char)*s->next) || *s->next == '.')) s->next++;
            return TOKEN_OTHER;
        }
        if (isalpha((unsigned char)c) || c == '_') return word_token(s, start);
        if (c == '(' || c == '[' || c == '{') return TOKEN_OPEN;
        if (c == ')' || c == ']' || c == '}') return TOKEN_CLOSE;
        return c == '.' || c == ':' ? dot_token(s, c) : TOKEN_OTHER;
    }
    return TOKEN_END;
}

lua_Integer tw_screen(const char *text, size_t count) {
    scanner s = {text, text + count, 1};
    int chains[TW_NESTING] = {0}, depth = 0, previous = TOKEN_OTHER, token;
    while ((token = next_token(&s)) != TOKEN_END) {
        int follows = previous == TOKEN_NAME || previous == TOKEN_CLOSE || previous == TOKEN_TEXT;
        if (token == TOKEN_OTHER || (token == TOKEN_NAME && previous != TOKEN_DOT))
            chains[depth] = 0;
        else if (token == TOKEN_DOT || (follows && (token == TOKEN_OPEN || token == TOKEN_TEXT)))
            chains[depth]++;
        if (chains[depth] > TW_CHAIN_SUFFIXES) return s.line;
        if (token == TOKEN_OPEN && depth + 1 < TW_NESTING) chains[++depth] = 0;
        if (token == TOKEN_CLOSE && depth > 0) depth--;
        previous = token;
    }
    return 0;
}
