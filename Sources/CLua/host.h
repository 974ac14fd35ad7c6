// What the C files of this target share.
#pragma once

#include "CLua.h"

#include <lua5.4/lauxlib.h>
#include <lua5.4/lua.h>
#include <lua5.4/lualib.h>
#include <stdatomic.h>
#include <string.h>

/// Coroutines that may be resumed inside each other. Lua's own limit of nested C calls (200) lies above.
#define TW_CHAIN_LIMIT 180
/// Levels of nesting in a value that crosses the border or in a JSON text.
#define TW_DEPTH_LIMIT 100

typedef struct tw_buffer {
    uint8_t *bytes;
    size_t count, capacity;
} tw_buffer;

/// How a chunk is run: not at all (any more), in one go, or with pauses.
enum { TW_LOADED = 0, TW_LOADING = 1, TW_LOADING_IN_SLICES = 2 };

struct tw_run {
    lua_State *thread;
    /// Of the registry: a table that holds the thread at 1, the modules it required at 2, the numbers of its objects
    /// at 3, and the keys that `next` walks along at 4.
    int anchor;
    int loading;
    /// Taken so far by all steps, and by the present one; how many times the limits the present one may take.
    int64_t cpu_ns, step_cpu_ns, step_wall_ns;
    int times;
    /// How many objects have been given a number; see tw_push_text.
    lua_Integer objects;
    uint64_t random[4];
};

/// Why a script is stopped; the greater wins.
enum { TW_STOP_PAUSE = 1, TW_STOP_CPU = 2, TW_STOP_WALL = 3, TW_STOP_MEMORY = 4, TW_STOP_CEILING = 5 };

typedef struct tw_slot tw_slot;

/// One step of a run, as the watchdog sees it. Slices nest where a host function drives another state.
typedef struct tw_slice {
    tw_slot *slot;
    tw_host *host, *outer_host;
    int64_t start, wall_deadline, cpu_limit, pause_after;
    int64_t outer_start, outer_wall, outer_cpu, outer_pause;
} tw_slice;

struct tw_host {
    lua_State *L;
    tw_settings settings;
    tw_function function;
    tw_direct direct;
    void *context;
    /// Bytes held now, and the most that were held at one time, told only when the process's total is.
    size_t used, peak;
    /// What the process's total counts for this state.
    size_t reported;
    /// Bytes after which the script is stopped: the setting, or twice that while the host is asked to free some.
    size_t memory_limit;
    int reserves, pressure;
    int broken;
    /// A reason to stop, written by the signal handler on this thread; cleared as a slice begins.
    volatile int pending;
    volatile int memory_check;
    /// The reason, once the script was stopped; what it was doing then.
    int stopped;
    int pausing;
    char stop_file[256];
    int stop_line, stop_deep;
    int64_t stop_ceiling;
    /// What Swift wrote and what it will read.
    tw_buffer input, output;
    /// Text in the making; contents do not outlive a call.
    tw_buffer scratch;
    /// Frames of coroutines that died of the error kept under `tw_key_trace_error`.
    tw_buffer trace;
    char *prelude;
    lua_CFunction stock_format;
    tw_run *run;
    /// The coroutines that resumed each other, the run's own first.
    lua_State *chain[TW_CHAIN_LIMIT];
    volatile int depth;
    /// Set while a command travels outwards through the chain.
    int awaiting;
    /// Calls of coroutine.close inside each other.
    int closing;
    int input_kind;
};

/// Keys of the registry (their addresses).
extern char tw_key_environment;   // what scripts see as globals: read-only
extern char tw_key_weak;          // the metatable of tables with weak keys
extern char tw_key_modules;       // name -> { chunk name, text } or compiled function
extern char tw_key_types;         // name -> metatable, metatable -> name
extern char tw_key_array;         // metatable of JSON arrays
extern char tw_key_error;         // metatable of errors that came from the host
extern char tw_key_proxied;       // in a read-only table's metatable: the table behind it
extern char tw_key_functions;     // the table host.functions
extern char tw_key_trace_error;   // the error that `trace` belongs to
extern char tw_null;              // the address that stands for JSON's null

static inline tw_host *tw_host_of(lua_State *L) { return *(tw_host **)lua_getextraspace(L); }

// buffer.c
/// Makes room for `count` more bytes. Returns 0, or -1 when there is no memory.
int tw_grow(tw_buffer *buffer, size_t count);
/// Returns as `tw_grow`.
static inline int tw_append(tw_buffer *buffer, const void *bytes, size_t count) {
    if (__builtin_expect(buffer->capacity - buffer->count < count, 0) && tw_grow(buffer, count)) return -1;
    if (count) memcpy(buffer->bytes + buffer->count, bytes, count);
    buffer->count += count;
    return 0;
}
int tw_append_text(tw_buffer *buffer, const char *text);
int tw_append_format(tw_buffer *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));
void tw_buffer_free(tw_buffer *buffer);
/// The index of the first byte that is not part of well-formed UTF-8, or `count`.
size_t tw_utf8_prefix(const char *bytes, size_t count);

// host.c
/// Pushes the compiled chunk with the scripts' globals and returns 0, or pushes a message and returns its code.
int tw_compile(lua_State *L, const char *name, const char *text, size_t count);
/// What all states of the process hold more than, or 0 while they do not exceed the ceiling.
int64_t tw_exceeded_ceiling(void);
int tw_protect(tw_host *host, lua_CFunction body, void *argument);

// failure.c
/// Writes the failure on top of L's stack to the output; `thread`, where it happened, may be NULL.
void tw_write_failure(tw_host *host, lua_State *L, lua_State *thread, int code);
void tw_write_failure_text(tw_host *host, int code, const char *message);
/// Pushes a host error table with fields of the table at `index`, blaming as `level` says.
void tw_push_error(lua_State *L, int index, lua_Integer level);
void tw_open_errors(lua_State *L);
int tw_host_error(lua_State *L);
int tw_prelude_error(lua_State *L);

// hint.c
/// Adds to the message on top of the stack what was perhaps meant, where it is about a name that does not exist.
void tw_add_hint(lua_State *L);

// position.c
/// Finds the innermost frame that belongs to a script: neither C nor prelude. 0 if there is none.
int tw_script_frame(lua_State *L, lua_Debug *frame);
/// Pushes "file:line: " of that frame, or "".
void tw_push_position(lua_State *L);
/// Raises a message with that position in front.
int tw_error(lua_State *L, const char *format, ...);
/// Appends the frames of one coroutine, those of the prelude and of C left out.
void tw_append_frames(tw_host *host, lua_State *thread, tw_buffer *buffer);
/// Keeps the frames of a coroutine that died of the error which is now on top of L's stack.
void tw_keep_trace(lua_State *L, lua_State *thread);

// watchdog.c
/// Has this thread watched until `tw_end_slice`, which returns the processor time taken, to about a millisecond, and
/// writes the time taken to `wall`.
int tw_begin_slice(tw_slice *slice, tw_host *host, int64_t cpu_ns, int64_t pause_ns, int64_t wall_ns);
int64_t tw_end_slice(tw_slice *slice, int64_t *wall);

// limits.c
void tw_stop_soon(tw_host *host, int reason);
void tw_check_memory_soon(tw_host *host);
void tw_arm_if_pending(tw_host *host);
void tw_hook(lua_State *L, lua_Debug *frame);
void tw_note_stop(tw_host *host, lua_State *L);
/// Leaves the script for good.
int tw_stop(lua_State *L);
void tw_poll_slow(lua_State *L);
/// Writes the failure of a stopped run, which had `times` the limits, to the output.
void tw_write_stop(tw_host *host, int times);
/// To be called in every loop in C that a script can make long. May leave by a longjmp.
static inline void tw_poll(tw_host *host, lua_State *L) {
    if (__builtin_expect(host->pending > TW_STOP_PAUSE || host->memory_check, 0)) tw_poll_slow(L);
}

// encode.c: from the Lua stack to the output
enum { TW_STRICT, TW_LENIENT };
/// `what` and, unless 0, the number of an argument say in messages what the value is.
void tw_write_value(lua_State *L, int index, int mode, const char *what, int argument);
void tw_write_string(lua_State *L, const char *bytes, size_t count);
void tw_write_raw_string(tw_buffer *buffer, const char *bytes, size_t count);
void tw_write_integer(tw_buffer *buffer, int64_t value);
void tw_write_tag(tw_buffer *buffer, uint8_t tag);

// decode.c: from the input to the Lua stack
/// Pushes all values of the input; returns how many.
int tw_push_input(lua_State *L);

// json_decode.c, json_encode.c
void tw_push_json(lua_State *L, const char *text, size_t count);
int tw_json_decode(lua_State *L);
int tw_json_encode(lua_State *L);

// command.c
int tw_host_command(lua_State *L);
int tw_call_function(lua_State *L);
/// Raises the failure in the input: code, message, retryable, level, details.
int tw_raise_failure(lua_State *L, lua_Integer level);

int tw_print(lua_State *L);

// direct.c
int tw_call_direct(lua_State *L);

// coroutine.c
void tw_open_coroutine(lua_State *L);
int tw_enter(tw_host *host, lua_State *from, lua_State *thread, int arguments, int *results);

// modules.c
int tw_require(lua_State *L);

// random.c
void tw_seed(tw_run *run, uint64_t seed);
void tw_open_random(lua_State *L);

// base.c
int tw_xpcall(lua_State *L);
int tw_tostring(lua_State *L);
/// Makes the metatable of our own weak tables, and from then on no other table becomes weak.
void tw_end_weakness(lua_State *L);
int tw_collectgarbage(lua_State *L);
void tw_push_text(lua_State *L, int index);

// order.c
int tw_pairs(lua_State *L);
int tw_next(lua_State *L);
/// Pushes an iterator over the table at `index`, which needs neither state nor control value.
void tw_push_iterator(lua_State *L, int index);

// screen.c
/// The line where a source text has what Lua cannot be trusted with, or 0.
lua_Integer tw_screen(const char *text, size_t count);

// pattern_library.c, string_library.c, table_library.c
void tw_open_patterns(lua_State *L);
void tw_open_strings(lua_State *L);
void tw_open_tables(lua_State *L);

// readonly.c
/// Replaces the table on top of the stack by a read-only view of it and of the plain tables in it.
void tw_freeze(lua_State *L, const char *name, int depth);
/// Calls the function of the prelude in its upvalue. When a script says `return api.call()`, a Lua function takes
/// the place of the script's frame, and with it goes the position; a C function leaves the frame where it is.
int tw_guard(lua_State *L);
/// Puts `tw_guard` in front of every Lua function in a table.
void tw_guard_functions(lua_State *L, int table);
/// Pushes the table behind the view at `index` and returns 1, or pushes nothing and returns 0.
int tw_push_proxied(lua_State *L, int index);
/// Replaces the table of globals on top of the stack by what scripts see of it.
void tw_freeze_globals(lua_State *L);
int tw_rawset(lua_State *L);
int tw_rawget(lua_State *L);
int tw_rawlen(lua_State *L);
int tw_setmetatable(lua_State *L);

// library.c
/// Pushes the table of all that is allowed.
void tw_push_library(lua_State *L);

int tw_json_array(lua_State *L);
