// The coroutine library, as the manual describes it, except that a command passes through to the host: a
// coroutine that yields one makes the coroutine that resumed it yield too, and is resumed on the way back.
#include "host.h"

/// Nested coroutine.close calls. Lua 5.4.4 does not count the C stack that each takes, about 0.8 KB; a chain of
/// coroutines that close each other overflows it. Counted since Lua 5.4.5.
enum { TW_CLOSE_LIMIT = 32 };

/// Resumes `thread` and keeps the chain, which errors and yields leave in order, since both return here.
int tw_enter(tw_host *host, lua_State *from, lua_State *thread, int arguments, int *results) {
    host->chain[host->depth] = thread;
    host->depth++;
    tw_arm_if_pending(host);
    int status = lua_resume(thread, from, arguments, results);
    host->depth--;
    tw_arm_if_pending(host);
    return status;
}

static lua_State *thread_at(lua_State *L, int index) {
    lua_State *thread = lua_tothread(L, index);
    luaL_argexpected(L, thread, index, "coroutine");
    return thread;
}

static const char *status_of(lua_State *L, lua_State *thread) {
    if (L == thread) return "running";
    lua_Debug frame;
    switch (lua_status(thread)) {
        case LUA_YIELD: return "suspended";
        case LUA_OK:
            if (lua_getstack(thread, 0, &frame)) return "normal";
            return lua_gettop(thread) == 0 ? "dead" : "suspended";
        default: return "dead";
    }
}

static int continue_resume(lua_State *L, int status, lua_KContext context);
static int continue_wrap(lua_State *L, int status, lua_KContext context);

/// Whether a command, a pause or a stop is on its way out to the host.
static int is_passing(lua_State *L) {
    const tw_host *host = tw_host_of(L);
    return host->awaiting || host->pausing || host->stopped;
}

static int pass_on(lua_State *L, int status, lua_KFunction continuation) {
    if (tw_host_of(L)->stopped) return tw_stop(L);
    if (status != LUA_YIELD) return luaL_error(L, "a coroutine ended while it waited");
    return lua_yieldk(L, 0, 0, continuation);
}

/// Moves `results` values over; 0 when L has no room for them.
static int move_results(lua_State *L, lua_State *thread, int results) {
    if (!lua_checkstack(L, results + 1)) {
        lua_pop(thread, results);
        return 0;
    }
    lua_xmove(thread, L, results);
    return 1;
}

static int finish_resume(lua_State *L, lua_State *thread, int status, int results) {
    if (is_passing(L)) return pass_on(L, status, continue_resume);
    if (status == LUA_OK || status == LUA_YIELD) {
        lua_pushboolean(L, 1);
        if (move_results(L, thread, results)) return results + 1;
        lua_pop(L, 1);
        lua_pushboolean(L, 0);
        lua_pushliteral(L, "too many results to resume");
        return 2;
    }
    lua_pushboolean(L, 0);
    lua_xmove(thread, L, 1);
    return 2;
}

static int continue_resume(lua_State *L, int status, lua_KContext context) {
    (void)status, (void)context;
    int results = 0;
    lua_settop(L, 1);
    lua_State *thread = lua_tothread(L, 1);
    status = tw_enter(tw_host_of(L), L, thread, 0, &results);
    return finish_resume(L, thread, status, results);
}

/// Why `thread` cannot be resumed with `arguments`, or NULL.
static const char *obstacle(lua_State *L, lua_State *thread, int arguments) {
    const char *state = status_of(L, thread);
    if (*state == 'd') return "cannot resume dead coroutine";
    if (*state != 's') return "cannot resume non-suspended coroutine";
    if (tw_host_of(L)->depth == TW_CHAIN_LIMIT) return "too many coroutines inside each other";
    return lua_checkstack(thread, arguments + 1) ? NULL : "too many arguments to resume";
}

static int co_resume(lua_State *L) {
    lua_State *thread = thread_at(L, 1);
    int arguments = lua_gettop(L) - 1, results = 0;
    const char *problem = obstacle(L, thread, arguments);
    if (problem) {
        lua_pushboolean(L, 0);
        lua_pushstring(L, problem);
        return 2;
    }
    lua_xmove(L, thread, arguments);
    int status = tw_enter(tw_host_of(L), L, thread, arguments, &results);
    return finish_resume(L, thread, status, results);
}

/// Closes a suspended or dead coroutine; its `__close` metamethods run on its own stack.
static int close_thread(lua_State *L, lua_State *thread) {
    tw_host *host = tw_host_of(L);
    if (host->closing == TW_CLOSE_LIMIT || host->depth == TW_CHAIN_LIMIT)
        return tw_error(L, "too many coroutines closing each other");
    tw_poll(host, L);
    host->closing++;
    host->chain[host->depth] = thread;
    host->depth++;
    int status = lua_resetthread(thread);
    host->depth--;
    host->closing--;
    tw_arm_if_pending(host);
    tw_poll(host, L);
    return status;
}

static int finish_wrap(lua_State *L, lua_State *thread, int status, int results) {
    if (is_passing(L)) return pass_on(L, status, continue_wrap);
    if (status == LUA_OK || status == LUA_YIELD) {
        if (move_results(L, thread, results)) return results;
        return luaL_error(L, "too many results to resume");
    }
    luaL_checkstack(L, 6, "error");
    if (lua_checkstack(thread, 1)) {
        lua_pushvalue(thread, -1);
        lua_xmove(thread, L, 1);
        tw_keep_trace(L, thread);
        lua_pop(L, 1);
    }
    close_thread(L, thread);
    lua_xmove(thread, L, 1);
    return lua_error(L);
}

static int continue_wrap(lua_State *L, int status, lua_KContext context) {
    (void)status, (void)context;
    int results = 0;
    lua_settop(L, 0);
    lua_State *thread = lua_tothread(L, lua_upvalueindex(1));
    status = tw_enter(tw_host_of(L), L, thread, 0, &results);
    return finish_wrap(L, thread, status, results);
}

static int call_wrapped(lua_State *L) {
    lua_State *thread = lua_tothread(L, lua_upvalueindex(1));
    int arguments = lua_gettop(L), results = 0;
    const char *problem = obstacle(L, thread, arguments);
    if (problem) return luaL_error(L, "%s", problem);
    lua_xmove(L, thread, arguments);
    int status = tw_enter(tw_host_of(L), L, thread, arguments, &results);
    return finish_wrap(L, thread, status, results);
}

static int co_create(lua_State *L) {
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_State *thread = lua_newthread(L);
    lua_pushvalue(L, 1);
    lua_xmove(L, thread, 1);
    return 1;
}

static int co_wrap(lua_State *L) {
    co_create(L);
    lua_pushcclosure(L, call_wrapped, 1);
    return 1;
}

/// The run's own coroutine belongs to the host: nothing that a script yields from it may look like a command.
static int is_outermost(lua_State *L) {
    tw_host *host = tw_host_of(L);
    return host->depth == 0 || host->chain[0] == L;
}

static int co_yield(lua_State *L) {
    if (is_outermost(L)) return luaL_error(L, "attempt to yield from outside a coroutine");
    return lua_yield(L, lua_gettop(L));
}

static int co_isyieldable(lua_State *L) {
    lua_State *thread = lua_isthread(L, 1) ? lua_tothread(L, 1) : L;
    lua_pushboolean(L, !is_outermost(thread) && lua_isyieldable(thread));
    return 1;
}

static int co_running(lua_State *L) {
    lua_pushthread(L);
    lua_pushboolean(L, is_outermost(L));
    return 2;
}

static int co_status(lua_State *L) {
    lua_pushstring(L, status_of(L, thread_at(L, 1)));
    return 1;
}

static int co_close(lua_State *L) {
    lua_State *thread = thread_at(L, 1);
    const char *state = status_of(L, thread);
    if (*state != 'd' && *state != 's') return luaL_error(L, "cannot close a %s coroutine", state);
    if (close_thread(L, thread) == LUA_OK) {
        lua_pushboolean(L, 1);
        return 1;
    }
    lua_pushboolean(L, 0);
    lua_xmove(thread, L, 1);
    return 2;
}

void tw_open_coroutine(lua_State *L) {
    static const luaL_Reg functions[] = {
        {"close", co_close},   {"create", co_create},   {"isyieldable", co_isyieldable},
        {"resume", co_resume}, {"running", co_running}, {"status", co_status},
        {"wrap", co_wrap},     {"yield", co_yield},     {NULL, NULL},
    };
    luaL_newlib(L, functions);
}
