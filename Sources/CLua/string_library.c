// string.rep and string.format: the first may not outgrow the state, the second may not show addresses.
#include "host.h"

#include <string.h>

static int string_rep(lua_State *L) {
    size_t length, gap;
    const char *text = luaL_checklstring(L, 1, &length);
    lua_Integer times = luaL_checkinteger(L, 2);
    const char *separator = luaL_optlstring(L, 3, "", &gap);
    size_t unit = length + gap, limit = tw_host_of(L)->settings.memory_bytes;
    if (times <= 0 || unit == 0) {
        lua_pushliteral(L, "");
        return 1;
    }
    if (unit > limit || (size_t)times > limit / unit) return luaL_error(L, "resulting string too large");
    size_t total = unit * (size_t)times - gap;
    luaL_Buffer result;
    char *bytes = luaL_buffinitsize(L, &result, total);
    memcpy(bytes, text, length);
    if (total > length) {
        memcpy(bytes + length, separator, gap);
        for (size_t done = unit; done < total;) {
            size_t more = done < total - done ? done : total - done;
            memcpy(bytes + done, bytes, more);
            done += more;
        }
    }
    luaL_pushresultsize(&result, total);
    return 1;
}

/// Gives `%s` the text of what would show an address, refuses `%p`, and leaves the rest to the stock function, which
/// runs in this very frame, so that its errors have the caller's position.
static int string_format(lua_State *L) {
    size_t count;
    const char *format = luaL_checklstring(L, 1, &count), *end = format + count;
    int argument = 1, top = lua_gettop(L);
    while (format < end) {
        if (*format++ != '%') continue;
        if (format < end && *format == '%') {
            format++;
            continue;
        }
        while (format < end && strchr("-+ #0.123456789", *format) && *format) format++;
        argument++;
        if (format >= end) break;
        if (*format == 'p') return luaL_error(L, "invalid conversion '%%p' to 'format': addresses are not shown");
        if (*format == 's' && argument <= top) {
            tw_push_text(L, argument);
            lua_replace(L, argument);
        }
        format++;
    }
    return tw_host_of(L)->stock_format(L);
}

/// Adds both functions to the table on top of the stack, which has the stock ones.
void tw_open_strings(lua_State *L) {
    static const luaL_Reg functions[] = {{"format", string_format}, {"rep", string_rep}, {NULL, NULL}};
    lua_getfield(L, -1, "format");
    tw_host_of(L)->stock_format = lua_tocfunction(L, -1);
    lua_pop(L, 1);
    luaL_setfuncs(L, functions, 0);
}
