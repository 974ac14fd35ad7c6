// Tables to JSON text. Names are written in the order of their bytes, so equal values give equal texts. An
// unmarked empty table is an object; json.array marks arrays. Floats keep a point or an exponent.
#include "host.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct writer {
    lua_State *L;
    tw_buffer *text;
    size_t limit;
    int depth;
    /// Stack index of the metatable that marks arrays.
    int array;
    const void *path[TW_DEPTH_LIMIT];
} writer;

typedef struct name {
    const char *bytes;
    size_t count;
} name;

static void put(writer *w, const char *bytes, size_t count) {
    if (count > w->limit || w->text->count > w->limit - count)
        tw_error(w->L, "json: the text is too large: more than %I bytes", (LUAI_UACINT)w->limit);
    if (tw_append(w->text, bytes, count)) luaL_error(w->L, "not enough memory");
}

static void put_escaped(writer *w, unsigned char c) {
    static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
    const char *known = c ? strchr(from, c) : NULL;
    char text[8];
    if (known) {
        text[0] = '\\';
        text[1] = to[known - from];
        put(w, text, 2);
    } else {
        snprintf(text, sizeof text, "\\u%04x", c);
        put(w, text, 6);
    }
}

static void put_string(writer *w, const char *bytes, size_t count) {
    size_t valid = tw_utf8_prefix(bytes, count);
    if (valid != count) tw_error(w->L, "json: a string is not valid UTF-8 at byte %I", (LUAI_UACINT)valid + 1);
    put(w, "\"", 1);
    size_t start = 0;
    for (size_t i = 0; i < count; i++) {
        unsigned char c = (unsigned char)bytes[i];
        if (c >= 0x20 && c != '"' && c != '\\') continue;
        put(w, bytes + start, i - start);
        put_escaped(w, c);
        start = i + 1;
    }
    put(w, bytes + start, count - start);
    put(w, "\"", 1);
}

static void put_number(writer *w, int index) {
    char text[48];
    if (lua_isinteger(w->L, index)) {
        put(w, text, (size_t)snprintf(text, sizeof text, "%lld", (long long)lua_tointeger(w->L, index)));
        return;
    }
    double value = lua_tonumber(w->L, index);
    if (!isfinite(value)) tw_error(w->L, "json: JSON has no number for %s", isnan(value) ? "nan" : "infinity");
    int count = 0;
    for (int precision = 15; precision <= 17; precision++) {
        count = snprintf(text, sizeof text, "%.*g", precision, value);
        if (strtod(text, NULL) == value) break;
    }
    put(w, text, (size_t)count);
    if (!strpbrk(text, ".e")) put(w, ".0", 2);
}

static void put_value(writer *w, int index);

static int compare(const void *a, const void *b) {
    const name *x = a, *y = b;
    int order = memcmp(x->bytes, y->bytes, x->count < y->count ? x->count : y->count);
    return order ? order : (x->count > y->count) - (x->count < y->count);
}

static void put_array(writer *w, int table, lua_Integer count) {
    put(w, "[", 1);
    for (lua_Integer i = 1; i <= count; i++) {
        if (i > 1) put(w, ",", 1);
        lua_rawgeti(w->L, table, i);
        put_value(w, lua_gettop(w->L));
        lua_pop(w->L, 1);
    }
    put(w, "]", 1);
}

static void put_object(writer *w, int table, lua_Integer count) {
    lua_State *L = w->L;
    name *names = lua_newuserdatauv(L, sizeof(name) * (size_t)(count ? count : 1), 0);
    lua_Integer n = 0;
    for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1)) {
        names[n].bytes = lua_tolstring(L, -2, &names[n].count);
        n++;
    }
    qsort(names, (size_t)n, sizeof *names, compare);
    put(w, "{", 1);
    for (lua_Integer i = 0; i < n; i++) {
        if (i) put(w, ",", 1);
        put_string(w, names[i].bytes, names[i].count);
        put(w, ":", 1);
        lua_pushlstring(L, names[i].bytes, names[i].count);
        lua_rawget(L, table);
        put_value(w, lua_gettop(L));
        lua_pop(L, 1);
    }
    put(w, "}", 1);
    lua_pop(L, 1);
}

/// Counts list items and names, and refuses what JSON cannot hold.
static void count_members(writer *w, int table, lua_Integer *items, lua_Integer *names) {
    lua_State *L = w->L;
    lua_Integer length = (lua_Integer)lua_rawlen(L, table);
    *items = *names = 0;
    for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1)) {
        if (lua_type(L, -2) == LUA_TSTRING)
            ++*names;
        else if (lua_isinteger(L, -2) && lua_tointeger(L, -2) >= 1 && lua_tointeger(L, -2) <= length)
            ++*items;
        else
            tw_error(L, "json: a table's keys must be names or 1, 2, 3, ... without holes");
    }
    if (*items && *names) tw_error(L, "json: a table has both list items and named fields");
    if (*items && *items != length) tw_error(L, "json: a list has holes; put json.null where a value is missing");
}

static void put_table(writer *w, int index) {
    lua_State *L = w->L;
    int top = lua_gettop(L), is_array = 0;
    luaL_checkstack(L, LUA_MINSTACK, "json");
    tw_poll(tw_host_of(L), L);
    if (tw_push_proxied(L, index)) index = lua_gettop(L);
    if (lua_getmetatable(L, index)) is_array = lua_rawequal(L, -1, w->array);
    const void *table = lua_topointer(L, index);
    for (int i = 0; i < w->depth; i++)
        if (w->path[i] == table) tw_error(L, "json: a table contains itself");
    if (w->depth == TW_DEPTH_LIMIT) tw_error(L, "json: nesting deeper than 100 levels");
    w->path[w->depth++] = table;
    lua_Integer items, names;
    count_members(w, index, &items, &names);
    if (items || (is_array && !names))
        put_array(w, index, items);
    else
        put_object(w, index, names);
    w->depth--;
    lua_settop(L, top);
}

static void put_value(writer *w, int index) {
    lua_State *L = w->L;
    switch (lua_type(L, index)) {
        case LUA_TNIL: put(w, "null", 4); break;
        case LUA_TBOOLEAN: lua_toboolean(L, index) ? put(w, "true", 4) : put(w, "false", 5); break;
        case LUA_TNUMBER: put_number(w, index); break;
        case LUA_TSTRING: {
            size_t count;
            const char *bytes = lua_tolstring(L, index, &count);
            put_string(w, bytes, count);
            break;
        }
        case LUA_TTABLE: put_table(w, index); break;
        default:
            if (lua_touserdata(L, index) != &tw_null)
                tw_error(L, "json: a %s has no JSON form", luaL_typename(L, index));
            put(w, "null", 4);
    }
}

/// json.encode(value)
int tw_json_encode(lua_State *L) {
    tw_host *host = tw_host_of(L);
    luaL_checkany(L, 1);
    lua_settop(L, 1);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &tw_key_array);
    host->scratch.count = 0;
    writer w;
    w.L = L;
    w.text = &host->scratch;
    w.limit = host->settings.value_bytes;
    w.depth = 0;
    w.array = 2;
    put_value(&w, 1);
    lua_pushlstring(L, (const char *)host->scratch.bytes, host->scratch.count);
    return 1;
}
