// Opening a state: the prelude, which is trusted, turns `host` into the globals that scripts see.
#include "host.h"

#include <stdlib.h>
#include <string.h>

typedef struct prelude {
    const char *chunk, *text;
    size_t count;
    int status;
} prelude;

/// host.type(name, metatable): instances of this name cross the border with this metatable. Its methods, the
/// functions in the table `__index`, must be complete by then.
static int host_type(lua_State *L) {
    luaL_checkstring(L, 1);
    luaL_checktype(L, 2, LUA_TTABLE);
    lua_settop(L, 2);
    lua_getfield(L, 2, "__index");
    if (lua_istable(L, 3)) tw_guard_functions(L, 3);
    lua_settop(L, 2);
    lua_pushvalue(L, 1);
    lua_setfield(L, 2, "__name");
    lua_pushboolean(L, 0);
    lua_setfield(L, 2, "__metatable");
    lua_rawgetp(L, LUA_REGISTRYINDEX, &tw_key_types);
    lua_pushvalue(L, 1);
    lua_pushvalue(L, 2);
    lua_rawset(L, 3);
    lua_pushvalue(L, 2);
    lua_pushvalue(L, 1);
    lua_rawset(L, 3);
    lua_settop(L, 2);
    return 1;
}

/// host.readonly(name, table): a view that cannot be changed.
static int host_readonly(lua_State *L) {
    const char *name = luaL_checkstring(L, 1);
    luaL_checktype(L, 2, LUA_TTABLE);
    lua_settop(L, 2);
    tw_freeze(L, name, 0);
    return 1;
}

/// host.text(string): the string with U+FFFD in place of what is not UTF-8.
static int host_text(lua_State *L) {
    size_t count, valid;
    const char *text = luaL_checklstring(L, 1, &count);
    luaL_Buffer result;
    luaL_buffinit(L, &result);
    while ((valid = tw_utf8_prefix(text, count)) != count) {
        luaL_addlstring(&result, text, valid);
        luaL_addstring(&result, "\xEF\xBF\xBD");
        text += valid + 1;
        count -= valid + 1;
    }
    luaL_addlstring(&result, text, count);
    luaL_pushresult(&result);
    return 1;
}

static void push_host(lua_State *L) {
    static const luaL_Reg functions[] = {
        {"array", tw_json_array}, {"command", tw_host_command}, {"error", tw_host_error},
        {"readonly", host_readonly}, {"text", host_text}, {"type", host_type}, {NULL, NULL},
    };
    luaL_newlib(L, functions);
    lua_pushlightuserdata(L, &tw_null);
    lua_setfield(L, -2, "null");
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &tw_key_functions) != LUA_TTABLE) {
        lua_pop(L, 1);
        lua_newtable(L);
    }
    lua_setfield(L, -2, "functions");
}

/// Adds `print` to the library on top of the stack when the host has a function for it.
static void add_print(lua_State *L) {
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &tw_key_functions) == LUA_TTABLE &&
        lua_getfield(L, -1, "print") == LUA_TFUNCTION) {
        lua_getupvalue(L, -1, 1);
        lua_pushcclosure(L, tw_print, 1);
        lua_setfield(L, -4, "print");
        lua_pop(L, 1);
    }
    lua_settop(L, 2);
}

/// Compiles the prelude with globals of its own over the library at index 2. Its result is left on the stack.
static int run(lua_State *L, prelude *p) {
    tw_host *host = tw_host_of(L);
    int code = tw_compile(L, p->chunk, p->text, p->count), results = 0;
    if (code) {
        tw_write_failure(host, L, NULL, code);
        return TW_FAILED;
    }
    lua_newtable(L);
    lua_pushcfunction(L, tw_prelude_error);
    lua_setfield(L, -2, "error");
    lua_createtable(L, 0, 1);
    lua_pushvalue(L, 2);
    lua_setfield(L, -2, "__index");
    lua_setmetatable(L, -2);
    lua_setupvalue(L, -2, 1);
    lua_State *thread = lua_newthread(L);
    lua_insert(L, -2);
    push_host(L);
    lua_xmove(L, thread, 2);
    int status = lua_resume(thread, L, 1, &results);
    if (status == LUA_OK) {
        lua_settop(thread, 1);
        lua_xmove(thread, L, 1);
        if (lua_istable(L, -1) || lua_isnil(L, -1)) return TW_OK;
        status = LUA_ERRRUN;
        lua_pushfstring(L, "%s: the prelude must return a table of globals", p->chunk + 1);
    } else {
        lua_xmove(thread, L, 1);
    }
    tw_write_failure(host, L, thread, status == LUA_ERRMEM ? TW_CODE_MEMORY : TW_CODE_RUNTIME);
    return TW_FAILED;
}

/// Copies the members of the table at `from` into the one at `to`.
static void merge(lua_State *L, int from, int to) {
    for (lua_pushnil(L); lua_next(L, from); lua_pop(L, 1)) {
        lua_pushvalue(L, -2);
        lua_pushvalue(L, -2);
        lua_rawset(L, to);
    }
}

static int open_body(lua_State *L) {
    prelude *p = lua_touserdata(L, 1);
    lua_newtable(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &tw_key_types);
    tw_end_weakness(L);
    tw_open_errors(L);
    tw_push_library(L);
    add_print(L);
    if (p->text) p->status = run(L, p);
    if (p->status != TW_OK) return 0;
    int own = lua_gettop(L);
    lua_newtable(L);
    int globals = lua_gettop(L);
    merge(L, 2, globals);
    if (p->text && lua_istable(L, own)) merge(L, own, globals);
    tw_freeze_globals(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &tw_key_environment);
    return 0;
}

int tw_host_open(tw_host *host, const char *chunk, const char *text, size_t count) {
    prelude p = {chunk, text, count, TW_OK};
    int status = tw_protect(host, open_body, &p);
    if (status == TW_OK) status = p.status;
    if (status == TW_OK && text && !(host->prelude = strdup(chunk))) {
        tw_write_failure_text(host, TW_CODE_MEMORY, "not enough memory");
        return TW_FAILED;
    }
    return status;
}
