// Tables that scripts share: they see an empty table whose metatable leads to the real one.
#include "host.h"

enum { TW_FREEZE_DEPTH = 8 };

int tw_push_proxied(lua_State *L, int index) {
    if (!lua_istable(L, index) || !lua_getmetatable(L, index)) return 0;
    if (lua_rawgetp(L, -1, &tw_key_proxied) == LUA_TTABLE) {
        lua_remove(L, -2);
        return 1;
    }
    lua_pop(L, 2);
    return 0;
}

/// Upvalue: the table's name.
static int refuse_field(lua_State *L) {
    const char *name = lua_tostring(L, lua_upvalueindex(1));
    if (lua_type(L, 2) == LUA_TSTRING)
        return tw_error(L, "attempt to set '%s.%s'; '%s' is read-only", name, lua_tostring(L, 2), name);
    return tw_error(L, "attempt to change '%s', which is read-only", name);
}

static int refuse_global(lua_State *L) {
    const char *name = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "?";
    return tw_error(L, "attempt to set global '%s'; use local, or store for what must last", name);
}

/// Upvalue: the table behind the view, which must not become visible as `pairs`' second result.
static int pairs_proxied(lua_State *L) {
    tw_push_iterator(L, lua_upvalueindex(1));
    lua_pushvalue(L, 1);
    lua_pushnil(L);
    return 3;
}

static int length_proxied(lua_State *L) {
    lua_pushinteger(L, luaL_len(L, lua_upvalueindex(1)));
    return 1;
}

/// Replaces the table on top by a view of it; `refusal` is a function on the stack just below it.
static void push_view(lua_State *L) {
    int table = lua_gettop(L), refusal = table - 1;
    lua_newtable(L);
    lua_createtable(L, 0, 6);
    lua_pushvalue(L, table);
    lua_setfield(L, -2, "__index");
    lua_pushvalue(L, refusal);
    lua_setfield(L, -2, "__newindex");
    lua_pushvalue(L, table);
    lua_pushcclosure(L, pairs_proxied, 1);
    lua_setfield(L, -2, "__pairs");
    lua_pushvalue(L, table);
    lua_pushcclosure(L, length_proxied, 1);
    lua_setfield(L, -2, "__len");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_pushvalue(L, table);
    lua_rawsetp(L, -2, &tw_key_proxied);
    lua_setmetatable(L, -2);
    lua_replace(L, refusal);
    lua_settop(L, refusal);
}

static int is_plain(lua_State *L, int index) {
    if (!lua_istable(L, index)) return 0;
    if (!lua_getmetatable(L, index)) return 1;
    lua_pop(L, 1);
    return 0;
}

static int guard_continued(lua_State *L, int status, lua_KContext context) {
    (void)status, (void)context;
    return lua_gettop(L);
}

int tw_guard(lua_State *L) {
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_callk(L, lua_gettop(L) - 1, LUA_MULTRET, 0, guard_continued);
    return lua_gettop(L);
}

void tw_guard_functions(lua_State *L, int table) {
    table = lua_absindex(L, table);
    for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1)) {
        if (!lua_isfunction(L, -1) || lua_iscfunction(L, -1)) continue;
        lua_pushvalue(L, -2);
        lua_pushvalue(L, -2);
        lua_pushcclosure(L, tw_guard, 1);
        lua_rawset(L, table);
    }
}

void tw_freeze(lua_State *L, const char *name, int depth) {
    luaL_checkstack(L, LUA_MINSTACK, "globals");
    if (depth > TW_FREEZE_DEPTH) luaL_error(L, "'%s' is nested too deeply to be made read-only", name);
    int table = lua_gettop(L);
    tw_guard_functions(L, table);
    for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1)) {
        if (!is_plain(L, -1) || lua_type(L, -2) != LUA_TSTRING) continue;
        const char *inner = lua_pushfstring(L, "%s.%s", name, lua_tostring(L, -2));
        lua_insert(L, -2);
        tw_freeze(L, inner, depth + 1);
        lua_remove(L, -2);
        lua_pushvalue(L, -2);
        lua_pushvalue(L, -2);
        lua_rawset(L, table);
    }
    lua_pushstring(L, name);
    lua_pushcclosure(L, refuse_field, 1);
    lua_insert(L, table);
    push_view(L);
}

void tw_freeze_globals(lua_State *L) {
    int globals = lua_gettop(L);
    tw_guard_functions(L, globals);
    for (lua_pushnil(L); lua_next(L, globals); lua_pop(L, 1)) {
        if (!is_plain(L, -1) || lua_type(L, -2) != LUA_TSTRING) continue;
        tw_freeze(L, lua_tostring(L, -2), 0);
        lua_pushvalue(L, -2);
        lua_pushvalue(L, -2);
        lua_rawset(L, globals);
    }
    lua_pushcfunction(L, refuse_global);
    lua_pushvalue(L, globals);
    push_view(L);
    lua_pushvalue(L, -1);
    lua_setfield(L, globals, "_G");
    lua_remove(L, globals);
}

int tw_rawset(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_checkany(L, 2);
    luaL_checkany(L, 3);
    lua_settop(L, 3);
    if (tw_push_proxied(L, 1)) return tw_error(L, "attempt to change a table that is read-only");
    lua_rawset(L, 1);
    return 1;
}

int tw_rawget(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_checkany(L, 2);
    lua_settop(L, 2);
    if (tw_push_proxied(L, 1)) lua_replace(L, 1);
    lua_rawget(L, 1);
    return 1;
}

int tw_rawlen(lua_State *L) {
    int type = lua_type(L, 1);
    luaL_argexpected(L, type == LUA_TTABLE || type == LUA_TSTRING, 1, "table or string");
    if (tw_push_proxied(L, 1)) lua_replace(L, 1);
    lua_pushinteger(L, (lua_Integer)lua_rawlen(L, 1));
    return 1;
}

/// As in the manual, but without finalizers, which run outside every limit, and without weak tables, whose contents
/// depend on when the collector runs.
int tw_setmetatable(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    int type = lua_type(L, 2);
    luaL_argexpected(L, type == LUA_TNIL || type == LUA_TTABLE, 2, "nil or table");
    if (luaL_getmetafield(L, 1, "__metatable") != LUA_TNIL) return luaL_error(L, "cannot change a protected metatable");
    if (type == LUA_TTABLE) {
        lua_pushliteral(L, "__gc");
        if (lua_rawget(L, 2) != LUA_TNIL) return luaL_error(L, "finalizers (__gc) are not available");
        lua_pushliteral(L, "__mode");
        if (lua_rawget(L, 2) != LUA_TNIL) return luaL_error(L, "weak tables (__mode) are not available");
    }
    lua_settop(L, 2);
    lua_setmetatable(L, 1);
    return 1;
}
