// string.find, match, gmatch and gsub over our own matcher. Semantics: Lua 5.4 reference manual, section 6.4.
#define _GNU_SOURCE
#include "match.h"

#include <string.h>

/// A start given by a script, as an offset: 1 is the first byte, negative counts from the end.
static size_t offset(lua_Integer position, size_t length) {
    if (position > 0) return (size_t)position - 1;
    if (position == 0 || position < -(lua_Integer)length) return 0;
    return length + (size_t)position;
}

static int has_specials(const char *pattern, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (memchr("^$*+?.([%-", pattern[i], 10)) return 1;
    return 0;
}

/// memchr and memcmp are fastest on ordinary texts, but quadratic on made-up ones; past four times the text's length
/// in comparisons the rest is left to memmem, which is linear.
static const char *find_plain(const char *text, size_t count, const char *part, size_t length) {
    if (length == 0) return text;
    if (length > count) return NULL;
    const char *end = text + (count - length) + 1;
    size_t work = 0, limit = 4 * count + 1024;
    while (text < end && (text = memchr(text, part[0], (size_t)(end - text)))) {
        if (memcmp(text, part, length) == 0) return text;
        work += length;
        text++;
        if (work > limit) return memmem(text, (size_t)(end - text) + length - 1, part, length);
    }
    return NULL;
}

static int find(lua_State *L, int wants_positions) {
    size_t count, length;
    const char *text = luaL_checklstring(L, 1, &count), *pattern = luaL_checklstring(L, 2, &length);
    size_t start = offset(luaL_optinteger(L, 3, 1), count);
    if (start > count) {
        luaL_pushfail(L);
        return 1;
    }
    if (wants_positions && (lua_toboolean(L, 4) || !has_specials(pattern, length))) {
        const char *found = find_plain(text + start, count - start, pattern, length);
        if (!found) {
            luaL_pushfail(L);
            return 1;
        }
        lua_pushinteger(L, found - text + 1);
        lua_pushinteger(L, found - text + (lua_Integer)length);
        return 2;
    }
    tw_match m;
    tw_match_init(&m, L, text, count, pattern, length);
    int anchored = length > 0 && *pattern == '^';
    const char *at = text + start;
    do {
        const char *end = tw_match_at(&m, at, pattern + anchored);
        if (!end) continue;
        if (!wants_positions) return tw_push_captures(&m, at, end);
        lua_pushinteger(L, at - text + 1);
        lua_pushinteger(L, end - text);
        return tw_push_captures(&m, NULL, NULL) + 2;
    } while (at++ < m.subject_end && !anchored);
    luaL_pushfail(L);
    return 1;
}

static int string_find(lua_State *L) { return find(L, 1); }
static int string_match(lua_State *L) { return find(L, 0); }

/// Upvalues: text, pattern, offset of the next try, offset where the last match ended or -1.
static int next_match(lua_State *L) {
    size_t count, length;
    const char *text = lua_tolstring(L, lua_upvalueindex(1), &count);
    const char *pattern = lua_tolstring(L, lua_upvalueindex(2), &length);
    lua_Integer last = lua_tointeger(L, lua_upvalueindex(4));
    tw_match m;
    tw_match_init(&m, L, text, count, pattern, length);
    for (const char *at = text + lua_tointeger(L, lua_upvalueindex(3)); at <= m.subject_end; at++) {
        const char *end = tw_match_at(&m, at, pattern);
        if (!end || end - text == last) continue;
        lua_pushinteger(L, end - text);
        lua_pushvalue(L, -1);
        lua_replace(L, lua_upvalueindex(3));
        lua_replace(L, lua_upvalueindex(4));
        return tw_push_captures(&m, at, end);
    }
    return 0;
}

static int string_gmatch(lua_State *L) {
    size_t count;
    luaL_checklstring(L, 1, &count);
    luaL_checkstring(L, 2);
    size_t start = offset(luaL_optinteger(L, 3, 1), count);
    lua_settop(L, 2);
    lua_pushinteger(L, (lua_Integer)(start > count ? count + 1 : start));
    lua_pushinteger(L, -1);
    lua_pushcclosure(L, next_match, 4);
    return 1;
}

/// Adds the replacement text at index 3 with its %0 to %9 filled in.
static void add_text(tw_match *m, luaL_Buffer *result, const char *start, const char *end) {
    size_t length;
    const char *text = lua_tolstring(m->L, 3, &length), *text_end = text + length, *escape;
    while ((escape = memchr(text, '%', (size_t)(text_end - text)))) {
        luaL_addlstring(result, text, (size_t)(escape - text));
        char c = escape[1];
        if (c == '%') {
            luaL_addchar(result, c);
        } else if (c == '0') {
            luaL_addlstring(result, start, (size_t)(end - start));
        } else if (c >= '1' && c <= '9') {
            tw_push_capture(m, c - '1', start, end);
            luaL_tolstring(m->L, -1, NULL);
            lua_remove(m->L, -2);
            luaL_addvalue(result);
        } else {
            luaL_error(m->L, "invalid use of '%c' in replacement string", '%');
        }
        text = escape + 2;
    }
    luaL_addlstring(result, text, (size_t)(text_end - text));
}

/// Adds what takes the place of a match. Returns whether that is something else than the match itself.
static int add_replacement(tw_match *m, luaL_Buffer *result, int type, const char *start, const char *end) {
    lua_State *L = m->L;
    if (type == LUA_TFUNCTION) {
        lua_pushvalue(L, 3);
        lua_call(L, tw_push_captures(m, start, end), 1);
    } else if (type == LUA_TTABLE) {
        tw_push_capture(m, 0, start, end);
        lua_gettable(L, 3);
    } else {
        add_text(m, result, start, end);
        return 1;
    }
    if (!lua_toboolean(L, -1)) {
        lua_pop(L, 1);
        luaL_addlstring(result, start, (size_t)(end - start));
        return 0;
    }
    if (!lua_isstring(L, -1)) luaL_error(L, "invalid replacement value (a %s)", luaL_typename(L, -1));
    luaL_addvalue(result);
    return 1;
}

static int string_gsub(lua_State *L) {
    size_t count, length;
    const char *at = luaL_checklstring(L, 1, &count), *pattern = luaL_checklstring(L, 2, &length), *last = NULL;
    int type = lua_type(L, 3), changed = 0;
    luaL_argexpected(L, type == LUA_TNUMBER || type == LUA_TSTRING || type == LUA_TFUNCTION || type == LUA_TTABLE, 3,
                     "string/function/table");
    lua_Integer most = luaL_optinteger(L, 4, (lua_Integer)count + 1), made = 0;
    int anchored = length > 0 && *pattern == '^';
    tw_match m;
    tw_match_init(&m, L, at, count, pattern, length);
    luaL_Buffer result;
    luaL_buffinit(L, &result);
    while (made < most) {
        tw_poll(m.host, L);
        const char *end = tw_match_at(&m, at, pattern + anchored);
        if (end && end != last) {
            made++;
            changed |= add_replacement(&m, &result, type, at, end);
            at = last = end;
        } else if (at < m.subject_end) {
            luaL_addchar(&result, *at++);
        } else {
            break;
        }
        if (anchored) break;
    }
    if (!changed) {
        lua_pushvalue(L, 1);
    } else {
        luaL_addlstring(&result, at, (size_t)(m.subject_end - at));
        luaL_pushresult(&result);
    }
    lua_pushinteger(L, made);
    return 2;
}

/// Adds the four functions to the table on top of the stack.
void tw_open_patterns(lua_State *L) {
    static const luaL_Reg functions[] = {
        {"find", string_find}, {"gmatch", string_gmatch}, {"gsub", string_gsub}, {"match", string_match}, {NULL, NULL},
    };
    luaL_setfuncs(L, functions, 0);
}
