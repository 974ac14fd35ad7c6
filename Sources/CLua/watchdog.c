// The watchdog: one thread of the process that looks, once a millisecond while Lua runs anywhere, how much
// processor time and how much time each running slice has taken, and signals the thread that has taken too much.
//
// There is no standing hook: with any count hook Lua traces every instruction, which costs 40 to 100 % on plain
// loops. And the hook is set by the signalled thread itself, since lua_sethook walks the frames of the coroutine
// and is not safe across threads.
#define _GNU_SOURCE
#include "host.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/// Ticks without work after which the watchdog sleeps until it is woken.
enum { TW_IDLE_TICKS = 50 };
/// Ticks after which a signal that was not handled is sent again.
enum { TW_RESEND_TICKS = 64 };
static const long tick_ns = 1000000;

struct tw_slot {
    struct tw_slot *next;
    pid_t tid;
    clockid_t clock;
    /// Odd while a slice runs; a request for another number is stale.
    _Atomic uint64_t sequence;
    /// Of the running slice, in nanoseconds: start and last moment by the monotonic clock, and processor time.
    _Atomic int64_t start, wall_deadline, cpu_limit, pause_after;
    /// The slice that the watchdog saw last, and what the thread's processor time was when that slice began.
    _Atomic uint64_t seen;
    _Atomic int64_t seen_cpu;
    /// sequence << 8 | reason
    _Atomic uint64_t request;
    /// Ticks since a signal was sent that has not been handled. Signals of this kind queue up, and a handler that
    /// takes longer than a tick must not be followed by another for ever.
    _Atomic int unanswered;
    /// Read by the handler, on this very thread.
    tw_host *volatile host;
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t wake_up = PTHREAD_COND_INITIALIZER;
static pthread_key_t key;
static tw_slot *slots;
static _Atomic int idle;
static __thread tw_slot *own_slot;

static int signal_number(void) { return SIGRTMIN + 7; }

static int64_t read_clock(clockid_t clock) {
    struct timespec now;
    if (clock_gettime(clock, &now)) return -1;
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void on_signal(int number) {
    (void)number;
    int saved = errno;
    tw_slot *slot = own_slot;
    tw_host *host = slot ? slot->host : NULL;
    if (host) {
        uint64_t request = atomic_load(&slot->request);
        uint64_t sequence = atomic_load(&slot->sequence) & (UINT64_MAX >> 8);
        if (request >> 8 == sequence) tw_stop_soon(host, (int)(request & 0xFF));
    }
    if (slot) atomic_store(&slot->unanswered, 0);
    errno = saved;
}

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

/// A thread's processor time is dear to read, so a slice does not read it as it begins; the watchdog does at its first
/// look, and takes off what can have passed since.
static int64_t cpu_taken(tw_slot *slot, uint64_t sequence, int64_t now) {
    int64_t cpu = read_clock(slot->clock);
    if (atomic_load(&slot->seen) != sequence) {
        atomic_store(&slot->seen_cpu, cpu - least(now - atomic_load(&slot->start), 2 * tick_ns));
        atomic_store(&slot->seen, sequence);
    }
    return cpu - atomic_load(&slot->seen_cpu);
}

static void look_at(tw_slot *slot) {
    uint64_t sequence = atomic_load(&slot->sequence);
    if (!(sequence & 1)) return;
    int64_t now = read_clock(CLOCK_MONOTONIC), cpu = cpu_taken(slot, sequence, now);
    int reason = cpu >= atomic_load(&slot->cpu_limit)        ? TW_STOP_CPU
                 : now >= atomic_load(&slot->wall_deadline) ? TW_STOP_WALL
                 : cpu >= atomic_load(&slot->pause_after)   ? TW_STOP_PAUSE
                                                            : 0;
    if (!reason || atomic_load(&slot->sequence) != sequence) return;
    atomic_store(&slot->request, sequence << 8 | (uint64_t)reason);
    if (atomic_fetch_add(&slot->unanswered, 1) % TW_RESEND_TICKS) return;
    syscall(SYS_tgkill, getpid(), slot->tid, signal_number());
}

static int look_at_all(void) {
    int active = 0;
    for (tw_slot *slot = slots; slot; slot = slot->next) {
        active |= (int)(atomic_load(&slot->sequence) & 1);
        look_at(slot);
    }
    return active;
}

static void *watch(void *argument) {
    struct timespec tick = {0, tick_ns};
    int quiet = 0;
    pthread_setname_np(pthread_self(), "lua-watchdog");
    pthread_mutex_lock(&mutex);
    for (;;) {
        quiet = look_at_all() ? 0 : quiet + 1;
        if (quiet > TW_IDLE_TICKS) {
            atomic_store(&idle, 1);
            if (!look_at_all()) pthread_cond_wait(&wake_up, &mutex);
            atomic_store(&idle, 0);
            quiet = 0;
        }
        pthread_mutex_unlock(&mutex);
        clock_nanosleep(CLOCK_MONOTONIC, 0, &tick, NULL);
        pthread_mutex_lock(&mutex);
    }
    return argument;
}

static void forget_thread(void *argument) {
    tw_slot *slot = argument;
    own_slot = NULL;
    pthread_mutex_lock(&mutex);
    for (tw_slot **link = &slots; *link; link = &(*link)->next) {
        if (*link != slot) continue;
        *link = slot->next;
        break;
    }
    pthread_mutex_unlock(&mutex);
    free(slot);
}

static void start_watching(void) {
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(signal_number(), &action, NULL);
    pthread_key_create(&key, forget_thread);
    pthread_t thread;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (pthread_create(&thread, NULL, watch, NULL) == 0) pthread_detach(thread);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/// The slot of this thread, made when it first runs Lua. Threads of libdispatch block nearly all signals, so ours
/// is unblocked. NULL when there is no memory.
static tw_slot *slot_of_thread(void) {
    if (own_slot) return own_slot;
    pthread_once(&once, start_watching);
    tw_slot *slot = calloc(1, sizeof *slot);
    if (!slot) return NULL;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, signal_number());
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    slot->tid = (pid_t)syscall(SYS_gettid);
    pthread_getcpuclockid(pthread_self(), &slot->clock);
    pthread_setspecific(key, slot);
    pthread_mutex_lock(&mutex);
    slot->next = slots;
    slots = slot;
    pthread_mutex_unlock(&mutex);
    own_slot = slot;
    return slot;
}

static void set_slice(tw_slot *slot, const tw_slice *slice) {
    // The handler finds either no host, or the host together with its own number.
    slot->host = NULL;
    atomic_store_explicit(&slot->start, slice->start, memory_order_relaxed);
    atomic_store_explicit(&slot->wall_deadline, slice->wall_deadline, memory_order_relaxed);
    atomic_store_explicit(&slot->cpu_limit, slice->cpu_limit, memory_order_relaxed);
    atomic_store_explicit(&slot->pause_after, slice->pause_after, memory_order_relaxed);
    uint64_t sequence = atomic_load_explicit(&slot->sequence, memory_order_relaxed) + 1;
    if ((sequence & 1) != (slice->host != NULL)) sequence++;
    atomic_store(&slot->sequence, sequence);
    slot->host = slice->host;
}

int tw_begin_slice(tw_slice *slice, tw_host *host, int64_t cpu_ns, int64_t pause_ns, int64_t wall_ns) {
    tw_slot *slot = slot_of_thread();
    if (!slot) return -1;
    slice->slot = slot;
    slice->outer_host = slot->host;
    slice->outer_start = atomic_load_explicit(&slot->start, memory_order_relaxed);
    slice->outer_wall = atomic_load_explicit(&slot->wall_deadline, memory_order_relaxed);
    slice->outer_cpu = atomic_load_explicit(&slot->cpu_limit, memory_order_relaxed);
    slice->outer_pause = atomic_load_explicit(&slot->pause_after, memory_order_relaxed);
    slice->host = host;
    slice->start = read_clock(CLOCK_MONOTONIC);
    slice->wall_deadline = slice->start + wall_ns;
    slice->cpu_limit = cpu_ns;
    slice->pause_after = pause_ns ? pause_ns : INT64_MAX;
    set_slice(slot, slice);
    if (atomic_load(&idle)) {
        pthread_mutex_lock(&mutex);
        pthread_cond_signal(&wake_up);
        pthread_mutex_unlock(&mutex);
    }
    return 0;
}

/// A slice that the watchdog never saw was shorter than a few of its ticks; for it, time stands for processor time.
int64_t tw_end_slice(tw_slice *slice, int64_t *wall) {
    tw_slot *slot = slice->slot;
    *wall = read_clock(CLOCK_MONOTONIC) - slice->start;
    int seen = atomic_load(&slot->seen) == atomic_load_explicit(&slot->sequence, memory_order_relaxed);
    int64_t taken = seen ? read_clock(CLOCK_THREAD_CPUTIME_ID) - atomic_load(&slot->seen_cpu)
                         : least(*wall, 4 * tick_ns);
    tw_slice outer = {
        .host = slice->outer_host,
        .start = slice->outer_start,
        .wall_deadline = slice->outer_wall,
        .cpu_limit = slice->outer_cpu,
        .pause_after = slice->outer_pause,
    };
    set_slice(slot, &outer);
    return taken;
}
