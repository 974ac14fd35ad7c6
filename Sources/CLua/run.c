// A run: one coroutine, from the loading of its chunk to its end.
#include "host.h"

#include <stdlib.h>

typedef struct step {
    tw_run *run;
    const char *field;
    int number;
    int status;
} step;

static int new_body(lua_State *L) {
    tw_run *run = lua_touserdata(L, 1);
    lua_createtable(L, 2, 0);
    run->thread = lua_newthread(L);
    lua_rawseti(L, -2, 1);
    run->anchor = luaL_ref(L, LUA_REGISTRYINDEX);
    return 0;
}

tw_run *tw_run_new(tw_host *host, uint64_t seed) {
    tw_run *run = calloc(1, sizeof *run);
    if (!run) {
        tw_write_failure_text(host, TW_CODE_MEMORY, "not enough memory");
        return NULL;
    }
    tw_seed(run, seed);
    run->times = 1;
    run->anchor = LUA_NOREF;
    if (tw_protect(host, new_body, run) == TW_OK) return run;
    free(run);
    return NULL;
}

/// The coroutine is dropped as it stands: closing it would run a script's `__close` outside of any limit.
void tw_run_free(tw_host *host, tw_run *run) {
    tw_host_release(host, run->anchor);
    free(run);
}

static int no_memory(tw_host *host) {
    host->run = NULL;
    tw_write_failure_text(host, TW_CODE_MEMORY, "not enough memory");
    return TW_FAILED;
}

int64_t tw_run_cpu(const tw_run *run) { return run->cpu_ns; }

void tw_run_renew(tw_run *run, int times) {
    run->step_cpu_ns = run->step_wall_ns = 0;
    run->times = times;
}

/// What is left of `times` the limit; a limit of decades is cut short, so that sums stay in range.
static int64_t left(int64_t limit, int times, int64_t taken) {
    const int64_t longest = INT64_MAX / 8;
    return (limit > longest / times ? longest : limit * times) - taken;
}

/// Has the running slice watched, with what is left of the step's times.
static int begin_slice(tw_slice *slice, tw_host *host, tw_run *run) {
    const tw_settings *settings = &host->settings;
    return tw_begin_slice(slice, host, left(settings->cpu_ns, run->times, run->step_cpu_ns), settings->slice_ns,
                          left(settings->wall_ns, run->times, run->step_wall_ns));
}

static void end_slice(tw_slice *slice, tw_run *run) {
    int64_t wall, cpu = tw_end_slice(slice, &wall);
    run->cpu_ns += cpu;
    run->step_cpu_ns += cpu;
    run->step_wall_ns += wall;
}

/// Runs the coroutine until it ends or a command comes out. On failure the output is written.
static int proceed(lua_State *L, tw_run *run, int arguments, int *results) {
    tw_host *host = tw_host_of(L);
    host->run = run;
    host->depth = 0;
    host->closing = 0;
    host->awaiting = host->pausing = host->stopped = 0;
    host->pending = 0;
    tw_slice slice;
    if (begin_slice(&slice, host, run)) return no_memory(host);
    int status = tw_enter(host, L, run->thread, arguments, results);
    end_slice(&slice, run);
    host->run = NULL;
    if (status == LUA_ERRMEM && host->pending > TW_STOP_PAUSE) tw_note_stop(host, run->thread);
    host->pending = 0;
    if (host->stopped) {
        host->broken = 1;
        tw_write_stop(host, run->times);
        return TW_FAILED;
    }
    if (host->pausing) return TW_PAUSED;
    if (status == LUA_OK) return TW_OK;
    if (status == LUA_YIELD) {
        lua_pop(run->thread, *results);
        return TW_COMMAND;
    }
    lua_xmove(run->thread, L, 1);
    tw_write_failure(host, L, run->thread, status == LUA_ERRMEM ? TW_CODE_MEMORY : TW_CODE_RUNTIME);
    return TW_FAILED;
}

static int load_body(lua_State *L) {
    step *s = lua_touserdata(L, 1);
    lua_State *thread = s->run->thread;
    int results = 0;
    if (s->number != LUA_NOREF) {
        lua_rawgeti(L, LUA_REGISTRYINDEX, s->number);
        lua_xmove(L, thread, 1);
    }
    s->status = proceed(L, s->run, 0, &results);
    if (s->status == TW_PAUSED) return 0;
    s->run->loading = TW_LOADED;
    if (s->status == TW_OK) lua_settop(thread, 1);
    return 0;
}

static int load(tw_host *host, tw_run *run, int reference) {
    step s = {.run = run, .number = reference};
    int status = tw_protect(host, load_body, &s);
    return status == TW_OK ? s.status : status;
}

int tw_run_load(tw_host *host, tw_run *run, int reference) {
    run->loading = TW_LOADING;
    return load(host, run, reference);
}

int tw_run_load_slice(tw_host *host, tw_run *run, int reference) {
    run->loading = TW_LOADING_IN_SLICES;
    return load(host, run, reference);
}

int tw_run_load_on(tw_host *host, tw_run *run) { return load(host, run, LUA_NOREF); }

static int describe_body(lua_State *L) {
    step *s = lua_touserdata(L, 1);
    lua_xmove(s->run->thread, L, 1);
    tw_host_of(L)->output.count = 0;
    tw_write_value(L, -1, TW_LENIENT, "the value of the file", 0);
    return 0;
}

int tw_run_describe(tw_host *host, tw_run *run) {
    step s = {.run = run};
    return tw_protect(host, describe_body, &s);
}

static int select_body(lua_State *L) {
    step *s = lua_touserdata(L, 1);
    lua_State *thread = s->run->thread;
    lua_xmove(thread, L, 1);
    if (!lua_istable(L, -1)) return luaL_error(L, "the file must return a table, not %s", luaL_typename(L, -1));
    lua_pushstring(L, s->field);
    if (lua_rawget(L, -2) != LUA_TFUNCTION)
        return luaL_error(L, "'%s' must be a function, not %s", s->field, luaL_typename(L, -1));
    int count = tw_push_input(L);
    if (!lua_checkstack(thread, count + 1)) return luaL_error(L, "too many arguments");
    lua_xmove(L, thread, count + 1);
    return 0;
}

int tw_run_select(tw_host *host, tw_run *run, const char *field) {
    step s = {.run = run, .field = field};
    return tw_protect(host, select_body, &s);
}

static void write_results(lua_State *L, lua_State *thread, int results) {
    luaL_checkstack(L, results + LUA_MINSTACK, "too many results");
    lua_xmove(thread, L, results);
    tw_host_of(L)->output.count = 0;
    int first = lua_gettop(L) - results + 1;
    for (int i = 0; i < results; i++) tw_write_value(L, first + i, TW_LENIENT, "the result", 0);
}

static int resume_body(lua_State *L) {
    step *s = lua_touserdata(L, 1);
    lua_State *thread = s->run->thread;
    int results = 0, arguments = s->number == TW_BEGIN ? lua_gettop(thread) - 1 : 0;
    tw_host_of(L)->input_kind = s->number;
    s->status = proceed(L, s->run, arguments, &results);
    if (s->status == TW_OK) write_results(L, thread, results);
    return 0;
}

int tw_run_resume(tw_host *host, tw_run *run, int kind) {
    step s = {.run = run, .number = kind};
    int status = tw_protect(host, resume_body, &s);
    return status == TW_OK ? s.status : status;
}
