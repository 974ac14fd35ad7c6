/// A Lua program that both sides run.
struct LuaWorkload {
    var name: String
    /// The most that ours may take, as a multiple of stock Lua's time; nil where there is no goal.
    var goal: Double?
    var body: String
    /// Where stock Lua's program is another.
    var stockBody: String?

    init(_ name: String, goal: Double? = nil, _ body: String, stock: String? = nil) {
        self.name = name
        self.goal = goal
        self.body = body
        stockBody = stock
    }

    /// Limits cost nothing while all is well: under 5 %.
    static let compute: [LuaWorkload] = [
        LuaWorkload("empty loop", goal: 1.05, "for i = 1, 10000000 do end"),
        LuaWorkload("arithmetic", goal: 1.05, "local s = 0 for i = 1, 5000000 do s = s + i * 2 % 7 end"),
        LuaWorkload(
            "calls (fib)", goal: 1.05,
            "local function f(n) if n < 2 then return n end return f(n - 1) + f(n - 2) end f(27)"),
        LuaWorkload("table fill", goal: 1.05, "for i = 1, 1000 do local t = {} for j = 1, 3000 do t[j] = j end end"),
        LuaWorkload(
            "method calls", goal: 1.05, "local s = 'abc' for i = 1, 2000000 do local n = s:len() end"),
        LuaWorkload(
            "sieve", goal: 1.05,
            """
            for _ = 1, 30 do local p = {} for i = 2, 30000 do p[i] = true end
            for i = 2, 173 do if p[i] then for j = i * i, 30000, i do p[j] = false end end end end
            """),
    ]

    /// Every allocation is counted.
    static let allocation: [LuaWorkload] = [
        LuaWorkload("small tables", "for i = 1, 500000 do local t = { x = i } end"),
        LuaWorkload("concatenation", "for i = 1, 300000 do local s = 'a' .. i .. 'b' end"),
    ]

    /// Within 1.5 times on ordinary inputs.
    static let matcher: [LuaWorkload] = [
        LuaWorkload(
            "find, plain", goal: 1.5,
            "local s = ('hello world '):rep(20) .. 'needle' for i = 1, 200000 do s:find('needle', 1, true) end"),
        LuaWorkload(
            "find ORD%-%d+", goal: 1.5,
            "local s = ('hello world '):rep(20) .. 'ORD-123' for i = 1, 12000 do s:find('ORD%-%d+') end"),
        LuaWorkload(
            "gmatch %w+", goal: 1.5,
            "local s = ('hello world '):rep(20) for i = 1, 8000 do for w in s:gmatch('%w+') do end end"),
        LuaWorkload(
            "match, trim", goal: 1.5,
            "local s = '   some text with blanks   ' for i = 1, 120000 do s:match('^%s*(.-)%s*$') end"),
        LuaWorkload(
            "match key=value", goal: 1.5,
            "local s = 'topic = order_tracking' for i = 1, 200000 do s:match('^(%w+)%s*=%s*([%w_]+)$') end"),
        LuaWorkload(
            "gsub o", goal: 1.5, "local s = ('hello world '):rep(20) for i = 1, 10000 do s:gsub('o', '0') end"),
        LuaWorkload(
            "gsub %w+ <%0>", goal: 1.5,
            "local s = ('hello world '):rep(20) for i = 1, 5000 do s:gsub('%w+', '<%0>') end"),
        LuaWorkload(
            "gsub by function", goal: 1.5,
            "local s = ('hello world '):rep(20) for i = 1, 4000 do s:gsub('%w+', function(w) return w end) end"),
        LuaWorkload(
            "gsub set", goal: 1.5,
            "local s = ('abc123_-x '):rep(20) for i = 1, 8000 do s:gsub('[%a_][%w_-]*', '') end"),
    ]

    /// Within twice a function in C.
    static let hostFunctions: [LuaWorkload] = [
        LuaWorkload("direct: add(i, 1)", goal: 2, "local add = add for i = 1, 2000000 do add(i, 1) end"),
        LuaWorkload(
            "direct: echo, 20 bytes", goal: 2,
            "local echo = echo for i = 1, 1000000 do echo('twenty bytes of text') end"),
        LuaWorkload(
            "  as a Swift String", "local echo = echo_string for i = 1, 500000 do echo('twenty bytes of text') end",
            stock: "local echo = echo for i = 1, 500000 do echo('twenty bytes of text') end"),
        LuaWorkload(
            "by LuaValue: add(i, 1)", "local add = add_values for i = 1, 500000 do add(i, 1) end",
            stock: "local add = add for i = 1, 500000 do add(i, 1) end"),
    ]

    static let library: [LuaWorkload] = [
        LuaWorkload(
            "pairs, 10 names",
            """
            local t = { a = 1, b = 2, c = 3, d = 4, e = 5, f = 6, g = 7, h = 8, i = 9, j = 10 }
            for i = 1, 60000 do for k, v in pairs(t) do end end
            """),
        LuaWorkload(
            "pairs, list of 10",
            "local t = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 } for i = 1, 120000 do for k, v in pairs(t) do end end"),
        LuaWorkload(
            "ipairs, list of 10",
            "local t = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 } for i = 1, 120000 do for k, v in ipairs(t) do end end"),
        LuaWorkload(
            "sort 1000 numbers",
            "for i = 1, 40 do local t = {} for j = 1, 1000 do t[j] = j * 7919 % 1009 end table.sort(t) end"),
        LuaWorkload(
            "insert and concat",
            "for i = 1, 150 do local t = {} for j = 1, 1000 do table.insert(t, 'x') end table.concat(t, ',') end"),
        LuaWorkload("format", "for i = 1, 200000 do local s = ('%d %s'):format(i, 'x') end"),
        LuaWorkload(
            "coroutine switch",
            """
            local c = coroutine.wrap(function() while true do coroutine.yield(1) end end)
            for i = 1, 600000 do c() end
            """),
    ]

    /// A webhook of the API, decoded; stock Lua by lua-cjson.
    static let json: [LuaWorkload] = [
        LuaWorkload(
            "json.decode, 0.5 KB", "local text = [==[\(webhook)]==] for i = 1, 20000 do json.decode(text) end",
            stock: "local json = require 'cjson' local text = [==[\(webhook)]==] "
                + "for i = 1, 20000 do json.decode(text) end"),
        LuaWorkload(
            "json.encode, 0.5 KB",
            "local value = json.decode([==[\(webhook)]==]) for i = 1, 20000 do json.encode(value) end",
            stock: "local json = require 'cjson' local value = json.decode([==[\(webhook)]==]) "
                + "for i = 1, 20000 do json.encode(value) end"),
    ]

    /// In the shape of the API's payloads. Source: AgentPhone docs, Webhooks guide.
    private static let webhook = """
        {"event":"agent.message","channel":"imessage","timestamp":"2025-01-15T10:30:00Z","agentId":"agt_123",\
        "data":{"conversationId":"conv_abc123","numberId":"num_xyz789","from":"+15551234567","to":"+15557654321",\
        "message":"Here is the photo of the parcel","mediaUrl":"https://example.com/p.jpg","direction":"inbound",\
        "receivedAt":"2025-01-15T10:30:00Z"},"conversationState":{"topic":"orders","photos":3,"resolved":false},\
        "recentHistory":[{"content":"Where is my order?","direction":"inbound","at":"2025-01-15T10:29:00Z"}]}
        """
}
