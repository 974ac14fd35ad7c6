// "did you mean": where a script calls or indexes a name that does not exist, the nearest one that does.
#include "host.h"

#include <stdio.h>

/// Characters of a name that are compared.
enum { TW_NAME_BYTES = 32 };
/// Longer messages are a script's own: Lua words these in a line.
enum { TW_LINE_BYTES = 1024 };

typedef struct hint {
    const char *wanted;
    size_t count;
    size_t least;
    char nearest[TW_NAME_BYTES + 1];
} hint;

static size_t least_of(size_t a, size_t b, size_t c) { return a < b ? (a < c ? a : c) : (b < c ? b : c); }

/// Insertions, removals, replacements and swaps of neighbours that make one name the other (optimal string alignment).
static size_t distance(const char *a, size_t m, const char *b, size_t n) {
    size_t rows[3][TW_NAME_BYTES + 1];
    for (size_t j = 0; j <= n; j++) rows[0][j] = j;
    for (size_t i = 1; i <= m; i++) {
        size_t *row = rows[i % 3], *above = rows[(i - 1) % 3], *two_above = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= n; j++) {
            row[j] = least_of(above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && two_above[j - 2] + 1 < row[j])
                row[j] = two_above[j - 2] + 1;
        }
    }
    return rows[m % 3][n];
}

static void consider(hint *h, const char *name, size_t count) {
    if (count > TW_NAME_BYTES || count == 0) return;
    size_t d = distance(h->wanted, h->count, name, count);
    int is_before = d == h->least && h->nearest[0] && strcmp(name, h->nearest) < 0;
    if (d < h->least || is_before) {
        h->least = d;
        memcpy(h->nearest, name, count);
        h->nearest[count] = 0;
    }
}

/// Looks at the names in the table on top of the stack: of functions, or with `all` of whatever there is.
static void consider_table(lua_State *L, hint *h, int all) {
    if (!lua_istable(L, -1)) return;
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
        size_t count;
        if (lua_type(L, -2) != LUA_TSTRING || (!all && !lua_isfunction(L, -1))) continue;
        const char *name = lua_tolstring(L, -2, &count);
        consider(h, name, count);
    }
}

/// Methods of the registered types.
static void consider_methods(lua_State *L, hint *h) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &tw_key_types);
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
        if (!lua_istable(L, -1)) continue;
        lua_pushliteral(L, "__index");
        lua_rawget(L, -2);
        consider_table(L, h, 0);
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
}

/// Functions in the tables among those in the table on top of the stack.
static void consider_modules(lua_State *L, hint *h) {
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
        if (!tw_push_proxied(L, -1)) continue;
        consider_table(L, h, 0);
        lua_pop(L, 1);
    }
}

/// Globals, or the functions in the modules among them.
static void consider_globals(lua_State *L, hint *h, int modules) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &tw_key_environment);
    if (!tw_push_proxied(L, -1)) {
        lua_pop(L, 1);
        return;
    }
    if (modules)
        consider_modules(L, h);
    else
        consider_table(L, h, 1);
    lua_pop(L, 2);
}

/// Lua words such an error `attempt to call a nil value (method 'raect')`. Source: Lua 5.4, ldebug.c, varinfo.
static int find_name(const char *message, char kind[8], hint *h) {
    const char *place = strstr(message, " a nil value (");
    if (!place) return 0;
    int start = 0, end = 0;
    if (sscanf(place, " a nil value (%7[a-z] '%n%*[A-Za-z0-9_]%n'", kind, &start, &end) != 1 || end <= start) return 0;
    h->wanted = place + start;
    h->count = (size_t)(end - start);
    return h->count <= TW_NAME_BYTES;
}

void tw_add_hint(lua_State *L) {
    hint h = {.nearest = ""};
    char kind[8];
    if (lua_type(L, -1) != LUA_TSTRING || lua_rawlen(L, -1) > TW_LINE_BYTES) return;
    if (!find_name(lua_tostring(L, -1), kind, &h)) return;
    luaL_checkstack(L, LUA_MINSTACK, "hint");
    h.least = h.count / 3 + 1;
    if (strcmp(kind, "global") == 0) {
        consider_globals(L, &h, 0);
    } else if (strcmp(kind, "method") == 0 || strcmp(kind, "field") == 0) {
        consider_methods(L, &h);
        consider_globals(L, &h, 1);
    }
    if (!h.nearest[0] || h.least == 0) return;
    lua_pushfstring(L, "%s; did you mean \"%s\"?", lua_tostring(L, -1), h.nearest);
    lua_remove(L, -2);
}
