// Whatever source text: it compiles or is refused, and what compiles runs, fails or is stopped.
//
// Input: one byte that says whether the text is also run, then the text.
#include "harness.h"

#include <stdlib.h>
#include <string.h>

/// A script can leave much behind.
enum { INPUTS_PER_STATE = 50 };

static harness open_state(void) {
    tw_settings settings = harness_settings();
    settings.memory_bytes = 2 << 20;
    settings.cpu_ns = 2000000;
    settings.has_stock = 0;
    return harness_open(settings, "return {}");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static harness h;
    static int inputs;
    if (size < 1) return 0;
    if (!h.host || tw_host_broken(h.host) || ++inputs % INPUTS_PER_STATE == 0) {
        if (h.host) harness_close(&h);
        h = open_state();
    }
    char *text = malloc(size);
    if (!text) abort();
    memcpy(text, data + 1, size - 1);
    text[size - 1] = 0;
    int reference = 0, compiled = tw_host_load(h.host, "@fuzz.lua", text, size - 1, &reference) == TW_OK;
    free(text);
    if (!compiled) return 0;
    if (data[0] & 1) {
        tw_run *run = tw_run_new(h.host, 1);
        if (!run) harness_fail(&h, "there is no memory for a run");
        if (tw_run_load(h.host, run, reference) == TW_OK) tw_run_describe(h.host, run);
        tw_run_free(h.host, run);
    }
    tw_host_release(h.host, reference);
    return 0;
}
