// Drives states from C, for the programs beside this file. `scripts/fuzz` and `scripts/sanitize` build them together
// with the sources of `CLua`, under clang's sanitizers.
#pragma once

#include "CLua.h"

/// Limits for many short runs: nothing pauses, and stock functions are at hand.
tw_settings harness_settings(void);

/// A state in which the function `run` of `rule`, a file's text, can be called.
typedef struct harness {
    tw_host *host;
    int reference;
} harness;

/// Opens a state, or ends the process with what is wrong.
harness harness_open(tw_settings settings, const char *rule);
void harness_close(harness *h);

/// Calls `run` with the values in `bytes` and returns its status; what it wrote is the output.
int harness_call(harness *h, const uint8_t *bytes, size_t count);

/// Whether the failure in the output is that of a limit.
int harness_is_limit(const harness *h);

/// Prints the output and ends the process, so that the fuzzer keeps the input.
void harness_fail(const harness *h, const char *what) __attribute__((noreturn));

/// Values for `harness_call`.
typedef struct values {
    uint8_t *bytes;
    size_t count;
} values;
void values_add_integer(values *v, int64_t value);
void values_add_string(values *v, const void *bytes, size_t count);
