#include "host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char tw_key_environment, tw_key_weak, tw_key_modules, tw_key_types, tw_key_array, tw_key_error;
char tw_key_proxied, tw_key_functions, tw_key_trace_error, tw_null;

/// What all states of the process hold and may hold.
static _Atomic int64_t total_bytes;
static _Atomic int64_t total_ceiling = INT64_MAX;

/// A state tells the process's total only when this much has changed.
enum { TW_REPORT_BYTES = 64 << 10 };
/// A request up to this size is refused later than a greater one: much of Lua 5.4.4 does not take a refusal of a
/// small request well.
enum { TW_SMALL_BYTES = 64 << 10 };

void tw_set_memory_ceiling(size_t bytes) {
    atomic_store(&total_ceiling, bytes && bytes < INT64_MAX ? (int64_t)bytes : INT64_MAX);
}

/// Out of the way of the many allocations that need none of it, as is `is_denied`.
static __attribute__((noinline)) void report(tw_host *host) {
    int64_t change = (int64_t)(host->used - host->reported);
    int64_t total = atomic_fetch_add(&total_bytes, change) + change;
    host->reported = host->used;
    if (host->used > host->peak) host->peak = host->used;
    if (total > atomic_load(&total_ceiling) && !host->memory_check) tw_check_memory_soon(host);
}

static inline void account(tw_host *host, size_t used) {
    host->used = used;
    // A difference in either direction, in one comparison.
    if (__builtin_expect(used - host->reported + TW_REPORT_BYTES > 2 * TW_REPORT_BYTES, 0)) report(host);
}

/// For a request that takes the state past its limit.
static int is_refused(tw_host *host, size_t more) {
    size_t limit = host->settings.memory_bytes, used = host->used + more;
    if (!host->memory_check) tw_check_memory_soon(host);
    return used > limit * 4 && (more > TW_SMALL_BYTES || used > limit * 8);
}

/// Slots that Lua keeps beyond a stack's size, and the size of a slot. Source: Lua 5.4, lstate.h, EXTRA_STACK.
enum { TW_EXTRA_STACK = 5, TW_SLOT_BYTES = 16 };

/// Whether the running coroutine's stack is about to be doubled. Lua does not tell what it allocates, so this looks at
/// the coroutine itself: its fifth word is the current call, which lua_getstack confirms, the sixth and seventh are the
/// stack's end and start. Source: Lua 5.4, lstate.h, struct lua_State.
static int is_stack_growth(const tw_host *host, size_t size) {
    lua_Debug frame;
    if (host->depth == 0 || !lua_getstack(host->chain[host->depth - 1], 0, &frame)) return 0;
    const char *const *words = (const char *const *)host->chain[host->depth - 1];
    if (words[4] != (const char *)frame.i_ci) return 0;
    size_t held = (size_t)(words[5] - words[6]);
    return size == 2 * held + TW_EXTRA_STACK * TW_SLOT_BYTES;
}

/// For a request that takes the state past its limit, or comes when the script shall stop.
static __attribute__((noinline)) int is_denied(tw_host *host, const void *block, size_t more, size_t new_size) {
    if (host->used + more > host->memory_limit && is_refused(host, more)) return 1;
    // A value whose __call is itself makes Lua shift a growing stack, without an instruction between in which the
    // script could be stopped. Only the stack's growth can end that.
    return host->pending > TW_STOP_PAUSE && !block && is_stack_growth(host, new_size);
}

/// Counts what the state holds. The limit is not enforced by refusing: that could be caught, and would collect
/// garbage before every allocation. Past it the state is looked at before the next instruction; a refusal comes
/// only far above. Source: Lua 5.4 reference manual, lua_Alloc.
static void *allocate(void *context, void *block, size_t old_size, size_t new_size) {
    tw_host *host = context;
    size_t held = block ? old_size : 0, used = host->used - held + new_size;
    if (new_size == 0) {
        free(block);
        account(host, used);
        return NULL;
    }
    int is_suspect = used > host->memory_limit || host->pending > TW_STOP_PAUSE;
    if (__builtin_expect(is_suspect, 0) && new_size > held && is_denied(host, block, new_size - held, new_size))
        return NULL;
    void *result = block ? realloc(block, new_size) : malloc(new_size);
    if (__builtin_expect(result != NULL, 1)) account(host, used);
    return result;
}

int64_t tw_exceeded_ceiling(void) {
    int64_t ceiling = atomic_load(&total_ceiling);
    return atomic_load(&total_bytes) > ceiling ? ceiling : 0;
}

/// Reached only by an error outside every protected call, which no function here allows.
static int panic(lua_State *L) {
    const char *message = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "not a string";
    fprintf(stderr, "tidewire: unprotected Lua error: %s\n", message);
    abort();
}

/// Failures of `__close` would be written to standard error by the default.
static void discard_warning(void *context, const char *message, int to_be_continued) {
    (void)context, (void)message, (void)to_be_continued;
}

tw_host *tw_host_new(tw_settings settings, tw_function function, void *context) {
    tw_host *host = calloc(1, sizeof *host);
    if (!host) return NULL;
    host->settings = settings;
    host->memory_limit = settings.memory_bytes;
    host->function = function;
    host->context = context;
    host->L = lua_newstate(allocate, host);
    if (!host->L) {
        free(host);
        return NULL;
    }
    *(tw_host **)lua_getextraspace(host->L) = host;
    lua_atpanic(host->L, panic);
    lua_setwarnf(host->L, discard_warning, NULL);
    return host;
}

void tw_host_free(tw_host *host) {
    lua_close(host->L);
    atomic_fetch_sub(&total_bytes, (int64_t)host->reported);
    tw_buffer_free(&host->input);
    tw_buffer_free(&host->output);
    tw_buffer_free(&host->scratch);
    tw_buffer_free(&host->trace);
    free(host->prelude);
    free(host);
}

/// Runs `body(argument)` so that whatever it raises ends here. On the base level of the main thread Lua keeps
/// LUA_MINSTACK free slots, and neither push allocates.
int tw_protect(tw_host *host, lua_CFunction body, void *argument) {
    lua_State *L = host->L;
    lua_pushcfunction(L, body);
    lua_pushlightuserdata(L, argument);
    int status = lua_pcall(L, 1, 0, 0);
    if (status == LUA_OK) return TW_OK;
    if (status == LUA_ERRMEM) {
        host->broken = 1;
        tw_write_failure_text(host, TW_CODE_MEMORY, "not enough memory");
    } else {
        size_t count = 0;
        const char *message = lua_type(L, -1) == LUA_TSTRING ? lua_tolstring(L, -1, &count) : "unknown error";
        tw_write_failure_text(host, TW_CODE_BAD_VALUE, message);
    }
    lua_settop(L, 0);
    return TW_FAILED;
}

size_t tw_host_used(const tw_host *host) { return host->used; }
size_t tw_host_peak(const tw_host *host) { return host->used > host->peak ? host->used : host->peak; }
int tw_host_broken(const tw_host *host) { return host->broken; }
void tw_host_set_reserves(tw_host *host, int reserves) { host->reserves = reserves; }
int tw_host_pressure(const tw_host *host) { return host->pressure; }

void tw_host_relieved(tw_host *host) {
    host->pressure = 0;
    host->memory_limit = host->settings.memory_bytes;
}

static int collect(lua_State *L) {
    lua_gc(L, LUA_GCCOLLECT);
    return 0;
}

void tw_host_collect(tw_host *host) { tw_protect(host, collect, NULL); }

void tw_set_input(tw_host *host, const uint8_t *bytes, size_t count) {
    host->input.count = 0;
    if (tw_append(&host->input, bytes, count)) host->input.count = 0;
}

const uint8_t *tw_output(const tw_host *host, size_t *count) {
    *count = host->output.count;
    return host->output.bytes;
}

typedef struct chunk {
    const char *name, *text;
    size_t count;
    int *reference;
    int status;
} chunk;

int tw_compile(lua_State *L, const char *name, const char *text, size_t count) {
    size_t limit = tw_host_of(L)->settings.source_bytes;
    if (count > limit) {
        lua_pushfstring(L, "%s: the file has %I bytes; at most %I are loaded", name + 1, (LUAI_UACINT)count,
                        (LUAI_UACINT)limit);
        return TW_CODE_LIMIT;
    }
    lua_Integer line = tw_screen(text, count);
    if (line) {
        lua_pushfstring(L, "%s:%I: more than 500 fields, indices or calls in one expression", name + 1,
                        (LUAI_UACINT)line);
        return TW_CODE_SYNTAX;
    }
    int status = luaL_loadbufferx(L, text, count, name, "t");
    if (status != LUA_OK) return status == LUA_ERRMEM ? TW_CODE_MEMORY : TW_CODE_SYNTAX;
    lua_rawgetp(L, LUA_REGISTRYINDEX, &tw_key_environment);
    if (!lua_setupvalue(L, -2, 1)) lua_pop(L, 1);
    return 0;
}

static int load_body(lua_State *L) {
    chunk *c = lua_touserdata(L, 1);
    int code = tw_compile(L, c->name, c->text, c->count);
    if (code) {
        tw_write_failure(tw_host_of(L), L, NULL, code);
        c->status = TW_FAILED;
    } else if (c->reference) {
        *c->reference = luaL_ref(L, LUA_REGISTRYINDEX);
    }
    return 0;
}

int tw_host_load(tw_host *host, const char *name, const char *text, size_t count, int *reference) {
    chunk c = {name, text, count, reference, TW_OK};
    int status = tw_protect(host, load_body, &c);
    return status == TW_OK ? c.status : status;
}

static int release_body(lua_State *L) {
    luaL_unref(L, LUA_REGISTRYINDEX, *(int *)lua_touserdata(L, 1));
    return 0;
}

void tw_host_release(tw_host *host, int reference) { tw_protect(host, release_body, &reference); }

typedef struct addition {
    const char *name, *chunk, *text;
    size_t count;
    int index;
    void *context;
} addition;

/// Pushes the table of the registry under `key`, making it when it is not there.
static void push_table(lua_State *L, void *key) {
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, key) == LUA_TTABLE) return;
    lua_pop(L, 1);
    lua_newtable(L);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, key);
}

static int add_function_body(lua_State *L) {
    addition *a = lua_touserdata(L, 1);
    push_table(L, &tw_key_functions);
    lua_pushinteger(L, a->index);
    lua_pushstring(L, a->name);
    lua_pushcclosure(L, tw_call_function, 2);
    lua_setfield(L, -2, a->name);
    return 0;
}

static int add_direct_body(lua_State *L) {
    addition *a = lua_touserdata(L, 1);
    push_table(L, &tw_key_functions);
    lua_pushlightuserdata(L, a->context);
    lua_pushstring(L, a->name);
    lua_pushcclosure(L, tw_call_direct, 2);
    lua_setfield(L, -2, a->name);
    return 0;
}

static int add_module_body(lua_State *L) {
    addition *a = lua_touserdata(L, 1);
    push_table(L, &tw_key_modules);
    lua_createtable(L, 2, 0);
    lua_pushstring(L, a->chunk);
    lua_rawseti(L, -2, 1);
    lua_pushlstring(L, a->text, a->count);
    lua_rawseti(L, -2, 2);
    lua_setfield(L, -2, a->name);
    return 0;
}

int tw_host_add_function(tw_host *host, const char *name, int index) {
    addition a = {.name = name, .index = index};
    return tw_protect(host, add_function_body, &a);
}

int tw_host_add_direct(tw_host *host, const char *name, tw_direct function, void *context) {
    addition a = {.name = name, .context = context};
    host->direct = function;
    return tw_protect(host, add_direct_body, &a);
}

int tw_host_add_module(tw_host *host, const char *name, const char *chunk, const char *text, size_t count) {
    addition a = {.name = name, .chunk = chunk, .text = text, .count = count};
    return tw_protect(host, add_module_body, &a);
}
