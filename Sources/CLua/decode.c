// From the host to Lua: what encode.c describes, read from the input. The bytes come from Swift's encoder of
// this very layout, so a malformed input is our bug; it is still an error and never a read past the end.
#include "host.h"

#include <string.h>

typedef struct decoder {
    lua_State *L;
    const uint8_t *next, *end;
    int depth;
} decoder;

static const uint8_t *take(decoder *d, size_t count) {
    if ((size_t)(d->end - d->next) < count) luaL_error(d->L, "malformed input");
    const uint8_t *bytes = d->next;
    d->next += count;
    return bytes;
}

static uint32_t take_count(decoder *d) {
    uint32_t count;
    memcpy(&count, take(d, sizeof count), sizeof count);
    return count;
}

static void push_string(decoder *d) {
    uint32_t count = take_count(d);
    lua_pushlstring(d->L, (const char *)take(d, count), count);
}

static void push_value(decoder *d);

static void push_array(decoder *d) {
    uint32_t count = take_count(d);
    if (count > (size_t)(d->end - d->next)) luaL_error(d->L, "malformed input");
    lua_createtable(d->L, (int)count, 0);
    for (uint32_t i = 1; i <= count; i++) {
        push_value(d);
        lua_rawseti(d->L, -2, i);
    }
    lua_rawgetp(d->L, LUA_REGISTRYINDEX, &tw_key_array);
    lua_setmetatable(d->L, -2);
}

static void push_object(decoder *d) {
    uint32_t count = take_count(d);
    if (count > (size_t)(d->end - d->next)) luaL_error(d->L, "malformed input");
    lua_createtable(d->L, 0, (int)count);
    for (uint32_t i = 0; i < count; i++) {
        push_string(d);
        push_value(d);
        lua_rawset(d->L, -3);
    }
}

static void push_instance(decoder *d) {
    lua_State *L = d->L;
    push_string(d);
    push_object(d);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &tw_key_types);
    lua_pushvalue(L, -3);
    if (lua_rawget(L, -2) != LUA_TTABLE) luaL_error(L, "no type is registered as '%s'", lua_tostring(L, -4));
    lua_setmetatable(L, -3);
    lua_pop(L, 1);
    lua_replace(L, -2);
}

static void push_fixed(decoder *d, uint8_t tag) {
    const uint8_t *bytes = take(d, 8);
    if (tag == TW_TAG_INTEGER) {
        int64_t value;
        memcpy(&value, bytes, sizeof value);
        lua_pushinteger(d->L, value);
    } else {
        double value;
        memcpy(&value, bytes, sizeof value);
        lua_pushnumber(d->L, value);
    }
}

static void push_value(decoder *d) {
    lua_State *L = d->L;
    luaL_checkstack(L, 8, "value is nested too deeply");
    if (++d->depth > TW_DEPTH_LIMIT + 1) luaL_error(L, "a value is nested too deeply: more than 100 levels");
    uint8_t tag = *take(d, 1);
    switch (tag) {
        case TW_TAG_NIL: lua_pushnil(L); break;
        case TW_TAG_NULL: lua_pushlightuserdata(L, &tw_null); break;
        case TW_TAG_FALSE: lua_pushboolean(L, 0); break;
        case TW_TAG_TRUE: lua_pushboolean(L, 1); break;
        case TW_TAG_INTEGER:
        case TW_TAG_NUMBER: push_fixed(d, tag); break;
        case TW_TAG_STRING: push_string(d); break;
        case TW_TAG_ARRAY: push_array(d); break;
        case TW_TAG_OBJECT: push_object(d); break;
        case TW_TAG_INSTANCE: push_instance(d); break;
        case TW_TAG_JSON: {
            uint32_t count = take_count(d);
            tw_push_json(L, (const char *)take(d, count), count);
            break;
        }
        default: luaL_error(L, "a value of this kind cannot be given to a script");
    }
    d->depth--;
}

int tw_push_input(lua_State *L) {
    tw_host *host = tw_host_of(L);
    decoder d = {L, host->input.bytes, host->input.bytes + host->input.count, 0};
    int count = 0;
    for (; d.next < d.end; count++) push_value(&d);
    return count;
}
