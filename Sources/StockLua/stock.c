#include "StockLua.h"

#include <lua5.4/lauxlib.h>
#include <lua5.4/lua.h>
#include <lua5.4/lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct stock_lua {
    lua_State *L;
    int function;
    char message[512];
};

static int add(lua_State *L) {
    lua_pushinteger(L, luaL_checkinteger(L, 1) + luaL_checkinteger(L, 2));
    return 1;
}

static int echo(lua_State *L) {
    size_t count;
    const char *text = luaL_checklstring(L, 1, &count);
    lua_pushlstring(L, text, count);
    return 1;
}

stock_lua *stock_lua_new(void) {
    stock_lua *lua = calloc(1, sizeof *lua);
    if (!lua) return NULL;
    lua->L = luaL_newstate();
    if (!lua->L) {
        free(lua);
        return NULL;
    }
    luaL_openlibs(lua->L);
    lua_register(lua->L, "add", add);
    lua_register(lua->L, "echo", echo);
    lua->function = LUA_NOREF;
    return lua;
}

void stock_lua_free(stock_lua *lua) {
    lua_close(lua->L);
    free(lua);
}

/// Takes the message from the top of the stack.
static int fail(stock_lua *lua) {
    snprintf(lua->message, sizeof lua->message, "%s", lua_tostring(lua->L, -1));
    lua_settop(lua->L, 0);
    return 1;
}

int stock_lua_load(stock_lua *lua, const char *text) {
    if (luaL_loadstring(lua->L, text) != LUA_OK) return fail(lua);
    luaL_unref(lua->L, LUA_REGISTRYINDEX, lua->function);
    lua->function = luaL_ref(lua->L, LUA_REGISTRYINDEX);
    return 0;
}

int stock_lua_run(stock_lua *lua) {
    lua_rawgeti(lua->L, LUA_REGISTRYINDEX, lua->function);
    return lua_pcall(lua->L, 0, 0, 0) == LUA_OK ? 0 : fail(lua);
}

const char *stock_lua_message(const stock_lua *lua) { return lua->message; }

long long stock_lua_thread_time(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (long long)now.tv_sec * 1000000000 + now.tv_nsec;
}

double stock_lua_yield_time(stock_lua *lua, int count) {
    int results = 0;
    lua_State *thread = lua_newthread(lua->L);
    if (luaL_loadstring(thread, "local yield = coroutine.yield while true do yield(1) end")) return -1;
    lua_resume(thread, lua->L, 0, &results);
    long long start = stock_lua_thread_time();
    for (int i = 0; i < count; i++) {
        lua_settop(thread, 0);
        lua_resume(thread, lua->L, 0, &results);
    }
    long long taken = stock_lua_thread_time() - start;
    lua_settop(lua->L, 0);
    return (double)taken / count;
}
