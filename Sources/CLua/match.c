// A matcher for Lua's patterns that looks for a stop as it goes: Lua's own, once begun, can take hours and cannot be
// interrupted. Semantics: Lua 5.4 reference manual, section 6.4.1; where the manual is silent (what a malformed
// pattern says, how deep one may nest), as the stock library behaves, which the tests compare.
#include "match.h"

#include <ctype.h>
#include <string.h>

/// Nested calls of `match`, as in the stock library.
enum { TW_MATCH_DEPTH = 200 };
/// Repetitions between looks for a stop.
enum { TW_POLL_MASK = 255 };

static const char *match(tw_match *m, const char *s, const char *p);

static int letter(char c) { return (unsigned char)c; }

void tw_match_init(tw_match *m, lua_State *L, const char *subject, size_t count, const char *pattern, size_t length) {
    m->L = L;
    m->host = tw_host_of(L);
    m->subject = subject;
    m->subject_end = subject + count;
    m->pattern_end = pattern + length;
    m->depth = TW_MATCH_DEPTH;
    m->captures = 0;
}

const char *tw_match_at(tw_match *m, const char *at, const char *pattern) {
    m->captures = 0;
    m->depth = TW_MATCH_DEPTH;
    return match(m, at, pattern);
}

/// For each character the classes that it is in, and for each class letter its bit; capital letters negate.
static uint16_t classes_of[256], class_named[256];
enum { TW_NEGATED = 0x8000 };

/// Fills the tables from the C library's, in the C locale, which this process never leaves.
__attribute__((constructor)) static void fill_classes(void) {
    static int (*const tests[])(int) = {isalpha, iscntrl, isdigit, isgraph, islower, ispunct,
                                        isspace, isupper, isalnum, isxdigit};
    static const char names[] = "acdglpsuwx";
    for (int c = 0; c < 256; c++)
        for (int i = 0; names[i]; i++)
            if (tests[i](c)) classes_of[c] |= (uint16_t)(1 << i);
    classes_of[0] |= 1 << 10;
    for (int i = 0; i <= 10; i++) {
        int name = i < 10 ? names[i] : 'z';
        class_named[name] = (uint16_t)(1 << i);
        class_named[toupper(name)] = (uint16_t)(1 << i | TW_NEGATED);
    }
}

/// Whether `c` is in the class that `%name` stands for.
static inline int in_class(int c, int name) {
    uint16_t named = class_named[name];
    if (!named) return name == c;
    return ((classes_of[c] & named) != 0) != (named >> 15);
}

/// Whether `c` is in the set that begins at `p` with `[` and whose `]` is at `last`.
static int in_set(int c, const char *p, const char *last) {
    int found = 1;
    p++;
    if (*p == '^') {
        found = 0;
        p++;
    }
    for (; p < last; p++) {
        if (*p == '%') {
            p++;
            if (in_class(c, letter(*p))) return found;
        } else if (p[1] == '-' && p + 2 < last) {
            if (letter(p[0]) <= c && c <= letter(p[2])) return found;
            p += 2;
        } else if (letter(*p) == c) {
            return found;
        }
    }
    return !found;
}

/// The end of the single-character item that begins at `p`.
static const char *item_end(tw_match *m, const char *p) {
    char first = *p++;
    if (first == '%') {
        if (p == m->pattern_end) luaL_error(m->L, "malformed pattern (ends with '%%')");
        return p + 1;
    }
    if (first != '[') return p;
    if (*p == '^') p++;
    for (int is_first = 1; is_first || *p != ']'; is_first = 0) {
        if (p >= m->pattern_end) luaL_error(m->L, "malformed pattern (missing ']')");
        if (*p++ == '%' && p < m->pattern_end) p++;
    }
    return p + 1;
}

/// Whether the item from `p` to `end` takes the character at `s`.
static inline int takes(const tw_match *m, const char *s, const char *p, const char *end) {
    if (s >= m->subject_end) return 0;
    int c = letter(*s);
    switch (*p) {
        case '.': return 1;
        case '%': return in_class(c, letter(p[1]));
        case '[': return in_set(c, p, end - 1);
        default: return letter(*p) == c;
    }
}

/// As many as possible, then fewer until the rest of the pattern matches.
static const char *match_most(tw_match *m, const char *s, const char *p, const char *end) {
    ptrdiff_t count = 0;
    while (takes(m, s + count, p, end))
        if (!(++count & TW_POLL_MASK)) tw_poll(m->host, m->L);
    for (; count >= 0; count--) {
        const char *rest = match(m, s + count, end + 1);
        if (rest) return rest;
    }
    return NULL;
}

/// As few as possible, then more until the rest of the pattern matches.
static const char *match_least(tw_match *m, const char *s, const char *p, const char *end) {
    for (;; s++) {
        const char *rest = match(m, s, end + 1);
        if (rest) return rest;
        if (!takes(m, s, p, end)) return NULL;
    }
}

static const char *open_capture(tw_match *m, const char *s, const char *p, ptrdiff_t length) {
    if (m->captures >= TW_CAPTURES) luaL_error(m->L, "too many captures");
    int own = m->captures++;
    m->capture[own].start = s;
    m->capture[own].length = length;
    const char *rest = match(m, s, p);
    if (!rest) m->captures--;
    return rest;
}

static const char *close_capture(tw_match *m, const char *s, const char *p) {
    int open = m->captures - 1;
    while (open >= 0 && m->capture[open].length != TW_CAPTURE_OPEN) open--;
    if (open < 0) luaL_error(m->L, "invalid pattern capture");
    m->capture[open].length = s - m->capture[open].start;
    const char *rest = match(m, s, p);
    if (!rest) m->capture[open].length = TW_CAPTURE_OPEN;
    return rest;
}

/// %b: from `s` to the character that balances it.
static const char *match_balanced(tw_match *m, const char *s, const char *p) {
    if (p >= m->pattern_end - 1) luaL_error(m->L, "malformed pattern (missing arguments to '%%b')");
    if (s >= m->subject_end || *s != p[0]) return NULL;
    ptrdiff_t open = 1;
    for (s++; s < m->subject_end; s++) {
        if (!((s - m->subject) & TW_POLL_MASK)) tw_poll(m->host, m->L);
        if (*s == p[1]) {
            if (--open == 0) return s + 1;
        } else if (*s == p[0]) {
            open++;
        }
    }
    return NULL;
}

/// %1 to %9: what a capture matched, once more.
static const char *match_again(tw_match *m, const char *s, int digit) {
    int index = digit - '1';
    if (index < 0 || index >= m->captures || m->capture[index].length == TW_CAPTURE_OPEN)
        luaL_error(m->L, "invalid capture index %%%d", index + 1);
    ptrdiff_t length = m->capture[index].length;
    if (length < 0 || m->subject_end - s < length) return NULL;
    return memcmp(m->capture[index].start, s, (size_t)length) == 0 ? s + length : NULL;
}

/// Whether a word, as the set at `p` has it, begins or ends at `s`. Beyond both ends there is `\0`.
static int at_frontier(const tw_match *m, const char *s, const char *p, const char *end) {
    int before = s == m->subject ? 0 : letter(s[-1]);
    int after = s < m->subject_end ? letter(*s) : 0;
    return !in_set(before, p, end - 1) && in_set(after, p, end - 1);
}

/// One item with its repetition. Returns 1 to go on after it with `*s` and `*p` moved, 0 when `*s` is the result.
static int match_item(tw_match *m, const char **s, const char **p) {
    const char *end = item_end(m, *p), *start = *s;
    char repetition = end < m->pattern_end ? *end : '\0';
    int taken = takes(m, start, *p, end);
    if (repetition != '*' && repetition != '+' && repetition != '-' && repetition != '?') {
        *s = taken ? start + 1 : NULL;
        *p = end;
        return taken;
    }
    if (!taken) {
        if (repetition == '+') *s = NULL;
        *p = end + 1;
        return repetition != '+';
    }
    if (repetition != '?') {
        *s = repetition == '-' ? match_least(m, start, *p, end) : match_most(m, start + (repetition == '+'), *p, end);
        return 0;
    }
    const char *rest = match(m, start + 1, end + 1);
    *p = end + 1;
    if (rest) *s = rest;
    return !rest;
}

/// The items that begin with `%` and are not a class. Results as of `match_item`; -1 when it is a class.
static int match_special(tw_match *m, const char **s, const char **p) {
    char name = (*p)[1];
    if (name == 'b') {
        *s = match_balanced(m, *s, *p + 2);
        *p += 4;
    } else if (name == 'f') {
        *p += 2;
        if (**p != '[') luaL_error(m->L, "missing '[' after '%%f' in pattern");
        const char *end = item_end(m, *p);
        if (!at_frontier(m, *s, *p, end)) *s = NULL;
        *p = end;
    } else if (isdigit(letter(name))) {
        *s = match_again(m, *s, name);
        *p += 2;
    } else {
        return -1;
    }
    return *s != NULL;
}

static const char *match(tw_match *m, const char *s, const char *p) {
    if (m->depth-- == 0) luaL_error(m->L, "pattern too complex");
    int more = 1;
    while (more && p != m->pattern_end) {
        tw_poll(m->host, m->L);
        more = -1;
        if (*p == '(') {
            s = p[1] == ')' ? open_capture(m, s, p + 2, TW_CAPTURE_POSITION)
                            : open_capture(m, s, p + 1, TW_CAPTURE_OPEN);
            more = 0;
        } else if (*p == ')') {
            s = close_capture(m, s, p + 1);
            more = 0;
        } else if (*p == '$' && p + 1 == m->pattern_end) {
            if (s != m->subject_end) s = NULL;
            more = 0;
        } else if (*p == '%') {
            more = match_special(m, &s, &p);
        }
        if (more < 0) more = match_item(m, &s, &p);
    }
    m->depth++;
    return s;
}

void tw_push_capture(tw_match *m, int index, const char *start, const char *end) {
    if (index >= m->captures) {
        if (index != 0) luaL_error(m->L, "invalid capture index %%%d", index + 1);
        lua_pushlstring(m->L, start, (size_t)(end - start));
        return;
    }
    ptrdiff_t length = m->capture[index].length;
    if (length == TW_CAPTURE_OPEN) luaL_error(m->L, "unfinished capture");
    if (length == TW_CAPTURE_POSITION)
        lua_pushinteger(m->L, m->capture[index].start - m->subject + 1);
    else
        lua_pushlstring(m->L, m->capture[index].start, (size_t)length);
}

int tw_push_captures(tw_match *m, const char *start, const char *end) {
    int count = m->captures == 0 && start ? 1 : m->captures;
    luaL_checkstack(m->L, count, "too many captures");
    for (int i = 0; i < count; i++) tw_push_capture(m, i, start, end);
    return count;
}
