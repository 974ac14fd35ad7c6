// math.random and math.randomseed over a generator of each run's own, so that a run repeats itself.
// Generator: xoshiro256**, seeded by SplitMix64 (Blackman and Vigna, https://prng.di.unimi.it).
#include "host.h"

static uint64_t rotate(uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }

static uint64_t next(uint64_t s[4]) {
    uint64_t result = rotate(s[1] * 5, 7) * 9, t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

void tw_seed(tw_run *run, uint64_t seed) {
    for (int i = 0; i < 4; i++) {
        uint64_t z = seed += 0x9E3779B97F4A7C15u;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
        run->random[i] = z ^ (z >> 31);
    }
}

static tw_run *run_of(lua_State *L) {
    tw_run *run = tw_host_of(L)->run;
    if (!run) luaL_error(L, "the prelude has no random numbers while it loads");
    return run;
}

/// A number of 0...limit, each equally likely.
static uint64_t bounded(uint64_t s[4], uint64_t limit) {
    uint64_t mask = limit, value;
    for (int shift = 1; shift < 64; shift *= 2) mask |= mask >> shift;
    do value = next(s) & mask;
    while (value > limit);
    return value;
}

static int math_random(lua_State *L) {
    uint64_t *s = run_of(L)->random;
    lua_Integer low = 1, high;
    int arguments = lua_gettop(L);
    if (arguments == 0) {
        lua_pushnumber(L, (lua_Number)(next(s) >> 11) * 0x1p-53);
        return 1;
    }
    if (arguments > 2) return luaL_error(L, "wrong number of arguments");
    high = luaL_checkinteger(L, arguments);
    if (arguments == 2) low = luaL_checkinteger(L, 1);
    if (arguments == 1 && high == 0) {
        lua_pushinteger(L, (lua_Integer)next(s));
        return 1;
    }
    luaL_argcheck(L, low <= high, arguments, "interval is empty");
    uint64_t value = bounded(s, (uint64_t)high - (uint64_t)low);
    lua_pushinteger(L, (lua_Integer)(value + (uint64_t)low));
    return 1;
}

static int math_randomseed(lua_State *L) {
    tw_run *run = run_of(L);
    if (lua_isnone(L, 1)) return 0;
    lua_Integer seed;
    if (!lua_isinteger(L, 1)) {
        lua_Number number = luaL_checknumber(L, 1);
        if (!lua_numbertointeger(number, &seed)) seed = (lua_Integer)(number > 0);
    } else {
        seed = lua_tointeger(L, 1);
    }
    tw_seed(run, (uint64_t)seed ^ ((uint64_t)luaL_optinteger(L, 2, 0) << 1));
    return 0;
}

/// Adds both functions to the table on top of the stack.
void tw_open_random(lua_State *L) {
    static const luaL_Reg functions[] = {{"random", math_random}, {"randomseed", math_randomseed}, {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}
