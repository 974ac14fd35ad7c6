// Matching one Lua pattern at one place of a subject.
#pragma once

#include "host.h"

/// As LUA_MAXCAPTURES of Lua's own library.
enum { TW_CAPTURES = 32 };

typedef struct tw_match {
    lua_State *L;
    tw_host *host;
    const char *subject, *subject_end, *pattern_end;
    /// Nested calls that are still allowed.
    int depth;
    int captures;
    struct {
        const char *start;
        /// Bytes, or one of the two below.
        ptrdiff_t length;
    } capture[TW_CAPTURES];
} tw_match;

enum { TW_CAPTURE_OPEN = -1, TW_CAPTURE_POSITION = -2 };

void tw_match_init(tw_match *m, lua_State *L, const char *subject, size_t count, const char *pattern, size_t length);
/// Where the match of `pattern` that begins at `at` ends, or NULL.
const char *tw_match_at(tw_match *m, const char *at, const char *pattern);
/// Pushes capture `index`, or the whole match for 0 when there are none.
void tw_push_capture(tw_match *m, int index, const char *start, const char *end);
/// Pushes all captures; the whole match when there are none and `start` is not NULL. Returns how many.
int tw_push_captures(tw_match *m, const char *start, const char *end);
