// Where in a script something happened, leaving out frames that no author of a script can act upon.
#include "host.h"

#include <stdarg.h>
#include <string.h>

/// Frames shown at each end of a long traceback, as Lua's own does.
enum { TW_FRAMES_FIRST = 12, TW_FRAMES_LAST = 10 };
/// Bytes of a traceback through many coroutines.
enum { TW_TRACE_BYTES = 2048 };

static int is_script(const tw_host *host, const lua_Debug *frame) {
    if (frame->currentline < 0) return 0;
    return !host->prelude || strcmp(frame->source, host->prelude) != 0;
}

static int script_frame_in(const tw_host *host, lua_State *thread, lua_Debug *frame) {
    for (int level = 0; lua_getstack(thread, level, frame); level++) {
        lua_getinfo(thread, "Sl", frame);
        if (is_script(host, frame)) return 1;
    }
    return 0;
}

int tw_script_frame(lua_State *L, lua_Debug *frame) {
    const tw_host *host = tw_host_of(L);
    if (script_frame_in(host, L, frame)) return 1;
    for (int i = host->depth - 1; i >= 0; i--)
        if (host->chain[i] != L && script_frame_in(host, host->chain[i], frame)) return 1;
    return 0;
}

void tw_push_position(lua_State *L) {
    lua_Debug frame;
    if (tw_script_frame(L, &frame))
        lua_pushfstring(L, "%s:%d: ", frame.short_src, frame.currentline);
    else
        lua_pushliteral(L, "");
}

int tw_error(lua_State *L, const char *format, ...) {
    luaL_checkstack(L, 4, "error");
    tw_push_position(L);
    va_list arguments;
    va_start(arguments, format);
    lua_pushvfstring(L, format, arguments);
    va_end(arguments);
    lua_concat(L, 2);
    return lua_error(L);
}

static void append_frame(tw_buffer *buffer, const lua_Debug *frame) {
    const char *file = frame->source[0] == '@' ? frame->source + 1 : frame->short_src;
    if (buffer->count) tw_append_text(buffer, "\n");
    tw_append_format(buffer, "%s:%d: in ", file, frame->currentline);
    if (*frame->namewhat)
        tw_append_format(buffer, "%s '%s'", frame->namewhat, frame->name);
    else if (*frame->what == 'm')
        tw_append_text(buffer, "main chunk");
    else
        tw_append_format(buffer, "function <%s:%d>", file, frame->linedefined);
    if (frame->istailcall) tw_append_text(buffer, "\n(...tail calls...)");
}

/// The number of frames, found as Lua's own traceback does: by doubling, then halving, since `lua_getstack`
/// walks from the top each time.
static int frame_count(lua_State *thread) {
    lua_Debug frame;
    int low = 1, high = 1;
    while (lua_getstack(thread, high, &frame)) {
        low = high;
        high *= 2;
    }
    while (low < high) {
        int middle = low + (high - low) / 2;
        if (lua_getstack(thread, middle, &frame))
            low = middle + 1;
        else
            high = middle;
    }
    return high;
}

void tw_append_frames(tw_host *host, lua_State *thread, tw_buffer *buffer) {
    lua_Debug frame;
    if (buffer->count > TW_TRACE_BYTES) return;
    int count = frame_count(thread);
    for (int level = 0; lua_getstack(thread, level, &frame); level++) {
        if (level == TW_FRAMES_FIRST && count > TW_FRAMES_FIRST + TW_FRAMES_LAST) {
            level = count - TW_FRAMES_LAST;
            tw_append_format(buffer, "\n... (%d levels left out)", level - TW_FRAMES_FIRST);
            if (!lua_getstack(thread, level, &frame)) return;
        }
        lua_getinfo(thread, "Slnt", &frame);
        if (is_script(host, &frame)) append_frame(buffer, &frame);
    }
    if (buffer->count > TW_TRACE_BYTES) tw_append_text(buffer, "\n... (the rest is left out)");
}

void tw_keep_trace(lua_State *L, lua_State *thread) {
    tw_host *host = tw_host_of(L);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &tw_key_trace_error);
    if (!lua_rawequal(L, -1, -2)) host->trace.count = 0;
    lua_pop(L, 1);
    tw_append_frames(host, thread, &host->trace);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &tw_key_trace_error);
}
