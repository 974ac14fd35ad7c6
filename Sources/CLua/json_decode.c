// JSON text straight into tables. Grammar: RFC 8259. Integers that fit 64 bits stay integers, null is json.null,
// arrays are marked so that an empty one stays an array. A lone surrogate in an escape becomes U+FFFD.
#include "host.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct parser {
    lua_State *L;
    tw_buffer *scratch;
    const char *start, *next, *end;
    int depth;
    /// Stack index of the metatable that marks arrays.
    int array;
} parser;

static int fail(parser *p, const char *problem) {
    lua_Integer line = 1, column = 1;
    for (const char *c = p->start; c < p->next; c++) {
        column = *c == '\n' ? 1 : column + 1;
        line += *c == '\n';
    }
    return tw_error(p->L, "json: %s at line %I, column %I", problem, (LUAI_UACINT)line, (LUAI_UACINT)column);
}

static void skip_space(parser *p) {
    while (p->next < p->end && (*p->next == ' ' || *p->next == '\n' || *p->next == '\r' || *p->next == '\t'))
        p->next++;
}

static int hex4(parser *p) {
    if (p->end - p->next < 4) fail(p, "unfinished escape");
    int value = 0;
    for (int i = 0; i < 4; i++) {
        char c = *p->next;
        int digit = c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
        if (digit < 0) fail(p, "four hexadecimal digits must follow \\u");
        value = value * 16 + digit;
        p->next++;
    }
    return value;
}

static int put_character(tw_buffer *buffer, unsigned c) {
    char bytes[4];
    size_t count = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const unsigned char lead[] = {0, 0, 0xC0, 0xE0, 0xF0};
    for (size_t i = count - 1; i > 0; i--, c >>= 6) bytes[i] = (char)(0x80 | (c & 0x3F));
    bytes[0] = (char)(lead[count] | c);
    return tw_append(buffer, bytes, count);
}

static unsigned unicode_escape(parser *p) {
    unsigned c = (unsigned)hex4(p);
    if (c < 0xD800 || c > 0xDFFF) return c;
    if (c > 0xDBFF || p->end - p->next < 6 || p->next[0] != '\\' || p->next[1] != 'u') return 0xFFFD;
    const char *back = p->next;
    p->next += 2;
    unsigned low = (unsigned)hex4(p);
    if (low >= 0xDC00 && low <= 0xDFFF) return 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
    p->next = back;
    return 0xFFFD;
}

static void escape(parser *p) {
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    if (p->next == p->end) fail(p, "unfinished string");
    char c = *p->next++;
    const char *known = c ? strchr(from, c) : NULL;
    int status;
    if (known)
        status = tw_append(p->scratch, &to[known - from], 1);
    else if (c == 'u')
        status = put_character(p->scratch, unicode_escape(p));
    else {
        p->next--;
        status = fail(p, "unknown escape");
    }
    if (status) luaL_error(p->L, "not enough memory");
}

static void push_string(parser *p) {
    const char *start = ++p->next;
    p->scratch->count = 0;
    for (;;) {
        while (p->next < p->end && *p->next != '"' && *p->next != '\\' && (unsigned char)*p->next >= 0x20) p->next++;
        if (p->next == p->end) fail(p, "unfinished string");
        if ((unsigned char)*p->next < 0x20) fail(p, "control character in a string");
        if (*p->next == '"' && p->scratch->count == 0) {
            lua_pushlstring(p->L, start, (size_t)(p->next++ - start));
            return;
        }
        if (tw_append(p->scratch, start, (size_t)(p->next - start))) luaL_error(p->L, "not enough memory");
        if (*p->next++ == '"') break;
        escape(p);
        start = p->next;
        if (p->next < p->end && *p->next == '"' && p->scratch->count == 0) break;
    }
    lua_pushlstring(p->L, (const char *)p->scratch->bytes, p->scratch->count);
}

static int digits(parser *p) {
    const char *start = p->next;
    while (p->next < p->end && *p->next >= '0' && *p->next <= '9') p->next++;
    return p->next > start;
}

static int push_integer(parser *p, const char *start) {
    int negative = *start == '-';
    uint64_t value = 0, limit = (uint64_t)INT64_MAX + (uint64_t)negative;
    for (const char *c = start + negative; c < p->next; c++) {
        uint64_t digit = (uint64_t)(*c - '0');
        if (value > (limit - digit) / 10) return 0;
        value = value * 10 + digit;
    }
    lua_pushinteger(p->L, negative ? (lua_Integer)(0 - value) : (lua_Integer)value);
    return 1;
}

static void push_number(parser *p) {
    const char *start = p->next;
    int whole = 1;
    if (*p->next == '-') p->next++;
    const char *first = p->next;
    if (!digits(p)) fail(p, "unexpected character");
    if (*first == '0' && p->next - first > 1) fail(p, "a number with a leading zero");
    if (p->next < p->end && *p->next == '.') {
        whole = 0;
        p->next++;
        if (!digits(p)) fail(p, "a number without digits after the point");
    }
    if (p->next < p->end && (*p->next | 32) == 'e') {
        whole = 0;
        p->next++;
        if (p->next < p->end && (*p->next == '+' || *p->next == '-')) p->next++;
        if (!digits(p)) fail(p, "a number without digits in its exponent");
    }
    if (whole && push_integer(p, start)) return;
    p->scratch->count = 0;
    if (tw_append(p->scratch, start, (size_t)(p->next - start)) || tw_append(p->scratch, "", 1))
        luaL_error(p->L, "not enough memory");
    double value = strtod((const char *)p->scratch->bytes, NULL);
    if (!isfinite(value)) fail(p, "a number out of range");
    lua_pushnumber(p->L, value);
}

static void push_value(parser *p);

static void deeper(parser *p) {
    if (++p->depth > TW_DEPTH_LIMIT) fail(p, "nesting deeper than 100 levels");
    luaL_checkstack(p->L, 6, "json");
    tw_poll(tw_host_of(p->L), p->L);
    p->next++;
    skip_space(p);
}

/// After a member: 1 when another follows, 0 when `close` ends the table.
static int another(parser *p, char close, const char *problem) {
    skip_space(p);
    if (p->next == p->end || (*p->next != ',' && *p->next != close)) fail(p, problem);
    int more = *p->next++ == ',';
    skip_space(p);
    return more;
}

static void push_array(parser *p) {
    deeper(p);
    lua_newtable(p->L);
    if (p->next < p->end && *p->next == ']') {
        p->next++;
    } else {
        lua_Integer i = 1;
        do {
            push_value(p);
            lua_rawseti(p->L, -2, i++);
        } while (another(p, ']', "expected , or ]"));
    }
    lua_pushvalue(p->L, p->array);
    lua_setmetatable(p->L, -2);
    p->depth--;
}

static void push_object(parser *p) {
    deeper(p);
    lua_newtable(p->L);
    if (p->next < p->end && *p->next == '}') {
        p->next++;
    } else {
        do {
            if (p->next == p->end || *p->next != '"') fail(p, "expected a name in double quotes");
            push_string(p);
            skip_space(p);
            if (p->next == p->end || *p->next != ':') fail(p, "expected :");
            p->next++;
            skip_space(p);
            push_value(p);
            lua_rawset(p->L, -3);
        } while (another(p, '}', "expected , or }"));
    }
    p->depth--;
}

static int word(parser *p, const char *text) {
    size_t count = strlen(text);
    if ((size_t)(p->end - p->next) < count || memcmp(p->next, text, count) != 0) return fail(p, "unexpected character");
    p->next += count;
    return 1;
}

static void push_value(parser *p) {
    if (p->next == p->end) fail(p, "unexpected end");
    switch (*p->next) {
        case '{': push_object(p); break;
        case '[': push_array(p); break;
        case '"': push_string(p); break;
        case 't': lua_pushboolean(p->L, word(p, "true")); break;
        case 'f': lua_pushboolean(p->L, !word(p, "false")); break;
        case 'n':
            word(p, "null");
            lua_pushlightuserdata(p->L, &tw_null);
            break;
        default: push_number(p);
    }
}

void tw_push_json(lua_State *L, const char *text, size_t count) {
    tw_host *host = tw_host_of(L);
    luaL_checkstack(L, 6, "json");
    if (count > host->settings.value_bytes)
        tw_error(L, "json: the text has %I bytes; at most %I are read", (LUAI_UACINT)count,
                 (LUAI_UACINT)host->settings.value_bytes);
    parser p = {L, &host->scratch, text, text, text + count, 0, 0};
    size_t valid = tw_utf8_prefix(text, count);
    if (valid != count) {
        p.next += valid;
        fail(&p, "invalid UTF-8");
    }
    lua_rawgetp(L, LUA_REGISTRYINDEX, &tw_key_array);
    p.array = lua_gettop(L);
    skip_space(&p);
    push_value(&p);
    skip_space(&p);
    if (p.next != p.end) fail(&p, "unexpected text after the value");
    lua_remove(L, p.array);
}

/// json.decode(text)
int tw_json_decode(lua_State *L) {
    size_t count;
    const char *text = luaL_checklstring(L, 1, &count);
    tw_push_json(L, text, count);
    return 1;
}
