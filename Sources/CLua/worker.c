#define _GNU_SOURCE
#include "CLua.h"

#include <pthread.h>
#include <stdlib.h>

struct tw_worker {
    pthread_mutex_t mutex;
    pthread_cond_t condition;
    pthread_t thread;
    int started;
    size_t stack_bytes;
};

tw_worker *tw_worker_new(size_t stack_bytes) {
    tw_worker *worker = calloc(1, sizeof *worker);
    if (!worker) return NULL;
    worker->stack_bytes = stack_bytes;
    pthread_mutex_init(&worker->mutex, NULL);
    pthread_cond_init(&worker->condition, NULL);
    return worker;
}

void tw_worker_free(tw_worker *worker) {
    pthread_cond_destroy(&worker->condition);
    pthread_mutex_destroy(&worker->mutex);
    free(worker);
}

void tw_worker_lock(tw_worker *worker) { pthread_mutex_lock(&worker->mutex); }
void tw_worker_unlock(tw_worker *worker) { pthread_mutex_unlock(&worker->mutex); }
void tw_worker_wait(tw_worker *worker) { pthread_cond_wait(&worker->condition, &worker->mutex); }
void tw_worker_signal(tw_worker *worker) { pthread_cond_broadcast(&worker->condition); }

typedef struct start {
    char name[16];
    void (*body)(void *);
    void *context;
} start;

static void *run(void *argument) {
    start s = *(start *)argument;
    free(argument);
    pthread_setname_np(pthread_self(), s.name);
    s.body(s.context);
    return NULL;
}

/// The caller holds the lock, so the new thread finds `thread` written.
int tw_worker_start(tw_worker *worker, const char *name, void (*body)(void *), void *context) {
    start *s = calloc(1, sizeof *s);
    if (!s) return 12;
    for (size_t i = 0; i + 1 < sizeof s->name && name[i]; i++) s->name[i] = name[i];
    s->body = body;
    s->context = context;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, worker->stack_bytes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    int status = pthread_create(&worker->thread, &attributes, run, s);
    pthread_attr_destroy(&attributes);
    worker->started = status == 0;
    if (status) free(s);
    return status;
}

int tw_worker_is_current(tw_worker *worker) {
    return worker->started && pthread_equal(worker->thread, pthread_self());
}
