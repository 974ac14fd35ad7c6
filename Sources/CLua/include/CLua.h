// The functions through which Swift drives a Lua state.
//
// A Lua error is a longjmp, and a longjmp over a Swift frame leaks what the frame owns and corrupts the
// runtime's access bookkeeping. So Swift sees no Lua API: it calls what is declared here, each of which runs
// its work inside a protected call and answers with a status. Values cross as bytes (values.h in the
// sources has the layout), held in two buffers that belong to the host.
#pragma once

#include <stddef.h>
#include <stdint.h>

typedef struct tw_host tw_host;
typedef struct tw_run tw_run;

/// What a call ended with.
enum {
    TW_OK = 0,
    /// The run yielded a command; the output holds name, file, line and the arguments.
    TW_COMMAND = 1,
    /// The run was set aside before its end, to be continued.
    TW_PAUSED = 2,
    /// The output holds code, message, file, line, traceback and perhaps the raised value.
    TW_FAILED = 3,
};

/// Codes of failures, in the order of `LuaError.Code`.
enum {
    TW_CODE_SYNTAX = 1,
    TW_CODE_RUNTIME = 2,
    TW_CODE_HOST = 3,
    TW_CODE_LIMIT = 4,
    TW_CODE_MEMORY = 5,
    TW_CODE_BAD_VALUE = 6,
};

/// What a run is continued with.
enum {
    TW_BEGIN = 0,
    TW_VALUES = 1,
    TW_FAILURE = 2,
    TW_PROCEED = 3,
};

/// Tags of the byte layout in which values cross.
enum {
    TW_TAG_NIL = 0,
    TW_TAG_NULL = 1,
    TW_TAG_FALSE = 2,
    TW_TAG_TRUE = 3,
    TW_TAG_INTEGER = 4,
    TW_TAG_NUMBER = 5,
    TW_TAG_STRING = 6,
    TW_TAG_ARRAY = 7,
    TW_TAG_OBJECT = 8,
    TW_TAG_INSTANCE = 9,
    TW_TAG_FUNCTION = 10,
    TW_TAG_JSON = 11,
};

typedef struct tw_settings {
    /// Bytes a state may hold before it is collected and, if that does not help, ended.
    size_t memory_bytes;
    /// Nanoseconds: of processor time in one step, of processor time after which a step pauses (0: never), and of
    /// time in one step. A step lasts until `tw_run_renew`.
    int64_t cpu_ns, slice_ns, wall_ns;
    /// Bytes of source text in one chunk.
    size_t source_bytes;
    /// Bytes of one batch of values crossing the border, and of one JSON text.
    size_t value_bytes;
    /// Adds a global `stock` with Lua's own string, table and next, for tests and benchmarks that compare.
    int has_stock;
} tw_settings;

/// Calls the host function at `index` with encoded arguments. Answers by `tw_set_input`, then returns 0 for
/// results or 1 for a failure. Never raises and never calls back into the state.
typedef int (*tw_function)(void *context, tw_host *host, int index, const uint8_t *bytes, size_t count);

/// Values that a direct call takes, and that it answers with, at most.
enum { TW_CALL_VALUES = 8 };

/// A value without parts. Text belongs to Lua, or, in an answer, is an offset into what `tw_call_text` keeps.
typedef struct tw_scalar {
    /// One of the tags; `TW_TAG_OBJECT` for all that has parts.
    int32_t tag;
    /// The integer, or the number's bits, or where an answer's text begins.
    int64_t bits;
    const char *text;
    size_t count;
} tw_scalar;

/// A call of a direct function: arguments in, answers out, with nothing allocated on the way.
typedef struct tw_call {
    tw_host *host;
    int32_t count, answers;
    tw_scalar values[TW_CALL_VALUES], results[TW_CALL_VALUES];
} tw_call;

/// The argument at `index`, counted from 0; NULL past the last.
static inline const tw_scalar *tw_call_value(const tw_call *call, int64_t index) {
    return index >= 0 && index < call->count ? &call->values[index] : NULL;
}

/// The next answer, to be filled in; NULL when there are `TW_CALL_VALUES` already.
static inline tw_scalar *tw_call_answer(tw_call *call) {
    return call->answers < TW_CALL_VALUES ? &call->results[call->answers++] : NULL;
}

/// A host function that reads and writes `call` alone. Returns 0, or 1 after `tw_set_input` with a failure.
typedef int (*tw_direct)(void *context, tw_call *call);
/// Keeps the text of an answer and returns where, or -1 when there is no memory.
int64_t tw_call_text(tw_call *call, const char *text, size_t count);

/// A state with nothing in it but the allow-listed library, or NULL when there is no memory for one.
tw_host *tw_host_new(tw_settings settings, tw_function function, void *context);
void tw_host_free(tw_host *host);

/// Host functions and modules are added before `tw_host_open`; names end with NUL.
int tw_host_add_function(tw_host *host, const char *name, int index);
int tw_host_add_direct(tw_host *host, const char *name, tw_direct function, void *context);
int tw_host_add_module(tw_host *host, const char *name, const char *chunk, const char *text, size_t count);
/// Runs the prelude (`text` may be NULL for none) and freezes the globals.
int tw_host_open(tw_host *host, const char *chunk, const char *text, size_t count);

/// Compiles. With `reference` the function is kept under the number written there.
int tw_host_load(tw_host *host, const char *chunk, const char *text, size_t count, int *reference);
void tw_host_release(tw_host *host, int reference);

/// Bytes that the state holds now.
size_t tw_host_used(const tw_host *host);
/// The most that it held at one time, to about 64 KB.
size_t tw_host_peak(const tw_host *host);
/// Nanoseconds of processor time that the run has taken, in all its steps.
int64_t tw_run_cpu(const tw_run *run);
/// Bytes that all states of the process may hold together; 0 for no limit.
void tw_set_memory_ceiling(size_t bytes);
/// What the host could free if it were asked to.
enum { TW_RESERVE_STATE = 1, TW_RESERVE_PROCESS = 2 };
/// Says which memory could be freed, of the state or of the process. A script that reaches that limit then pauses as
/// soon as it can, rather than being stopped, and may hold twice its state's limit until `tw_host_relieved`.
void tw_host_set_reserves(tw_host *host, int reserves);
/// Which of them is needed: 0, or one of the above.
int tw_host_pressure(const tw_host *host);
/// Says that what could be freed was freed.
void tw_host_relieved(tw_host *host);
/// Whether the state met a condition that it cannot be trusted after; it must be discarded.
int tw_host_broken(const tw_host *host);
/// Runs a full collection.
void tw_host_collect(tw_host *host);

void tw_set_input(tw_host *host, const uint8_t *bytes, size_t count);
const uint8_t *tw_output(const tw_host *host, size_t *count);

/// A run is one coroutine with all that it makes. `reference` names a compiled chunk.
tw_run *tw_run_new(tw_host *host, uint64_t seed);
void tw_run_free(tw_host *host, tw_run *run);
/// Begins a step: its times count from 0, and may be `times` the limits.
void tw_run_renew(tw_run *run, int times);
/// Runs the chunk; commands are refused meanwhile.
int tw_run_load(tw_host *host, tw_run *run, int reference);
/// As `tw_run_load`, in slices: answers TW_PAUSED until `tw_run_load_on` has come to the end.
int tw_run_load_slice(tw_host *host, tw_run *run, int reference);
int tw_run_load_on(tw_host *host, tw_run *run);
/// After `tw_run_load`: writes the chunk's value to the output.
int tw_run_describe(tw_host *host, tw_run *run);
/// After `tw_run_load`: takes the function at `field` of the chunk's table, and its arguments from the input.
int tw_run_select(tw_host *host, tw_run *run, const char *field);
/// Runs until the next command or the end. Values are read from the input (`TW_VALUES`: any number;
/// `TW_FAILURE`: code, message, retryable, level, details).
int tw_run_resume(tw_host *host, tw_run *run, int kind);

/// A thread with a stack of its own size, and the lock and condition that its queue needs.
typedef struct tw_worker tw_worker;
tw_worker *tw_worker_new(size_t stack_bytes);
void tw_worker_free(tw_worker *worker);
void tw_worker_lock(tw_worker *worker);
void tw_worker_unlock(tw_worker *worker);
void tw_worker_wait(tw_worker *worker);
void tw_worker_signal(tw_worker *worker);
/// Starts a detached thread that runs `body(context)`; 0, or the error number.
int tw_worker_start(tw_worker *worker, const char *name, void (*body)(void *), void *context);
/// Whether the caller is the thread that was started last.
int tw_worker_is_current(tw_worker *worker);
