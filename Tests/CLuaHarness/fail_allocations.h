// Included in front of every source of `CLua` by `scripts/sanitize`: allocations go through a counter.
#pragma once

// As the sources say, which come after.
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

void *failing_malloc(size_t size);
void *failing_calloc(size_t count, size_t size);
void *failing_realloc(void *block, size_t size);
char *failing_strdup(const char *text);

#undef strdup
#define malloc failing_malloc
#define calloc failing_calloc
#define realloc failing_realloc
#define strdup failing_strdup
