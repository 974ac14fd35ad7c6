// require: finds only the modules that the host gave, compiles each once, and runs it anew in every run.
#include "host.h"

/// Pushes the compiled module `name`, or raises.
static void push_module(lua_State *L, const char *name) {
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &tw_key_modules) != LUA_TTABLE || lua_getfield(L, -1, name) == LUA_TNIL)
        tw_error(L, "module '%s' not found among the pack's own (the files in its lib folder)", name);
    if (lua_isfunction(L, -1)) return;
    int module = lua_gettop(L);
    size_t count;
    lua_rawgeti(L, module, 1);
    lua_rawgeti(L, module, 2);
    const char *text = lua_tolstring(L, -1, &count);
    if (tw_compile(L, lua_tostring(L, -2), text, count)) lua_error(L);
    lua_pushvalue(L, -1);
    lua_setfield(L, module - 1, name);
}

/// Pushes the table of what this run has required.
static void push_loaded(lua_State *L, tw_host *host) {
    if (!host->run) tw_error(L, "the prelude cannot require modules");
    lua_rawgeti(L, LUA_REGISTRYINDEX, host->run->anchor);
    if (lua_rawgeti(L, -1, 2) == LUA_TTABLE) return;
    lua_pop(L, 1);
    lua_newtable(L);
    lua_pushvalue(L, -1);
    lua_rawseti(L, -3, 2);
}

/// Keeps what the module returned, which is on top of the stack, in the table at index `loaded`.
static int finish_require(lua_State *L, int status, lua_KContext loaded) {
    (void)status;
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        lua_pushboolean(L, 1);
    }
    lua_pushvalue(L, -1);
    lua_setfield(L, (int)loaded, lua_tostring(L, 1));
    return 1;
}

/// While the run's own file is loading, commands are refused for that reason, and the module may pause. Later it must
/// not be yielded through, since that is what refuses commands then.
int tw_require(lua_State *L) {
    const char *name = luaL_checkstring(L, 1);
    lua_settop(L, 1);
    push_loaded(L, tw_host_of(L));
    int loaded = lua_gettop(L);
    if (lua_getfield(L, loaded, name) != LUA_TNIL) {
        if (lua_touserdata(L, -1) == &tw_key_modules)
            return tw_error(L, "module '%s' requires itself, or has failed to load before", name);
        return 1;
    }
    push_module(L, name);
    lua_pushlightuserdata(L, &tw_key_modules);
    lua_setfield(L, loaded, name);
    lua_pushvalue(L, 1);
    if (tw_host_of(L)->run->loading)
        lua_callk(L, 1, 1, loaded, finish_require);
    else
        lua_call(L, 1, 1);
    return finish_require(L, LUA_OK, loaded);
}
