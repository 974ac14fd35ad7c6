// The functions of the table library that loop, with a look for a stop in each round: a length or an element may come
// from a metamethod. Semantics: Lua 5.4 reference manual, section 6.6. table.sort is stable.
#include "host.h"

#include <limits.h>

static int table_concat(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    size_t gap;
    const char *separator = luaL_optlstring(L, 2, "", &gap);
    lua_Integer i = luaL_optinteger(L, 3, 1);
    lua_Integer last = luaL_opt(L, luaL_checkinteger, 4, luaL_len(L, 1));
    luaL_Buffer result;
    luaL_buffinit(L, &result);
    while (i <= last) {
        tw_poll(tw_host_of(L), L);
        lua_geti(L, 1, i);
        if (!lua_isstring(L, -1))
            luaL_error(L, "invalid value (%s) at index %I in table for 'concat'", luaL_typename(L, -1), (LUAI_UACINT)i);
        luaL_addvalue(&result);
        if (i == last) break;
        luaL_addlstring(&result, separator, gap);
        i++;
    }
    luaL_pushresult(&result);
    return 1;
}

static int table_insert(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_Integer end = (lua_Integer)((lua_Unsigned)luaL_len(L, 1) + 1), position = end;
    int arguments = lua_gettop(L);
    if (arguments == 3) {
        position = luaL_checkinteger(L, 2);
        luaL_argcheck(L, (lua_Unsigned)position - 1u < (lua_Unsigned)end, 2, "position out of bounds");
        for (lua_Integer i = end; i > position; i--) {
            tw_poll(tw_host_of(L), L);
            lua_geti(L, 1, i - 1);
            lua_seti(L, 1, i);
        }
    } else if (arguments != 2) {
        return luaL_error(L, "wrong number of arguments to 'insert'");
    }
    lua_seti(L, 1, position);
    return 0;
}

static int table_remove(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_Integer size = luaL_len(L, 1), position = luaL_optinteger(L, 2, size);
    if (position != size)
        luaL_argcheck(L, (lua_Unsigned)position - 1u <= (lua_Unsigned)size, 2, "position out of bounds");
    lua_geti(L, 1, position);
    for (; position < size; position++) {
        tw_poll(tw_host_of(L), L);
        lua_geti(L, 1, position + 1);
        lua_seti(L, 1, position);
    }
    lua_pushnil(L);
    lua_seti(L, 1, position);
    return 1;
}

static void move_one(lua_State *L, lua_Integer from, int to_table, lua_Integer to) {
    tw_poll(tw_host_of(L), L);
    lua_geti(L, 1, from);
    lua_seti(L, to_table, to);
}

static int table_move(lua_State *L) {
    lua_Integer first = luaL_checkinteger(L, 2), last = luaL_checkinteger(L, 3), to = luaL_checkinteger(L, 4);
    int target = lua_isnoneornil(L, 5) ? 1 : 5;
    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_checktype(L, target, LUA_TTABLE);
    if (last >= first) {
        luaL_argcheck(L, first > 0 || last < LUA_MAXINTEGER + first, 3, "too many elements to move");
        lua_Integer count = last - first + 1;
        luaL_argcheck(L, to <= LUA_MAXINTEGER - count + 1, 4, "destination wrap around");
        int overlaps = to > first && to <= last && (target == 1 || lua_compare(L, 1, target, LUA_OPEQ));
        if (overlaps)
            for (lua_Integer i = count - 1; i >= 0; i--) move_one(L, first + i, target, to + i);
        else
            for (lua_Integer i = 0; i < count; i++) move_one(L, first + i, target, to + i);
    }
    lua_pushvalue(L, target);
    return 1;
}

/// Whether the value on top belongs before the one below it. Stack: 1 the table, 2 the order function or nil.
static int belongs_before(lua_State *L) {
    tw_poll(tw_host_of(L), L);
    if (lua_isnil(L, 2)) return lua_compare(L, -1, -2, LUA_OPLT);
    lua_pushvalue(L, 2);
    lua_pushvalue(L, -2);
    lua_pushvalue(L, -4);
    lua_call(L, 2, 1);
    int result = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return result;
}

/// Merges the neighbours [low, middle) and [middle, high) of the table at `from` into the one at `to`.
static void merge(lua_State *L, int from, int to, lua_Integer low, lua_Integer middle, lua_Integer high) {
    lua_Integer left = low, right = middle, out = low;
    while (left < middle && right < high) {
        lua_rawgeti(L, from, left);
        lua_rawgeti(L, from, right);
        if (belongs_before(L)) {
            lua_rawseti(L, to, out++);
            lua_pop(L, 1);
            right++;
        } else {
            lua_pop(L, 1);
            lua_rawseti(L, to, out++);
            left++;
        }
    }
    for (; left < middle; left++) {
        lua_rawgeti(L, from, left);
        lua_rawseti(L, to, out++);
    }
    for (; right < high; right++) {
        lua_rawgeti(L, from, right);
        lua_rawseti(L, to, out++);
    }
}

/// Sorts a copy by merging and writes it back, so an order function that fails leaves the table as it was.
static int table_sort(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_Integer count = luaL_len(L, 1);
    if (!lua_isnoneornil(L, 2)) luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_settop(L, 2);
    if (count < 2) return 0;
    luaL_argcheck(L, count < INT_MAX, 1, "array too big");
    int from = 3, to = 4;
    lua_newtable(L);
    lua_newtable(L);
    for (lua_Integer i = 1; i <= count; i++) {
        tw_poll(tw_host_of(L), L);
        lua_geti(L, 1, i);
        lua_rawseti(L, from, i);
    }
    for (lua_Integer width = 1; width < count; width *= 2) {
        for (lua_Integer low = 1; low <= count; low += 2 * width) {
            lua_Integer middle = low + width, high = middle + width, end = count + 1;
            merge(L, from, to, low, middle < end ? middle : end, high < end ? high : end);
        }
        int other = from;
        from = to;
        to = other;
    }
    for (lua_Integer i = 1; i <= count; i++) {
        tw_poll(tw_host_of(L), L);
        lua_rawgeti(L, from, i);
        lua_seti(L, 1, i);
    }
    return 0;
}

/// Puts these functions into the table on top of the stack.
void tw_open_tables(lua_State *L) {
    static const luaL_Reg functions[] = {
        {"concat", table_concat}, {"insert", table_insert}, {"move", table_move},
        {"remove", table_remove}, {"sort", table_sort},     {NULL, NULL},
    };
    luaL_setfuncs(L, functions, 0);
}
