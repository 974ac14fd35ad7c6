#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/// Answers a host function with its arguments.
static int echo(void *context, tw_host *host, int index, const uint8_t *bytes, size_t count) {
    (void)context, (void)index;
    tw_set_input(host, bytes, count);
    return 0;
}

tw_settings harness_settings(void) {
    return (tw_settings){
        .memory_bytes = 32 << 20,
        .cpu_ns = 50000000,
        .wall_ns = 60000000000,
        .source_bytes = 256 << 10,
        .value_bytes = 8 << 20,
        .has_stock = 1,
    };
}

harness harness_open(tw_settings settings, const char *rule) {
    harness h = {tw_host_new(settings, echo, NULL), 0};
    if (!h.host) abort();
    if (tw_host_open(h.host, NULL, NULL, 0)) harness_fail(&h, "the state does not open");
    if (tw_host_load(h.host, "@rule.lua", rule, strlen(rule), &h.reference))
        harness_fail(&h, "the rule does not compile");
    return h;
}

void harness_close(harness *h) { tw_host_free(h->host); }

int harness_call(harness *h, const uint8_t *bytes, size_t count) {
    tw_run *run = tw_run_new(h->host, 1);
    if (!run) harness_fail(h, "there is no memory for a run");
    int status = tw_run_load(h->host, run, h->reference);
    tw_set_input(h->host, bytes, count);
    if (status == TW_OK) status = tw_run_select(h->host, run, "run");
    if (status == TW_OK) status = tw_run_resume(h->host, run, TW_BEGIN);
    tw_run_free(h->host, run);
    return status;
}

/// The output begins with the failure's code, an integer.
int harness_is_limit(const harness *h) {
    size_t count;
    const uint8_t *bytes = tw_output(h->host, &count);
    return count > 9 && (bytes[1] == TW_CODE_LIMIT || bytes[1] == TW_CODE_MEMORY);
}

void harness_fail(const harness *h, const char *what) {
    size_t count;
    const uint8_t *bytes = tw_output(h->host, &count);
    fprintf(stderr, "%s:\n", what);
    fwrite(bytes, 1, count < 2000 ? count : 2000, stderr);
    fputc('\n', stderr);
    abort();
}

static void add(values *v, const void *bytes, size_t count) {
    v->bytes = realloc(v->bytes, v->count + count + 1);
    if (!v->bytes) abort();
    if (count) memcpy(v->bytes + v->count, bytes, count);
    v->count += count;
}

void values_add_integer(values *v, int64_t value) {
    add(v, (uint8_t[]){TW_TAG_INTEGER}, 1);
    add(v, &value, sizeof value);
}

void values_add_string(values *v, const void *bytes, size_t count) {
    uint32_t length = (uint32_t)count;
    add(v, (uint8_t[]){TW_TAG_STRING}, 1);
    add(v, &length, sizeof length);
    add(v, bytes, count);
}
