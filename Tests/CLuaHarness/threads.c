// Four threads run, pause and stop scripts for some seconds under one watchdog. Each has a state for endless scripts,
// which must end by a limit, and one for short scripts with time to spare, which must end well: a stop that is meant
// for one must not land in the other.
#include "CLua.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { THREADS = 4, SECONDS = 5, SCRIPTS = 4 };

/// They allocate, since ThreadSanitizer lets signals in only where it looks, and it looks at calls to malloc.
static const char *const scripts[SCRIPTS] = {
    "return { run = function() local t = {} while true do\n"
    "  local c = coroutine.wrap(function() for i = 1, 1e9 do t[i % 100] = { i } end end) pcall(c) end end }",
    "return { run = function() local s = 0 for i = 1, 1000 do s = s + #{ i } end assert(s == 1000) end }",
    "return { run = function() local t = {} for i = 1, 1000 do t[i] = { i } end assert(#t == 1000) end }",
    "return { run = function() while true do local t = {} t.x = {} end end }",
};
static const int is_endless[SCRIPTS] = {1, 0, 0, 1};

static atomic_long finished, stopped, paused, wrong;

static int no_function(void *context, tw_host *host, int index, const uint8_t *bytes, size_t count) {
    (void)context, (void)host, (void)index, (void)bytes, (void)count;
    return 0;
}

static tw_host *open_state(int64_t cpu_ns) {
    tw_settings settings = {
        .memory_bytes = 64 << 20,
        .cpu_ns = cpu_ns,
        .slice_ns = 2000000,
        .wall_ns = 60000000000,
        .source_bytes = 256 << 10,
        .value_bytes = 8 << 20,
    };
    tw_host *host = tw_host_new(settings, no_function, NULL);
    tw_host_open(host, NULL, NULL, 0);
    return host;
}

static void run(tw_host *host, int script) {
    int reference = 0;
    size_t count;
    tw_host_load(host, "@script.lua", scripts[script], strlen(scripts[script]), &reference);
    tw_run *run = tw_run_new(host, 1);
    int status = tw_run_load(host, run, reference);
    if (status == TW_OK) status = tw_run_select(host, run, "run");
    if (status == TW_OK) status = tw_run_resume(host, run, TW_BEGIN);
    for (; status == TW_PAUSED; paused++) status = tw_run_resume(host, run, TW_PROCEED);
    int is_limit = status == TW_FAILED && tw_output(host, &count)[1] == TW_CODE_LIMIT;
    if (is_endless[script])
        is_limit ? stopped++ : wrong++;
    else
        status == TW_OK ? finished++ : wrong++;
    tw_run_free(host, run);
    tw_host_release(host, reference);
}

static void *work(void *argument) {
    struct timespec start, now;
    clock_gettime(CLOCK_MONOTONIC, &start);
    for (long round = (long)argument;; round++) {
        clock_gettime(CLOCK_MONOTONIC, &now);
        if (now.tv_sec - start.tv_sec >= SECONDS) return NULL;
        tw_host *endless = open_state(6000000 + round % 7 * 1000000), *brief = open_state(60000000000);
        for (int i = 0; i < 6; i++) {
            int script = (int)((round + i) % SCRIPTS);
            run(is_endless[script] ? endless : brief, script);
        }
        tw_host_free(endless);
        tw_host_free(brief);
    }
}

int main(void) {
    pthread_t threads[THREADS];
    for (long i = 0; i < THREADS; i++) pthread_create(&threads[i], NULL, work, (void *)i);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    printf("%ld finished, %ld stopped, %ld paused, %ld wrong\n", finished, stopped, paused, wrong);
    return wrong == 0 && finished > 0 && stopped > 0 && paused > 0 ? 0 : 1;
}
