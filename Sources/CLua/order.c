// pairs and next in an order that does not depend on where things lie in memory: 1, 2, 3, ... first, then other
// numbers by value, strings by their bytes, false, true, json.null, and at most one table, function or coroutine.
//
// pairs takes the keys as they are when it is called. As in the manual, fields may be changed and cleared
// meanwhile; a cleared field is not visited, and a field that was added is not either.
#include "host.h"

#include <stdlib.h>
#include <string.h>

enum { KEY_INDEX, KEY_NUMBER, KEY_STRING, KEY_BOOLEAN, KEY_NULL, KEY_OBJECT };

/// Tables of up to so many keys are sorted by insertion.
enum { TW_FEW_KEYS = 24 };

typedef struct sort_key {
    int kind;
    int position;
    /// Whether a number is an integer.
    int whole;
    lua_Integer integer;
    lua_Number number;
    const char *bytes;
    size_t count;
} sort_key;

/// Describes the key at `index`. Strings stay where they are as long as the key exists.
static sort_key describe(lua_State *L, int index) {
    sort_key key = {.kind = KEY_OBJECT};
    switch (lua_type(L, index)) {
        case LUA_TNUMBER:
            key.number = lua_tonumber(L, index);
            key.kind = KEY_NUMBER;
            if (lua_isinteger(L, index)) {
                key.whole = 1;
                key.integer = lua_tointeger(L, index);
                if (key.integer > 0) key.kind = KEY_INDEX;
            }
            break;
        case LUA_TSTRING:
            key.kind = KEY_STRING;
            key.bytes = lua_tolstring(L, index, &key.count);
            break;
        case LUA_TBOOLEAN:
            key.kind = KEY_BOOLEAN;
            key.integer = lua_toboolean(L, index);
            break;
        case LUA_TLIGHTUSERDATA: key.kind = KEY_NULL; break;
    }
    return key;
}

static int compare(const void *a, const void *b) {
    const sort_key *x = a, *y = b;
    if (x->kind != y->kind) return x->kind < y->kind ? -1 : 1;
    if (x->kind == KEY_NUMBER && x->number != y->number) return x->number < y->number ? -1 : 1;
    if (x->kind == KEY_STRING) {
        int order = memcmp(x->bytes, y->bytes, x->count < y->count ? x->count : y->count);
        return order ? order : (x->count > y->count) - (x->count < y->count);
    }
    return (x->integer > y->integer) - (x->integer < y->integer);
}

/// Whether Lua visits the table at `index` in our order by itself, as it does with lists.
static int is_natural(lua_State *L, int index) {
    lua_Integer last = 0;
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
        tw_poll(tw_host_of(L), L);
        if (lua_isinteger(L, -2) && lua_tointeger(L, -2) > last) {
            last = lua_tointeger(L, -2);
            continue;
        }
        lua_pop(L, 2);
        return 0;
    }
    return 1;
}

static lua_Integer count_keys(lua_State *L, int index) {
    lua_Integer count = 0, objects = 0;
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
        tw_poll(tw_host_of(L), L);
        count++;
        int type = lua_type(L, -2);
        if (type == LUA_TTABLE || type == LUA_TFUNCTION || type == LUA_TTHREAD || type == LUA_TUSERDATA) objects++;
        if (objects > 1)
            return tw_error(L, "a table with more than one table, function or coroutine as key has no fixed order; "
                               "keep them in a list");
    }
    return count;
}

static void push_key(lua_State *L, const sort_key *key) {
    switch (key->kind) {
        case KEY_STRING: lua_pushlstring(L, key->bytes, key->count); break;
        case KEY_BOOLEAN: lua_pushboolean(L, (int)key->integer); break;
        case KEY_NULL: lua_pushlightuserdata(L, &tw_null); break;
        default: key->whole ? lua_pushinteger(L, key->integer) : lua_pushnumber(L, key->number);
    }
}

/// `push_keys` for tables of few keys and no objects among them, which is most: returns 0, with nothing pushed, for
/// others.
static int push_few_keys(lua_State *L, int index) {
    sort_key keys[TW_FEW_KEYS];
    int count = 0;
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1), count++) {
        sort_key key = {.kind = KEY_OBJECT};
        if (count < TW_FEW_KEYS) key = describe(L, -2);
        if (key.kind == KEY_OBJECT) {
            lua_pop(L, 2);
            return 0;
        }
        int place = count;
        for (; place > 0 && compare(&keys[place - 1], &key) > 0; place--) keys[place] = keys[place - 1];
        keys[place] = key;
    }
    lua_createtable(L, count, 0);
    for (int i = 0; i < count; i++) {
        push_key(L, &keys[i]);
        lua_rawseti(L, -2, i + 1);
    }
    return 1;
}

/// Pushes a list of the keys of the table at `index` in order, or false when Lua's own order will do.
static void push_keys(lua_State *L, int index) {
    luaL_checkstack(L, LUA_MINSTACK, "pairs");
    if (is_natural(L, index)) {
        lua_pushboolean(L, 0);
        return;
    }
    if (push_few_keys(L, index)) return;
    lua_Integer count = count_keys(L, index);
    lua_createtable(L, (int)count, 0);
    lua_createtable(L, (int)count, 0);
    sort_key *keys = lua_newuserdatauv(L, sizeof *keys * (size_t)count, 0);
    int sorted = lua_gettop(L) - 2, unsorted = sorted + 1, n = 0;
    for (lua_pushnil(L); n < count && lua_next(L, index); lua_pop(L, 1)) {
        keys[n] = describe(L, -2);
        keys[n].position = n + 1;
        lua_pushvalue(L, -2);
        lua_rawseti(L, unsorted, ++n);
    }
    qsort(keys, (size_t)n, sizeof *keys, compare);
    for (int i = 0; i < n; i++) {
        lua_rawgeti(L, unsorted, keys[i].position);
        lua_rawseti(L, sorted, i + 1);
    }
    lua_settop(L, sorted);
}

/// The next key of the list at `keys` after `*position` that the table still has: pushes it with its value and
/// returns 1, or returns 0.
static int push_next(lua_State *L, int table, int keys, lua_Integer *position) {
    for (;;) {
        if (lua_rawgeti(L, keys, ++*position) == LUA_TNIL) {
            lua_pop(L, 1);
            return 0;
        }
        lua_pushvalue(L, -1);
        if (lua_rawget(L, table) != LUA_TNIL) return 1;
        lua_pop(L, 2);
    }
}

/// Upvalues: table, keys, position.
static int next_sorted(lua_State *L) {
    lua_Integer position = lua_tointeger(L, lua_upvalueindex(3));
    lua_settop(L, 0);
    int found = push_next(L, lua_upvalueindex(1), lua_upvalueindex(2), &position);
    lua_pushinteger(L, position);
    lua_replace(L, lua_upvalueindex(3));
    if (!found) lua_pushnil(L);
    return found ? 2 : 1;
}

/// Upvalue: table.
static int next_natural(lua_State *L) {
    lua_settop(L, 2);
    if (lua_next(L, lua_upvalueindex(1))) return 2;
    lua_pushnil(L);
    return 1;
}

void tw_push_iterator(lua_State *L, int index) {
    index = lua_absindex(L, index);
    push_keys(L, index);
    lua_pushvalue(L, index);
    if (lua_istable(L, -2)) {
        lua_insert(L, -2);
        lua_pushinteger(L, 0);
        lua_pushcclosure(L, next_sorted, 3);
    } else {
        lua_pushcclosure(L, next_natural, 1);
        lua_remove(L, -2);
    }
}

static int pairs_continued(lua_State *L, int status, lua_KContext context) {
    (void)L, (void)status, (void)context;
    return 3;
}

int tw_pairs(lua_State *L) {
    luaL_checkany(L, 1);
    lua_settop(L, 1);
    if (luaL_getmetafield(L, 1, "__pairs") != LUA_TNIL) {
        lua_pushvalue(L, 1);
        lua_callk(L, 1, 3, 0, pairs_continued);
        return 3;
    }
    luaL_checktype(L, 1, LUA_TTABLE);
    tw_push_iterator(L, 1);
    lua_pushvalue(L, 1);
    lua_pushnil(L);
    return 3;
}

/// Pushes the smallest key of the table at 1 with its value; returns how many values that is.
static int push_first(lua_State *L) {
    if (lua_rawgeti(L, 1, 1) != LUA_TNIL) {
        lua_pushinteger(L, 1);
        lua_insert(L, -2);
        return 2;
    }
    lua_settop(L, 1);
    push_keys(L, 1);
    lua_Integer position = 0;
    if (lua_istable(L, 2)) return push_next(L, 1, 2, &position) ? 2 : 0;
    lua_pushnil(L);
    return lua_next(L, 1) ? 2 : (lua_pushnil(L), 1);
}

/// Pushes the list of the table at 1 that the last `next` left behind, with its position, or a new one. Left in the
/// run's anchor at 4: { table, list or false, position }.
static void push_cached(lua_State *L, int anchor) {
    if (lua_rawgeti(L, anchor, 4) == LUA_TTABLE) {
        lua_rawgeti(L, -1, 1);
        int same = lua_rawequal(L, -1, 1);
        lua_pop(L, 1);
        if (same) return;
    }
    lua_pop(L, 1);
    lua_createtable(L, 3, 0);
    lua_pushvalue(L, 1);
    lua_rawseti(L, -2, 1);
    push_keys(L, 1);
    lua_rawseti(L, -2, 2);
    lua_pushinteger(L, 0);
    lua_rawseti(L, -2, 3);
    lua_pushvalue(L, -1);
    lua_rawseti(L, anchor, 4);
}

/// Moves `*position` to the key at 2 in the list at `keys`, or to the last that belongs before it.
static void seek(lua_State *L, int keys, lua_Integer *position) {
    lua_rawgeti(L, keys, *position);
    int at_key = lua_rawequal(L, -1, 2);
    lua_pop(L, 1);
    if (at_key) return;
    sort_key key = describe(L, 2);
    for (*position = 0;; ++*position) {
        tw_poll(tw_host_of(L), L);
        if (lua_rawgeti(L, keys, *position + 1) == LUA_TNIL) break;
        sort_key other = describe(L, -1);
        if (compare(&other, &key) > 0) break;
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
}

int tw_next(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 2);
    if (tw_push_proxied(L, 1)) lua_replace(L, 1);
    tw_host *host = tw_host_of(L);
    if (!host->run) return lua_next(L, 1) ? 2 : (lua_pushnil(L), 1);
    lua_rawgeti(L, LUA_REGISTRYINDEX, host->run->anchor);
    if (lua_isnil(L, 2)) {
        lua_pushnil(L);
        lua_rawseti(L, 3, 4);
        int count = push_first(L);
        return count ? count : (lua_pushnil(L), 1);
    }
    push_cached(L, 3);
    int cache = 4;
    if (lua_rawgeti(L, cache, 2) != LUA_TTABLE) {
        lua_settop(L, 2);
        return lua_next(L, 1) ? 2 : (lua_pushnil(L), 1);
    }
    lua_rawgeti(L, cache, 3);
    lua_Integer position = lua_tointeger(L, -1);
    seek(L, 5, &position);
    int found = push_next(L, 1, 5, &position);
    lua_pushinteger(L, position);
    lua_rawseti(L, cache, 3);
    return found ? 2 : (lua_pushnil(L), 1);
}
