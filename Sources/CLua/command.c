// What leaves a script: commands, which wait for the host, and host functions, which answer at once.
#include "host.h"

#include <string.h>

static int is_guard(lua_State *thread, lua_Debug *frame) {
    lua_getinfo(thread, "f", frame);
    int same = lua_tocfunction(thread, -1) == tw_guard;
    lua_pop(thread, 1);
    return same;
}

/// The name of the C function on the stack that keeps `thread` from waiting, or NULL.
static const char *blocking_function(lua_State *thread, int *is_require) {
    lua_Debug frame;
    for (int level = 1; lua_getstack(thread, level, &frame); level++) {
        lua_getinfo(thread, "Sn", &frame);
        if (*frame.what != 'C' || is_guard(thread, &frame)) continue;
        *is_require = frame.name && strcmp(frame.name, "require") == 0;
        return frame.name;
    }
    return NULL;
}

static int refuse(lua_State *L, lua_State *thread, const char *name) {
    int is_require = 0;
    luaL_checkstack(L, 4, "command");
    if (!lua_checkstack(thread, 2)) return luaL_error(L, "stack overflow");
    const char *function = blocking_function(thread, &is_require);
    if (is_require)
        return tw_error(L, "loading has no effects: %s cannot be used while a file is loading", name);
    if (!function)
        return tw_error(L, "%s cannot be used here: this function was called by one that cannot wait", name);
    return tw_error(L, "%s cannot be used inside %s, which cannot wait; use it before or after, and only compute there",
                    name, function);
}

/// A command must be able to travel through every coroutine of the chain.
static void check_may_wait(tw_host *host, lua_State *L, const char *name) {
    if (!host->run) tw_error(L, "%s cannot be used while the prelude is loading", name);
    if (host->run->loading)
        tw_error(L, "loading has no effects: %s cannot be used while a file is loading", name);
    if (!lua_isyieldable(L)) refuse(L, L, name);
    for (int i = 0; i < host->depth; i++)
        if (!lua_isyieldable(host->chain[i])) refuse(L, host->chain[i], name);
}

int tw_raise_failure(lua_State *L, lua_Integer level) {
    int base = lua_gettop(L);
    luaL_checkstack(L, LUA_MINSTACK, "failure");
    if (tw_push_input(L) != 5) return luaL_error(L, "malformed failure");
    if (lua_tointeger(L, base + 4) == 0) level = 0;
    lua_pushvalue(L, base + 1);
    lua_setfield(L, base + 5, "code");
    lua_pushvalue(L, base + 2);
    lua_setfield(L, base + 5, "message");
    lua_pushvalue(L, base + 3);
    lua_setfield(L, base + 5, "retryable");
    tw_push_error(L, base + 5, level);
    return lua_error(L);
}

static int command_continued(lua_State *L, int status, lua_KContext context) {
    (void)status, (void)context;
    lua_Integer level = lua_tointeger(L, 1);
    lua_settop(L, 2);
    if (tw_host_of(L)->input_kind == TW_FAILURE) return tw_raise_failure(L, level);
    return tw_push_input(L);
}

static void write_position(lua_State *L, tw_host *host) {
    lua_Debug frame;
    if (!tw_script_frame(L, &frame)) {
        tw_write_tag(&host->output, TW_TAG_NIL);
        tw_write_integer(&host->output, 0);
        return;
    }
    const char *file = frame.source[0] == '@' ? frame.source + 1 : frame.short_src;
    tw_write_raw_string(&host->output, file, strlen(file));
    tw_write_integer(&host->output, frame.currentline);
}

static void write_arguments(lua_State *L, const char *name, int first) {
    int top = lua_gettop(L);
    for (int i = first; i <= top; i++) tw_write_value(L, i, TW_STRICT, name, i - first + 1);
}

/// host.command(level, name, ...): yields to the host and returns what it answers. The failure that it may
/// raise instead blames the innermost line of a script, or nobody when `level` is 0.
int tw_host_command(lua_State *L) {
    tw_host *host = tw_host_of(L);
    luaL_checkinteger(L, 1);
    size_t count;
    const char *name = luaL_checklstring(L, 2, &count);
    check_may_wait(host, L, name);
    host->output.count = 0;
    tw_write_string(L, name, count);
    write_position(L, host);
    write_arguments(L, name, 3);
    host->awaiting = 1;
    return lua_yieldk(L, 0, 0, command_continued);
}

static int call(lua_State *L, int index, const char *name, int first) {
    tw_host *host = tw_host_of(L);
    host->output.count = 0;
    write_arguments(L, name, first);
    int failed = host->function(host->context, host, index, host->output.bytes, host->output.count);
    if (failed) return tw_raise_failure(L, 1);
    return tw_push_input(L);
}

/// host.functions.NAME(...); upvalues: index, name.
int tw_call_function(lua_State *L) {
    return call(L, (int)lua_tointeger(L, lua_upvalueindex(1)), lua_tostring(L, lua_upvalueindex(2)), 1);
}

/// print(...), when the host has a function of that name: gives it one line, with tabs between the values.
/// Upvalue: index.
int tw_print(lua_State *L) {
    int top = lua_gettop(L);
    luaL_Buffer line;
    luaL_buffinit(L, &line);
    for (int i = 1; i <= top; i++) {
        if (i > 1) luaL_addchar(&line, '\t');
        tw_push_text(L, i);
        luaL_addvalue(&line);
    }
    luaL_pushresult(&line);
    return call(L, (int)lua_tointeger(L, lua_upvalueindex(1)), "print", top + 1);
}
