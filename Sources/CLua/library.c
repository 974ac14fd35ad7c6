// The allow-list: what scripts find as globals. Whatever is not named here does not exist for them.
#include "host.h"

static const char *const base_names[] = {
    "assert", "error", "getmetatable", "ipairs", "pcall", "rawequal", "select", "tonumber", "type", "_VERSION", NULL,
};
static const char *const string_names[] = {
    "byte", "char", "format", "len", "lower", "pack", "packsize", "reverse", "sub", "unpack", "upper", NULL,
};
static const char *const table_names[] = {"pack", "unpack", NULL};
static const char *const utf8_names[] = {"char", "charpattern", "codepoint", "codes", "len", "offset", NULL};
static const char *const math_names[] = {
    "abs", "acos", "asin", "atan", "ceil", "cos", "deg", "exp", "floor", "fmod", "huge", "log", "max", "maxinteger",
    "min", "mininteger", "modf", "pi", "rad", "sin", "sqrt", "tan", "tointeger", "type", "ult", NULL,
};

/// Copies the named members of the library that `open` makes into the table on top of the stack.
static void copy(lua_State *L, const char *name, lua_CFunction open, const char *const *names) {
    luaL_requiref(L, name, open, 0);
    for (; *names; names++) {
        lua_getfield(L, -1, *names);
        lua_setfield(L, -3, *names);
    }
    lua_pop(L, 1);
}

static int null_tostring(lua_State *L) {
    lua_pushliteral(L, "null");
    return 1;
}

/// Gives json.null, the only light userdata that scripts meet, its text.
static void open_null(lua_State *L) {
    lua_pushlightuserdata(L, &tw_null);
    lua_createtable(L, 0, 3);
    lua_pushcfunction(L, null_tostring);
    lua_setfield(L, -2, "__tostring");
    lua_pushliteral(L, "null");
    lua_setfield(L, -2, "__name");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_setmetatable(L, -2);
    lua_pop(L, 1);
}

/// json.array(table): marks it, or a new table, as an array.
int tw_json_array(lua_State *L) {
    if (lua_isnoneornil(L, 1)) {
        lua_settop(L, 0);
        lua_newtable(L);
    }
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &tw_key_array);
    if (lua_getmetatable(L, 1) && !lua_rawequal(L, -1, 2))
        return luaL_error(L, "a table with a metatable cannot be marked as an array");
    lua_settop(L, 2);
    lua_setmetatable(L, 1);
    return 1;
}

static void push_json(lua_State *L) {
    lua_createtable(L, 0, 1);
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_rawsetp(L, LUA_REGISTRYINDEX, &tw_key_array);
    static const luaL_Reg functions[] = {
        {"array", tw_json_array}, {"decode", tw_json_decode}, {"encode", tw_json_encode}, {NULL, NULL}};
    luaL_newlib(L, functions);
    lua_pushlightuserdata(L, &tw_null);
    lua_setfield(L, -2, "null");
}

/// Points the methods of strings at the table on top of the stack.
static void share_string_methods(lua_State *L) {
    lua_pushliteral(L, "");
    lua_getmetatable(L, -1);
    lua_pushvalue(L, -3);
    lua_setfield(L, -2, "__index");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 2);
}

/// Messages about arguments look up the names of functions among the loaded libraries; lets them find these.
static void name_functions(lua_State *L) {
    lua_newtable(L);
    lua_pushvalue(L, -2);
    lua_setfield(L, -2, LUA_GNAME);
    for (lua_pushnil(L); lua_next(L, -3); lua_pop(L, 1)) {
        if (!lua_istable(L, -1)) continue;
        lua_pushvalue(L, -2);
        lua_pushvalue(L, -2);
        lua_rawset(L, -5);
    }
    lua_setfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
}

static void add_libraries(lua_State *L) {
    lua_newtable(L);
    copy(L, LUA_STRLIBNAME, luaopen_string, string_names);
    tw_open_patterns(L);
    tw_open_strings(L);
    share_string_methods(L);
    lua_setfield(L, -2, "string");
    lua_newtable(L);
    copy(L, LUA_TABLIBNAME, luaopen_table, table_names);
    tw_open_tables(L);
    lua_setfield(L, -2, "table");
    lua_newtable(L);
    copy(L, LUA_UTF8LIBNAME, luaopen_utf8, utf8_names);
    lua_setfield(L, -2, "utf8");
    lua_newtable(L);
    copy(L, LUA_MATHLIBNAME, luaopen_math, math_names);
    tw_open_random(L);
    lua_setfield(L, -2, "math");
}

static void add_stock(lua_State *L) {
    lua_newtable(L);
    luaL_requiref(L, LUA_STRLIBNAME, luaopen_string, 0);
    lua_setfield(L, -2, "string");
    luaL_requiref(L, LUA_TABLIBNAME, luaopen_table, 0);
    lua_setfield(L, -2, "table");
    luaL_requiref(L, LUA_GNAME, luaopen_base, 0);
    lua_getfield(L, -1, "next");
    lua_setfield(L, -3, "next");
    lua_pop(L, 1);
    lua_setfield(L, -2, "stock");
}

void tw_push_library(lua_State *L) {
    static const luaL_Reg own[] = {
        {"collectgarbage", tw_collectgarbage},
        {"next", tw_next},
        {"pairs", tw_pairs},
        {"rawget", tw_rawget},
        {"rawlen", tw_rawlen},
        {"rawset", tw_rawset},
        {"require", tw_require},
        {"setmetatable", tw_setmetatable},
        {"tostring", tw_tostring},
        {"xpcall", tw_xpcall},
        {NULL, NULL},
    };
    open_null(L);
    lua_newtable(L);
    copy(L, LUA_GNAME, luaopen_base, base_names);
    luaL_setfuncs(L, own, 0);
    add_libraries(L);
    tw_open_coroutine(L);
    lua_setfield(L, -2, "coroutine");
    push_json(L);
    lua_setfield(L, -2, "json");
    if (tw_host_of(L)->settings.has_stock) add_stock(L);
    name_functions(L);
}
