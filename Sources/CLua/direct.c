// Host functions that take and answer values without parts: these cross in a struct on C's stack, with nothing encoded
// or allocated, since a short host function should cost about what a C function costs.
#include "host.h"

static void take_argument(lua_State *L, int index, tw_scalar *value) {
    if (lua_isinteger(L, index)) {
        value->tag = TW_TAG_INTEGER;
        value->bits = lua_tointegerx(L, index, NULL);
        return;
    }
    switch (lua_type(L, index)) {
        case LUA_TNIL: value->tag = TW_TAG_NIL; break;
        case LUA_TBOOLEAN: value->tag = lua_toboolean(L, index) ? TW_TAG_TRUE : TW_TAG_FALSE; break;
        case LUA_TNUMBER: {
            lua_Number number = lua_tonumber(L, index);
            memcpy(&value->bits, &number, sizeof number);
            value->tag = TW_TAG_NUMBER;
            break;
        }
        case LUA_TSTRING:
            value->tag = TW_TAG_STRING;
            value->text = lua_tolstring(L, index, &value->count);
            break;
        default: value->tag = lua_touserdata(L, index) == &tw_null ? TW_TAG_NULL : TW_TAG_OBJECT;
    }
}

static void push_answer(lua_State *L, const tw_call *call, const tw_scalar *value) {
    switch (value->tag) {
        case TW_TAG_NULL: lua_pushlightuserdata(L, &tw_null); break;
        case TW_TAG_FALSE: lua_pushboolean(L, 0); break;
        case TW_TAG_TRUE: lua_pushboolean(L, 1); break;
        case TW_TAG_INTEGER: lua_pushinteger(L, value->bits); break;
        case TW_TAG_NUMBER: {
            lua_Number number;
            memcpy(&number, &value->bits, sizeof number);
            lua_pushnumber(L, number);
            break;
        }
        case TW_TAG_STRING:
            lua_pushlstring(L, (const char *)call->host->scratch.bytes + value->bits, value->count);
            break;
        default: lua_pushnil(L);
    }
}

int64_t tw_call_text(tw_call *call, const char *text, size_t count) {
    tw_buffer *scratch = &call->host->scratch;
    size_t start = scratch->count;
    return tw_append(scratch, text, count) ? -1 : (int64_t)start;
}

/// host.functions.NAME(...) of a direct function; upvalues: context, name. A C function has room for LUA_MINSTACK (20)
/// values beside its arguments, so the answers fit.
int tw_call_direct(lua_State *L) {
    tw_call call;
    call.host = tw_host_of(L);
    call.count = lua_gettop(L);
    call.answers = 0;
    if (__builtin_expect(call.count > TW_CALL_VALUES, 0))
        return tw_error(L, "%s takes at most %d arguments", lua_tostring(L, lua_upvalueindex(2)), TW_CALL_VALUES);
    for (int i = 0; i < call.count; i++) take_argument(L, i + 1, &call.values[i]);
    call.host->scratch.count = 0;
    if (call.host->direct(lua_touserdata(L, lua_upvalueindex(1)), &call)) return tw_raise_failure(L, 1);
    for (int i = 0; i < call.answers; i++) push_answer(L, &call, &call.results[i]);
    return call.answers;
}
