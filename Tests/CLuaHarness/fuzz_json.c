// Whatever text: JSON that decodes encodes to a text that decodes and encodes to itself. Whatever bytes: values that
// cross the border into Lua come back as they went.
//
// Input: one byte that says which of the two, then the text or the bytes.
#include "harness.h"

#include <stdlib.h>
#include <string.h>

enum { INPUTS_PER_STATE = 1000 };

static const char *const rule =
    "return { run = function(is_text, ...)\n"
    "  if is_text == 0 then return ... end\n"
    "  local ok, value = pcall(json.decode, ...)\n"
    "  if not ok then return end\n"
    "  local first = json.encode(value)\n"
    "  local second = json.encode(json.decode(first))\n"
    "  assert(first == second, first .. ' becomes ' .. second)\n"
    "end }\n";

static void check_text(harness *h, const uint8_t *text, size_t size) {
    values v = {0};
    values_add_integer(&v, 1);
    values_add_string(&v, text, size);
    int status = harness_call(h, v.bytes, v.count);
    free(v.bytes);
    if (status == TW_FAILED && !harness_is_limit(h)) harness_fail(h, "JSON changes");
}

/// The order of names is the table's, so only the size is the same.
static void check_values(harness *h, const uint8_t *bytes, size_t size) {
    values v = {0}, again = {0};
    values_add_integer(&v, 0);
    values_add_integer(&again, 0);
    v.bytes = realloc(v.bytes, v.count + size + 1);
    if (size) memcpy(v.bytes + v.count, bytes, size);
    if (harness_call(h, v.bytes, v.count + size) == TW_OK) {
        size_t first, second;
        const uint8_t *output = tw_output(h->host, &first);
        again.bytes = realloc(again.bytes, again.count + first + 1);
        if (first) memcpy(again.bytes + again.count, output, first);
        if (harness_call(h, again.bytes, again.count + first)) harness_fail(h, "values are refused on the way back");
        tw_output(h->host, &second);
        if (first != second) harness_fail(h, "values change");
    }
    free(v.bytes);
    free(again.bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static harness h;
    static int inputs;
    if (size < 1) return 0;
    if (!h.host || tw_host_broken(h.host) || ++inputs % INPUTS_PER_STATE == 0) {
        if (h.host) harness_close(&h);
        h = harness_open(harness_settings(), rule);
    }
    (data[0] & 1 ? check_text : check_values)(&h, data + 1, size - 1);
    return 0;
}
