// The functions of the base library that must not be the stock ones: xpcall, whose handler would see a stop, and
// tostring, which shows addresses.
#include "host.h"

/// Calls the handler in the upvalue, unless the script is being stopped: then nothing of it runs any more.
static int handle(lua_State *L) {
    tw_host *host = tw_host_of(L);
    if (host->stopped || host->pending > TW_STOP_PAUSE) return 1;
    lua_settop(L, 1);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, 1, 1);
    return 1;
}

/// The stack holds true, the handler's wrapper, and the results.
static int finish_xpcall(lua_State *L, int status, lua_KContext context) {
    (void)context;
    if (status == LUA_OK || status == LUA_YIELD) {
        lua_remove(L, 2);
        return lua_gettop(L);
    }
    lua_pushboolean(L, 0);
    lua_insert(L, -2);
    return 2;
}

/// xpcall(f, handler, ...)
int tw_xpcall(lua_State *L) {
    luaL_checktype(L, 2, LUA_TFUNCTION);
    int arguments = lua_gettop(L) - 2;
    lua_pushboolean(L, 1);
    lua_pushvalue(L, 2);
    lua_pushcclosure(L, handle, 1);
    lua_pushvalue(L, 1);
    lua_rotate(L, 3, 3);
    lua_remove(L, 1);
    lua_remove(L, 1);
    int status = lua_pcallk(L, arguments, LUA_MULTRET, 2, 0, finish_xpcall);
    return finish_xpcall(L, status, 0);
}

/// What a weak table holds depends on when the collector runs, so scripts may have none. setmetatable refuses `__mode`,
/// but a script can add it afterwards, when only the collector looks. The collector compares that key by its address,
/// which is that of the one string "__mode" made as the state is (Source: Lua 5.4, ltm.c, luaT_init; lstring.c,
/// internshrstr). So that string gets another text: ours, made before, goes on to be found by its address, and a
/// script's "__mode" is a new string like any other.
void tw_end_weakness(lua_State *L) {
    lua_createtable(L, 0, 1);
    lua_pushliteral(L, "__mode");
    char *name = (char *)lua_tostring(L, -1);
    lua_pushliteral(L, "k");
    lua_rawset(L, -3);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &tw_key_weak);
    memcpy(name, "\001\001mode", 6);
}

/// The number of an object in this run: objects are numbered as they are first shown.
static lua_Integer number_of(lua_State *L, int index) {
    tw_host *host = tw_host_of(L);
    if (!host->run) return 0;
    luaL_checkstack(L, 6, "tostring");
    lua_rawgeti(L, LUA_REGISTRYINDEX, host->run->anchor);
    if (lua_rawgeti(L, -1, 3) != LUA_TTABLE) {
        lua_pop(L, 1);
        lua_newtable(L);
        lua_rawgetp(L, LUA_REGISTRYINDEX, &tw_key_weak);
        lua_setmetatable(L, -2);
        lua_pushvalue(L, -1);
        lua_rawseti(L, -3, 3);
    }
    lua_pushvalue(L, index);
    if (lua_rawget(L, -2) == LUA_TNIL) {
        lua_pop(L, 1);
        lua_pushvalue(L, index);
        lua_pushinteger(L, ++host->run->objects);
        lua_rawset(L, -3);
        lua_pushinteger(L, host->run->objects);
    }
    lua_Integer number = lua_tointeger(L, -1);
    lua_pop(L, 3);
    return number;
}

/// Pushes the text of the value at `index` as luaL_tolstring does, with a number in place of an address.
void tw_push_text(lua_State *L, int index) {
    index = lua_absindex(L, index);
    int type = lua_type(L, index);
    int shows_address = type == LUA_TTABLE || type == LUA_TFUNCTION || type == LUA_TTHREAD || type == LUA_TUSERDATA;
    if (!shows_address || luaL_getmetafield(L, index, "__tostring") != LUA_TNIL) {
        lua_settop(L, lua_gettop(L) - shows_address);
        luaL_tolstring(L, index, NULL);
        return;
    }
    const char *name = luaL_typename(L, index);
    if (luaL_getmetafield(L, index, "__name") == LUA_TSTRING) name = lua_tostring(L, -1);
    lua_pushfstring(L, "%s: %I", name, (LUAI_UACINT)number_of(L, index));
}

int tw_tostring(lua_State *L) {
    luaL_checkany(L, 1);
    tw_push_text(L, 1);
    return 1;
}

/// collectgarbage("count"), which must not differ between a run and its replay, answers 0; the other options would
/// let a script steer the collector.
int tw_collectgarbage(lua_State *L) {
    static const char *const options[] = {"count", NULL};
    luaL_checkoption(L, 1, NULL, options);
    lua_pushnumber(L, 0);
    return 1;
}
