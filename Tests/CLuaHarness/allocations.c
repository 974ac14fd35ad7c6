// Whichever allocation is the first to fail, and all after it: every call ends with a status, the process lives on,
// and nothing leaks. A program that uses the sandbox from its opening to an error is run again and again, each time with
// one allocation more, until it needs no more.
#include "fail_allocations.h"

#include "CLua.h"

#include <stdio.h>

// Here the true ones are meant.
#undef malloc
#undef calloc
#undef realloc
#undef strdup

static long left = -1;
static int has_failed;

static int is_failing(void) {
    if (left == 0) has_failed = 1;
    if (left > 0) left--;
    return left == 0 && has_failed;
}

void *failing_malloc(size_t size) { return is_failing() ? NULL : malloc(size); }
void *failing_calloc(size_t count, size_t size) { return is_failing() ? NULL : calloc(count, size); }
void *failing_realloc(void *block, size_t size) { return is_failing() ? NULL : realloc(block, size); }
char *failing_strdup(const char *text) { return is_failing() ? NULL : strdup(text); }

static int echo(void *context, tw_host *host, int index, const uint8_t *bytes, size_t count) {
    (void)context, (void)index;
    tw_set_input(host, bytes, count);
    return 0;
}

static int direct(void *context, tw_call *call) {
    (void)context;
    tw_scalar *answer = tw_call_answer(call);
    *answer = (tw_scalar){.tag = TW_TAG_STRING, .bits = tw_call_text(call, "text", 4), .count = 4};
    if (answer->bits < 0) answer->tag = TW_TAG_NIL;
    return 0;
}

static const char prelude[] =
    "local host = ...\n"
    "local M = {} M.__index = M\n"
    "function M:go(...) return host.command(2, 'm:go', ...) end\n"
    "host.type('m', M)\n"
    "local function fail() host.error(2, { code = 'x', message = 'y', d = { 1, 2 } }) end\n"
    "return { api = { call = function(...) return host.command(2, 'api', ...) end, n = { 1 } }, fail = fail,\n"
    "  functions = host.functions }\n";

static const char module[] = "local t = {} for i = 1, 20 do t['k' .. i] = { i } end return t";

static const char rule[] =
    "local m = require 'mod'\n"
    "return { on = { 1, 2, { x = json.null } }, run = function(a, b)\n"
    "  pcall(error, { 1 })\n"
    "  for k, v in pairs(m) do local s = tostring(v) .. k end\n"
    "  local c = coroutine.wrap(function(...)\n"
    "    local r = api.call(...) coroutine.yield(r) error('inner ' .. tostring(r))\n"
    "  end)\n"
    "  c(1, { a = { b = 'text' }, c = { 1, 2, 3 } })\n"
    "  pcall(c)\n"
    "  json.encode(json.decode('{\"a\":[1,2,{\"b\":\"\\\\u00e9\"}],\"c\":null}'))\n"
    "  local g = ('hello world'):gsub('o', function(x) return x .. x end)\n"
    "  local l = {} for w in g:gmatch('%w+') do l[#l + 1] = w end table.sort(l)\n"
    "  local r = { pcall(fail) } print(tostring(r[2]), ('%s|%5d'):format({}, 3))\n"
    "  functions.echo(1, { 2 }) functions.direct('a', 2)\n"
    "  local co = coroutine.create(function()\n"
    "    local x <close> = setmetatable({}, { __close = function() functions.echo() end }) api.call()\n"
    "  end)\n"
    "  coroutine.resume(co)\n"
    "  xpcall(function() local t = nil t.x = 1 end, function(m) return { m = m } end)\n"
    "  for k, v in next, { a = 1, b = 2, [{}] = 3 } do end\n"
    "  if a == 7 then error({ code = 5, message = 'end', t = { l } }) end\n"
    "  m:missing()\n"
    "end }\n";

/// Runs to the end, answering each command with the same values.
static void run(tw_host *host, int reference, const uint8_t *values, size_t count) {
    tw_run *run = tw_run_new(host, 1);
    if (!run) return;
    int status = tw_run_load(host, run, reference), kind = TW_BEGIN;
    tw_set_input(host, values, count);
    if (status == TW_OK) status = tw_run_select(host, run, "run");
    while (status == TW_OK || status == TW_COMMAND || status == TW_PAUSED) {
        status = tw_run_resume(host, run, kind);
        if (status == TW_OK) break;
        kind = status == TW_PAUSED ? TW_PROCEED : TW_VALUES;
        tw_set_input(host, values, count);
    }
    tw_run_free(host, run);
}

static void describe(tw_host *host, int reference) {
    tw_run *run = tw_run_new(host, 1);
    if (!run) return;
    if (tw_run_load(host, run, reference) == TW_OK) tw_run_describe(host, run);
    tw_run_free(host, run);
}

static void use(void) {
    static const uint8_t text[] = {TW_TAG_STRING, 1, 0, 0, 0, 'x', TW_TAG_INTEGER, 1, 0, 0, 0, 0, 0, 0, 0};
    static const uint8_t seven[] = {TW_TAG_INTEGER, 7, 0, 0, 0, 0, 0, 0, 0};
    tw_settings settings = {
        .memory_bytes = 64 << 20,
        .cpu_ns = 60000000000,
        .wall_ns = 600000000000,
        .source_bytes = 256 << 10,
        .value_bytes = 8 << 20,
    };
    tw_host *host = tw_host_new(settings, echo, NULL);
    if (!host) return;
    int reference = 0;
    int status = tw_host_add_function(host, "echo", 0);
    if (!status) status = tw_host_add_function(host, "print", 1);
    if (!status) status = tw_host_add_direct(host, "direct", direct, NULL);
    if (!status) status = tw_host_add_module(host, "mod", "@mod.lua", module, strlen(module));
    if (!status) status = tw_host_open(host, "@prelude.lua", prelude, strlen(prelude));
    if (!status) status = tw_host_load(host, "@rule.lua", rule, strlen(rule), &reference);
    if (!status) {
        describe(host, reference);
        run(host, reference, text, sizeof text);
        run(host, reference, seven, sizeof seven);
    }
    left = -1;
    tw_host_free(host);
}

int main(void) {
    // What the first thread to run Lua makes once is not the sandbox's to give back.
    use();
    long count = 0;
    do {
        has_failed = 0;
        left = ++count;
        use();
    } while (has_failed);
    printf("%ld allocations failed, each cleanly\n", count - 1);
    return count > 500 ? 0 : 1;
}
