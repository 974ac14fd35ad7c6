// Stopping a script. A stop leaves by lua_yield out of a hook, which no pcall, handler or __close sees; where a
// C function below cannot be yielded through, it leaves as an error, and the hook stays set, so that whatever
// catches the error is stopped at its next instruction.
#include "host.h"

#include <stdio.h>
#include <string.h>

/// Calls inside each other that are hardly meant.
enum { TW_DEEP_FRAMES = 10000 };

/// What is raised where a stop cannot yield.
static char stop_token;

/// Sets the hook of the running coroutine unless it is set: lua_sethook visits every frame, and in a deep recursion
/// doing so at every tick would leave no time for anything else.
static void arm(tw_host *host) {
    int depth = host->depth;
    if (depth == 0) return;
    lua_State *L = host->chain[depth - 1];
    if (lua_gethookmask(L) && lua_gethook(L) == tw_hook) return;
    lua_sethook(L, tw_hook, LUA_MASKCOUNT, 1);
}

/// Called by the signal handler, on the thread that runs the host.
void tw_stop_soon(tw_host *host, int reason) {
    if (host->pending < reason) host->pending = reason;
    arm(host);
}

/// Called by the allocator when the state grew past its limit.
void tw_check_memory_soon(tw_host *host) {
    host->memory_check = 1;
    arm(host);
}

void tw_arm_if_pending(tw_host *host) {
    if (host->pending || host->memory_check) arm(host);
}

/// Asks the host to free memory, once: the script goes on until it can pause.
static int asks_host(tw_host *host, int reserve) {
    if (host->pressure || !(host->reserves & reserve)) return 0;
    host->pressure = reserve;
    host->memory_limit = 2 * host->settings.memory_bytes;
    if (host->pending < TW_STOP_PAUSE) host->pending = TW_STOP_PAUSE;
    return 1;
}

static void check_memory(tw_host *host, lua_State *L) {
    if (!host->memory_check || host->pending > TW_STOP_PAUSE) return;
    host->memory_check = 0;
    lua_gc(L, LUA_GCCOLLECT);
    if (host->used > host->memory_limit) {
        if (!asks_host(host, TW_RESERVE_STATE)) host->pending = TW_STOP_MEMORY;
    } else if (!host->pressure && (host->stop_ceiling = tw_exceeded_ceiling())) {
        if (!asks_host(host, TW_RESERVE_PROCESS)) host->pending = TW_STOP_CEILING;
    }
}

static int is_chain_yieldable(tw_host *host) {
    for (int i = 0; i < host->depth; i++)
        if (!lua_isyieldable(host->chain[i])) return 0;
    return 1;
}

/// Keeps where the script was, while its frames still stand.
void tw_note_stop(tw_host *host, lua_State *L) {
    if (host->stopped) return;
    host->stopped = host->pending;
    lua_Debug frame;
    host->stop_line = 0;
    if (tw_script_frame(L, &frame)) {
        snprintf(host->stop_file, sizeof host->stop_file, "%s", frame.source + (frame.source[0] == '@'));
        host->stop_line = frame.currentline;
    }
    host->stop_deep = lua_getstack(L, TW_DEEP_FRAMES, &frame);
    host->trace.count = 0;
    for (int i = host->depth - 1; i >= 0; i--) tw_append_frames(host, host->chain[i], &host->trace);
}

int tw_stop(lua_State *L) {
    tw_host *host = tw_host_of(L);
    tw_note_stop(host, L);
    if (lua_isyieldable(L)) return lua_yield(L, 0);
    if (!lua_gethookmask(L)) lua_sethook(L, tw_hook, LUA_MASKCOUNT, 1);
    lua_pushlightuserdata(L, &stop_token);
    return lua_error(L);
}

void tw_hook(lua_State *L, lua_Debug *frame) {
    (void)frame;
    tw_host *host = tw_host_of(L);
    check_memory(host, L);
    if (host->pending > TW_STOP_PAUSE) {
        tw_stop(L);
        return;
    }
    lua_sethook(L, NULL, 0, 0);
    if (host->pending == TW_STOP_PAUSE) {
        host->pending = 0;
        if (!host->run || host->run->loading == TW_LOADING || !is_chain_yieldable(host)) return;
        host->pausing = 1;
        lua_yield(L, 0);
    }
}

void tw_poll_slow(lua_State *L) {
    tw_host *host = tw_host_of(L);
    if (host->depth == 0) return;
    check_memory(host, L);
    if (host->pending > TW_STOP_PAUSE) tw_stop(L);
}

static void describe_time(char *text, size_t size, const char *what, int64_t ns, const char *setting) {
    snprintf(text, size, "used more than %lld ms of %s; do less at once, or raise %s", (long long)(ns / 1000000), what,
             setting);
}

void tw_write_stop(tw_host *host, int times) {
    char text[160], message[512];
    const char *limit = "cpu";
    const tw_settings *settings = &host->settings;
    switch (host->stopped) {
        case TW_STOP_CPU:
            describe_time(text, sizeof text, "processor time", settings->cpu_ns * times, "limits.cpu");
            break;
        case TW_STOP_WALL:
            limit = "wall";
            describe_time(text, sizeof text, "time in one step", settings->wall_ns * times, "limits.wall");
            break;
        case TW_STOP_CEILING:
            limit = "memory";
            snprintf(text, sizeof text,
                     "stopped since all scripts together hold more than %lld KB; "
                     "keep less at once, or raise limits.process_memory",
                     (long long)(host->stop_ceiling / 1024));
            break;
        default:
            limit = "memory";
            snprintf(text, sizeof text, "used more than %llu KB of memory; %s, or raise limits.memory",
                     (unsigned long long)(settings->memory_bytes / 1024),
                     host->stop_deep ? "end the function that calls itself without end" : "keep less at once");
    }
    if (host->stop_line)
        snprintf(message, sizeof message, "%s:%d: %s", host->stop_file, host->stop_line, text);
    else
        snprintf(message, sizeof message, "%s", text);
    host->output.count = 0;
    tw_write_integer(&host->output, TW_CODE_LIMIT);
    tw_write_raw_string(&host->output, message, strlen(message));
    tw_write_raw_string(&host->output, host->stop_file, host->stop_line ? strlen(host->stop_file) : 0);
    tw_write_integer(&host->output, host->stop_line);
    tw_write_raw_string(&host->output, (const char *)host->trace.bytes, host->trace.count);
    tw_write_tag(&host->output, TW_TAG_NIL);
    tw_write_raw_string(&host->output, limit, strlen(limit));
    host->trace.count = 0;
}
