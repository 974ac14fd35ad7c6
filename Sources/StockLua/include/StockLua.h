// Lua as it comes, with all its libraries: what the sandbox is measured against.
#pragma once

typedef struct stock_lua stock_lua;

/// A state with the functions `add(a, b)` and `echo(text)` in C; NULL when there is no memory.
stock_lua *stock_lua_new(void);
void stock_lua_free(stock_lua *lua);
/// Compiles `text`, to be run by `stock_lua_run`. Both return 0, or 1 with a message.
int stock_lua_load(stock_lua *lua, const char *text);
int stock_lua_run(stock_lua *lua);
/// What went wrong last; stays until the next call.
const char *stock_lua_message(const stock_lua *lua);
/// Nanoseconds that a pair of lua_resume and lua_yield takes, over `count` of them.
double stock_lua_yield_time(stock_lua *lua, int count);

/// Nanoseconds of processor time that the calling thread has taken.
long long stock_lua_thread_time(void);
