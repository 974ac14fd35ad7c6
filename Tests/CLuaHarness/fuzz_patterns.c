// Whatever pattern and subject: the pattern functions answer as those of Lua's own library.
//
// Input: the pattern's length, the position to start at, the pattern, the subject.
#include "harness.h"

#include <stdlib.h>

/// States collect garbage of no interest; a new one now and then.
enum { INPUTS_PER_STATE = 1000 };

static const char *const rule =
    "local function outcome(f, ...)\n"
    "  local results = stock.table.pack(pcall(f, ...))\n"
    "  for i = 1, results.n do\n"
    "    local text = stock.string.gsub(tostring(results[i]), '^[^:]+:%d+: ', '')\n"
    "    results[i] = stock.string.gsub(text, \"to '[%w.?]+'\", \"to '?'\")\n"
    "  end\n"
    "  return stock.table.concat(results, '|')\n"
    "end\n"
    "local function all(gmatch)\n"
    "  return function(subject, pattern)\n"
    "    local found = {}\n"
    "    for a, b in gmatch(subject, pattern) do\n"
    "      found[#found + 1] = tostring(a) .. ',' .. tostring(b)\n"
    "      if #found > 30 then break end\n"
    "    end\n"
    "    return stock.table.concat(found, ';')\n"
    "  end\n"
    "end\n"
    "local function compare(name, own, theirs, ...)\n"
    "  local a, b = outcome(own, ...), outcome(theirs, ...)\n"
    "  if a ~= b then return stock.string.format('%s: %q instead of %q', name, a, b) end\n"
    "end\n"
    "local function call(name, ...) return compare(name, string[name], stock.string[name], ...) end\n"
    "return { run = function(subject, pattern, init)\n"
    "  return call('find', subject, pattern, init) or call('match', subject, pattern, init)\n"
    "    or call('find', subject, pattern, init, true)\n"
    "    or compare('gmatch', all(string.gmatch), all(stock.string.gmatch), subject, pattern)\n"
    "    or call('gsub', subject, pattern, '<%0%1>') or call('gsub', subject, pattern, pattern, 3)\n"
    "    or call('gsub', subject, pattern, { a = 'x', b = false, [''] = 7 })\n"
    "    or call('gsub', subject, pattern, function(a, b) return a ~= 'b' and tostring(b) end)\n"
    "end }\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static harness h;
    static int inputs;
    if (size < 2) return 0;
    if (!h.host || tw_host_broken(h.host) || ++inputs % INPUTS_PER_STATE == 0) {
        if (h.host) harness_close(&h);
        h = harness_open(harness_settings(), rule);
    }
    size_t length = data[0] % (size - 1);
    values v = {0};
    values_add_string(&v, data + 2 + length, size - 2 - length);
    values_add_string(&v, data + 2, length);
    values_add_integer(&v, (int8_t)data[1]);
    int status = harness_call(&h, v.bytes, v.count);
    free(v.bytes);
    size_t count;
    const uint8_t *output = tw_output(h.host, &count);
    if (status == TW_FAILED ? !harness_is_limit(&h) : count != 1 || output[0] != TW_TAG_NIL)
        harness_fail(&h, "the functions differ");
    return 0;
}
