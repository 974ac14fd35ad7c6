// Errors: the tables that scripts see, and the record that Swift reads.
#include "host.h"

#include <string.h>

/// Bytes of a message that are passed on; scripts choose what they raise.
enum { TW_MESSAGE_LIMIT = 8192 };

/// Pushes "file:line: message" of the error table at `index`, fields read raw.
static void push_text(lua_State *L, int index) {
    index = lua_absindex(L, index);
    luaL_checkstack(L, 4, "error");
    lua_pushliteral(L, "file");
    if (lua_rawget(L, index) == LUA_TSTRING) {
        lua_pushliteral(L, "line");
        lua_rawget(L, index);
        lua_pushfstring(L, "%s:%I: ", lua_tostring(L, -2), (LUAI_UACINT)lua_tointeger(L, -1));
        lua_replace(L, -3);
        lua_pop(L, 1);
    } else {
        lua_pop(L, 1);
        lua_pushliteral(L, "");
    }
    lua_pushliteral(L, "message");
    if (lua_rawget(L, index) != LUA_TSTRING) {
        lua_pop(L, 1);
        lua_pushliteral(L, "an error without a message");
    }
    lua_concat(L, 2);
}

static int error_tostring(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    push_text(L, 1);
    return 1;
}

/// So that `"failed: " .. failure` works.
static int error_concat(lua_State *L) {
    tw_push_text(L, 1);
    tw_push_text(L, 2);
    lua_concat(L, 2);
    return 1;
}

void tw_open_errors(lua_State *L) {
    lua_createtable(L, 0, 4);
    lua_pushcfunction(L, error_tostring);
    lua_setfield(L, -2, "__tostring");
    lua_pushcfunction(L, error_concat);
    lua_setfield(L, -2, "__concat");
    lua_pushliteral(L, "error");
    lua_setfield(L, -2, "__name");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_rawsetp(L, LUA_REGISTRYINDEX, &tw_key_error);
}

void tw_push_error(lua_State *L, int index, lua_Integer level) {
    index = lua_absindex(L, index);
    luaL_checkstack(L, 6, "error");
    lua_createtable(L, 0, 6);
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
        lua_pushvalue(L, -2);
        lua_pushvalue(L, -2);
        lua_rawset(L, -5);
    }
    lua_Debug frame;
    if (level > 0 && tw_script_frame(L, &frame)) {
        lua_pushstring(L, frame.source[0] == '@' ? frame.source + 1 : frame.short_src);
        lua_setfield(L, -2, "file");
        lua_pushinteger(L, frame.currentline);
        lua_setfield(L, -2, "line");
    }
    lua_rawgetp(L, LUA_REGISTRYINDEX, &tw_key_error);
    lua_setmetatable(L, -2);
}

/// host.error(level, fields): raises an error as the host's own failures are raised.
int tw_host_error(lua_State *L) {
    lua_Integer level = luaL_checkinteger(L, 1);
    luaL_checktype(L, 2, LUA_TTABLE);
    tw_push_error(L, 2, level);
    return lua_error(L);
}

/// The prelude's `error`: as in the manual, but from level 2 on it blames the innermost line of a script.
int tw_prelude_error(lua_State *L) {
    lua_Integer level = luaL_optinteger(L, 2, 1);
    lua_settop(L, 1);
    if (lua_type(L, 1) == LUA_TSTRING && level > 0) {
        level == 1 ? luaL_where(L, 1) : tw_push_position(L);
        lua_insert(L, 1);
        lua_concat(L, 2);
    }
    return lua_error(L);
}

static int is_host_error(lua_State *L, int index) {
    if (lua_type(L, index) != LUA_TTABLE || !lua_getmetatable(L, index)) return 0;
    lua_rawgetp(L, LUA_REGISTRYINDEX, &tw_key_error);
    int same = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
    return same;
}

/// Pushes the text of the error at the top; never runs a script's `__tostring`.
static void push_message(lua_State *L) {
    int type = lua_type(L, -1);
    if (type == LUA_TSTRING || type == LUA_TNUMBER) {
        lua_pushvalue(L, -1);
        lua_tostring(L, -1);
        return;
    }
    if (type == LUA_TTABLE) {
        int told = is_host_error(L, -1);
        if (!told) {
            lua_pushliteral(L, "message");
            told = lua_rawget(L, -2) == LUA_TSTRING;
            lua_pop(L, 1);
        }
        if (told) {
            push_text(L, -1);
            return;
        }
    }
    lua_pushfstring(L, "an error that is %s%s", type == LUA_TNIL ? "" : "a ", lua_typename(L, type));
}

static void write_text(tw_buffer *buffer, const char *text, size_t count) {
    if (count > TW_MESSAGE_LIMIT) count = TW_MESSAGE_LIMIT;
    tw_write_raw_string(buffer, text, count);
}

/// Writes file and line: those of an error table, else of the innermost script frame.
static void write_position(tw_host *host, lua_State *L, lua_State *thread, int is_table) {
    lua_Debug frame;
    if (is_table) {
        lua_pushliteral(L, "file");
        lua_rawget(L, -2);
        lua_pushliteral(L, "line");
        lua_rawget(L, -3);
        int known = lua_type(L, -2) == LUA_TSTRING && lua_isinteger(L, -1);
        if (known) {
            size_t count;
            const char *file = lua_tolstring(L, -2, &count);
            write_text(&host->output, file, count);
            tw_write_integer(&host->output, lua_tointeger(L, -1));
        }
        lua_pop(L, 2);
        if (known) return;
    }
    if (thread && tw_script_frame(thread, &frame)) {
        const char *file = frame.source[0] == '@' ? frame.source + 1 : frame.short_src;
        write_text(&host->output, file, strlen(file));
        tw_write_integer(&host->output, frame.currentline);
    } else {
        tw_write_tag(&host->output, TW_TAG_NIL);
        tw_write_integer(&host->output, 0);
    }
}

/// Writes the limit that was met, for the codes that have one, in the place after the raised value.
static void write_limit(tw_host *host, int code) {
    const char *limit = code == TW_CODE_MEMORY ? "memory" : code == TW_CODE_LIMIT ? "source" : NULL;
    tw_write_tag(&host->output, TW_TAG_NIL);
    if (limit) tw_write_raw_string(&host->output, limit, strlen(limit));
}

static void write_trace(tw_host *host, lua_State *L, lua_State *thread) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &tw_key_trace_error);
    if (!lua_rawequal(L, -1, -2)) host->trace.count = 0;
    lua_pop(L, 1);
    if (thread) tw_append_frames(host, thread, &host->trace);
    tw_write_raw_string(&host->output, (const char *)host->trace.bytes, host->trace.count);
    host->trace.count = 0;
    lua_pushnil(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &tw_key_trace_error);
}

static int write_value_body(lua_State *L) {
    tw_write_value(L, 1, TW_LENIENT, "error", 0);
    return 0;
}

void tw_write_failure(tw_host *host, lua_State *L, lua_State *thread, int code) {
    luaL_checkstack(L, 8, "error");
    int is_table = lua_type(L, -1) == LUA_TTABLE;
    if (code == TW_CODE_RUNTIME && is_host_error(L, -1)) code = TW_CODE_HOST;
    host->output.count = 0;
    tw_write_integer(&host->output, code);
    push_message(L);
    if (code == TW_CODE_RUNTIME && !is_table) tw_add_hint(L);
    size_t count;
    const char *message = lua_tolstring(L, -1, &count);
    write_text(&host->output, message, count);
    lua_pop(L, 1);
    write_position(host, L, thread, is_table);
    write_trace(host, L, thread);
    if (!is_table) {
        write_limit(host, code);
        return;
    }
    size_t start = host->output.count;
    lua_pushcfunction(L, write_value_body);
    lua_pushvalue(L, -2);
    if (lua_pcall(L, 1, 0, 0) != LUA_OK) {
        host->output.count = start;
        lua_pop(L, 1);
    }
}

void tw_write_failure_text(tw_host *host, int code, const char *message) {
    host->output.count = 0;
    tw_write_integer(&host->output, code);
    write_text(&host->output, message, strlen(message));
    tw_write_tag(&host->output, TW_TAG_NIL);
    tw_write_integer(&host->output, 0);
    tw_write_raw_string(&host->output, "", 0);
    write_limit(host, code);
}
