// From Lua to the host: a value is written as a tag and its contents, little-endian as this machine's.
//
//   integer, number, function   tag, 8 bytes (a function: the line that defines it)
//   string                      tag, 4 bytes of length, bytes
//   array                       tag, 4 bytes of count, values
//   object                      tag, 4 bytes of count, then for each: string without tag, value
//   instance                    tag, name as string without tag, then as an object
#include "host.h"

#include <string.h>

typedef struct encoder {
    lua_State *L;
    tw_host *host;
    int mode;
    /// What the value is, for messages: "message:send", argument 1; 0 for none.
    const char *what;
    int argument;
    int depth;
    struct {
        const void *table;
        const char *key;
        lua_Integer index;
    } path[TW_DEPTH_LIMIT];
} encoder;

static int fail(encoder *e, const char *problem) {
    luaL_Buffer text;
    luaL_checkstack(e->L, LUA_MINSTACK, "value");
    luaL_buffinit(e->L, &text);
    luaL_addstring(&text, e->what);
    if (e->argument) {
        lua_pushfstring(e->L, ": argument %d", e->argument);
        luaL_addvalue(&text);
    }
    for (int i = 0; i < e->depth && i < 8; i++) {
        if (e->path[i].key) {
            luaL_addchar(&text, '.');
            luaL_addstring(&text, e->path[i].key);
        } else {
            lua_pushfstring(e->L, "[%I]", (LUAI_UACINT)e->path[i].index);
            luaL_addvalue(&text);
        }
    }
    luaL_addchar(&text, ' ');
    luaL_addstring(&text, problem);
    luaL_pushresult(&text);
    return tw_error(e->L, "%s", lua_tostring(e->L, -1));
}

void tw_write_tag(tw_buffer *buffer, uint8_t tag) { tw_append(buffer, &tag, 1); }

void tw_write_integer(tw_buffer *buffer, int64_t value) {
    tw_write_tag(buffer, TW_TAG_INTEGER);
    tw_append(buffer, &value, sizeof value);
}

void tw_write_raw_string(tw_buffer *buffer, const char *bytes, size_t count) {
    uint32_t length = (uint32_t)count;
    tw_write_tag(buffer, TW_TAG_STRING);
    tw_append(buffer, &length, sizeof length);
    tw_append(buffer, bytes, length);
}

void tw_write_string(lua_State *L, const char *bytes, size_t count) {
    tw_write_raw_string(&tw_host_of(L)->output, bytes, count);
}

static void put(encoder *e, const void *bytes, size_t count) {
    tw_buffer *output = &e->host->output;
    size_t limit = e->host->settings.value_bytes;
    if (count > limit || output->count > limit - count) {
        lua_pushfstring(e->L, "is too large: more than %I bytes cannot be passed on", (LUAI_UACINT)limit);
        fail(e, lua_tostring(e->L, -1));
    }
    if (tw_append(output, bytes, count)) luaL_error(e->L, "not enough memory");
}

static void put_tag(encoder *e, uint8_t tag) { put(e, &tag, 1); }

/// A tag and its eight bytes.
static void put_fixed(encoder *e, uint8_t tag, const void *value) {
    uint8_t bytes[9] = {tag};
    memcpy(bytes + 1, value, 8);
    put(e, bytes, sizeof bytes);
}

static void put_string(encoder *e, const char *bytes, size_t count) {
    if (e->mode == TW_STRICT && tw_utf8_prefix(bytes, count) != count) {
        lua_pushfstring(e->L, "is not valid UTF-8 at byte %I; cut text at characters, with utf8.offset",
                        (LUAI_UACINT)tw_utf8_prefix(bytes, count) + 1);
        fail(e, lua_tostring(e->L, -1));
    }
    uint32_t length = (uint32_t)count;
    if (count > UINT32_MAX) fail(e, "is too large");
    put(e, &length, sizeof length);
    put(e, bytes, count);
}

static void put_value(encoder *e, int index);

/// How the members of a table are named.
typedef struct shape {
    lua_Integer items, names;
} shape;

static shape shape_of(encoder *e, int table) {
    lua_State *L = e->L;
    lua_Integer length = (lua_Integer)lua_rawlen(L, table);
    shape s = {0, 0};
    for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1)) {
        if (lua_type(L, -2) == LUA_TSTRING)
            s.names++;
        else if (lua_isinteger(L, -2) && lua_tointeger(L, -2) >= 1 && lua_tointeger(L, -2) <= length)
            s.items++;
        else if (lua_isinteger(L, -2))
            fail(e, "is a list with holes; put json.null where a value is missing");
        else
            fail(e, "has keys that are neither names nor 1, 2, 3, ...");
    }
    if (s.items && s.names) fail(e, "has both list items and named fields");
    if (s.items && s.items != length) fail(e, "is a list with holes; put json.null where a value is missing");
    return s;
}

static void put_items(encoder *e, int table, lua_Integer count) {
    uint32_t length = (uint32_t)count;
    put_tag(e, TW_TAG_ARRAY);
    put(e, &length, sizeof length);
    for (lua_Integer i = 1; i <= count; i++) {
        e->path[e->depth - 1].index = i;
        lua_rawgeti(e->L, table, i);
        put_value(e, lua_gettop(e->L));
        lua_pop(e->L, 1);
    }
}

static void put_names(encoder *e, int table, lua_Integer count) {
    lua_State *L = e->L;
    uint32_t length = (uint32_t)count;
    put(e, &length, sizeof length);
    for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1)) {
        size_t bytes;
        const char *key = lua_tolstring(L, -2, &bytes);
        e->path[e->depth - 1].key = key;
        put_string(e, key, bytes);
        put_value(e, lua_gettop(L));
    }
    e->path[e->depth - 1].key = NULL;
}

/// Looks at the metatable of the table at `*index`: sees through a read-only view (then `*index` is the table
/// behind it), and finds out whether it is marked as an array, or an instance, whose name is left on the stack.
static void classify(encoder *e, int *index, int *is_array, const char **instance) {
    lua_State *L = e->L;
    if (tw_push_proxied(L, *index)) *index = lua_gettop(L);
    if (!lua_getmetatable(L, *index)) return;
    int metatable = lua_gettop(L);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &tw_key_array);
    *is_array = lua_rawequal(L, -1, metatable);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &tw_key_types);
    lua_pushvalue(L, metatable);
    if (lua_rawget(L, -2) == LUA_TSTRING) *instance = lua_tostring(L, -1);
}

static void put_table(encoder *e, int index) {
    lua_State *L = e->L;
    int top = lua_gettop(L), is_array = 0;
    const char *instance = NULL;
    luaL_checkstack(L, LUA_MINSTACK, "value");
    tw_poll(e->host, L);
    classify(e, &index, &is_array, &instance);
    const void *table = lua_topointer(L, index);
    for (int i = 0; i < e->depth; i++)
        if (e->path[i].table == table) fail(e, "contains itself");
    if (e->depth == TW_DEPTH_LIMIT) fail(e, "is nested too deeply: more than 100 levels");
    shape s = shape_of(e, index);
    e->path[e->depth].table = table;
    e->path[e->depth].key = NULL;
    e->path[e->depth].index = 0;
    e->depth++;
    if (instance) {
        if (s.items) fail(e, "has list items beside its fields");
        put_tag(e, TW_TAG_INSTANCE);
        put_string(e, instance, strlen(instance));
        put_names(e, index, s.names);
    } else if (s.items || (is_array && !s.names)) {
        put_items(e, index, s.items);
    } else {
        put_tag(e, TW_TAG_OBJECT);
        put_names(e, index, s.names);
    }
    e->depth--;
    lua_settop(L, top);
}

static void put_function(encoder *e, int index) {
    if (e->mode == TW_STRICT) fail(e, "is a function, which cannot be passed on");
    lua_Debug frame;
    lua_pushvalue(e->L, index);
    lua_getinfo(e->L, ">S", &frame);
    int64_t line = frame.linedefined;
    put_fixed(e, TW_TAG_FUNCTION, &line);
}

static void put_number(encoder *e, int index) {
    if (lua_isinteger(e->L, index)) {
        int64_t value = lua_tointeger(e->L, index);
        put_fixed(e, TW_TAG_INTEGER, &value);
    } else {
        double value = lua_tonumber(e->L, index);
        put_fixed(e, TW_TAG_NUMBER, &value);
    }
}

/// What Lua calls userdata and threads has no counterpart, except the address that stands for null.
static void put_other(encoder *e, int index) {
    if (lua_touserdata(e->L, index) == &tw_null)
        put_tag(e, TW_TAG_NULL);
    else if (e->mode == TW_STRICT)
        fail(e, lua_isthread(e->L, index) ? "is a coroutine, which cannot be passed on" : "cannot be passed on");
    else
        put_tag(e, TW_TAG_NIL);
}

static void put_value(encoder *e, int index) {
    switch (lua_type(e->L, index)) {
        case LUA_TNIL: put_tag(e, TW_TAG_NIL); break;
        case LUA_TBOOLEAN: put_tag(e, lua_toboolean(e->L, index) ? TW_TAG_TRUE : TW_TAG_FALSE); break;
        case LUA_TNUMBER: put_number(e, index); break;
        case LUA_TSTRING: {
            size_t count;
            const char *bytes = lua_tolstring(e->L, index, &count);
            put_tag(e, TW_TAG_STRING);
            put_string(e, bytes, count);
            break;
        }
        case LUA_TTABLE: put_table(e, index); break;
        case LUA_TFUNCTION: put_function(e, index); break;
        default: put_other(e, index);
    }
}

void tw_write_value(lua_State *L, int index, int mode, const char *what, int argument) {
    encoder e;
    e.L = L;
    e.host = tw_host_of(L);
    e.mode = mode;
    e.what = what;
    e.argument = argument;
    e.depth = 0;
    put_value(&e, lua_absindex(L, index));
}
