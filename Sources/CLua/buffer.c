#include "host.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int tw_grow(tw_buffer *buffer, size_t count) {
    if (buffer->capacity - buffer->count >= count) return 0;
    size_t capacity = buffer->capacity ? buffer->capacity : 256;
    while (capacity - buffer->count < count) {
        if (capacity > SIZE_MAX / 2) return -1;
        capacity *= 2;
    }
    uint8_t *bytes = realloc(buffer->bytes, capacity);
    if (!bytes) return -1;
    buffer->bytes = bytes;
    buffer->capacity = capacity;
    return 0;
}

int tw_append_text(tw_buffer *buffer, const char *text) { return tw_append(buffer, text, strlen(text)); }

int tw_append_format(tw_buffer *buffer, const char *format, ...) {
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    int count = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (count < 0) return -1;
    return tw_append(buffer, text, (size_t)count < sizeof text ? (size_t)count : sizeof text - 1);
}

void tw_buffer_free(tw_buffer *buffer) {
    free(buffer->bytes);
    memset(buffer, 0, sizeof *buffer);
}

/// The length of the well-formed sequence that starts at `p`, or 0. Ranges: the Unicode Standard, table 3-7.
static size_t sequence(const unsigned char *p, size_t left) {
    unsigned char c = p[0];
    size_t length = c < 0x80 ? 1 : c < 0xC2 ? 0 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : c < 0xF5 ? 4 : 0;
    if (length < 2 || length > left) return length == 1 ? 1 : 0;
    unsigned char low = c == 0xE0 ? 0xA0 : c == 0xF0 ? 0x90 : 0x80;
    unsigned char high = c == 0xED ? 0x9F : c == 0xF4 ? 0x8F : 0xBF;
    if (p[1] < low || p[1] > high) return 0;
    for (size_t i = 2; i < length; i++)
        if ((p[i] & 0xC0) != 0x80) return 0;
    return length;
}

size_t tw_utf8_prefix(const char *bytes, size_t count) {
    const unsigned char *p = (const unsigned char *)bytes;
    size_t i = 0;
    while (i < count) {
        uint64_t word;
        if (count - i >= sizeof word) {
            memcpy(&word, p + i, sizeof word);
            if (!(word & 0x8080808080808080u)) {
                i += sizeof word;
                continue;
            }
        }
        size_t length = sequence(p + i, count - i);
        if (!length) return i;
        i += length;
    }
    return count;
}
