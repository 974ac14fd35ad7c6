-- The modules beside the objects: conversations, messages, store, time, log.
local host, shared = ...
local command = host.command
local check, is = shared.check, shared.is
local check_options, media_list = shared.check_options, shared.media_list

local conversations, messages, time, log = {}, {}, {}, {}

local list_options = { limit = true, offset = true }

function conversations.list(options)
  options = check_options(options, "conversations.list", list_options)
  local page = command(2, "conversations.list", { limit = options.limit, offset = options.offset })
  return page.conversations, { total = page.total, has_more = page.has_more }
end

function conversations.get(id)
  check(type(id) == "string", "conversations.get: an id is needed")
  local found = command(2, "conversation.get", { conversation_id = id })
  if found == host.null then
    return nil
  end
  return found
end

local message_options = {
  to = true,
  number = true,
  agent = true,
  body = true,
  media = true,
  style = true,
  unless_reply = true,
}

function messages.send(options)
  check(type(options) == "table", "messages.send: a table is needed, such as { to = \"+15551234567\", body = \"Hi\" }")
  options = check_options(options, "messages.send", message_options)
  check(type(options.to) == "string", "messages.send: `to` must be a number or an address")
  check(options.body == nil or type(options.body) == "string", "messages.send: `body` must be a string")
  check(
    type(options.number) == "string" or type(options.agent) == "string",
    "messages.send: `number` (one of yours) or `agent` is needed"
  )
  local media = media_list(options.media, "messages.send")
  check(media or (options.body and options.body ~= ""), "messages.send: `body` or `media` is needed")
  check(
    options.unless_reply == nil or type(options.unless_reply) == "boolean",
    "messages.send: `unless_reply` must be true or false"
  )
  return command(2, "message.send", {
    number = options.number,
    agent_id = options.agent,
    to = options.to,
    body = options.body or "",
    media = media,
    style = options.style,
    unless_reply = options.unless_reply or nil,
  })
end

-- store -------------------------------------------------------------------------------------------------------------

local store_options = { ttl = true }

local function check_key(key, call)
  if type(key) ~= "string" or key == "" then
    local hint = type(key) == "table" and "; call it with a dot: " .. call .. "(\"key\")" or ""
    error(call .. ": the key must be a string" .. hint, 3)
  end
end

local function make_store(conversation_id)
  local store = {}

  function store.get(key)
    check_key(key, "store.get")
    local value = command(2, "store.get", { conversation_id = conversation_id, key = key })
    if value == host.null then
      return nil
    end
    return value
  end

  function store.set(key, value, options)
    check_key(key, "store.set")
    options = check_options(options, "store.set", store_options)
    local ttl
    if options.ttl ~= nil then
      ttl = host.functions.seconds(options.ttl)
      check(ttl and ttl > 0, "store.set: ttl must be a duration, such as \"2h\" or a number of seconds")
    end
    command(2, "store.set", { conversation_id = conversation_id, key = key, value = value, ttl = ttl })
  end

  function store.increment(key, by)
    check_key(key, "store.increment")
    check(by == nil or type(by) == "number", "store.increment: the amount must be a number")
    return command(2, "store.increment", { conversation_id = conversation_id, key = key, by = by or 1 })
  end

  function store.compare_and_set(key, expected, value)
    check_key(key, "store.compare_and_set")
    return command(2, "store.compare_and_set", {
      conversation_id = conversation_id,
      key = key,
      expected = expected,
      value = value,
    })
  end

  return store
end

local store = make_store(nil)

--- The store of one conversation: what is kept there is this pack's as well, apart from other conversations'.
function store.of(conversation)
  check(is(conversation, "conversation"), "store.of: a conversation is needed")
  return host.readonly("store", make_store(conversation.id))
end

-- time --------------------------------------------------------------------------------------------------------------

--- Always a float: a whole second must not be of another kind than the moments around it.
function time.now()
  return command(2, "time.now", {}) + 0.0
end

function time.iso(seconds)
  check(type(seconds) == "number", "time.iso: seconds since 1970 are needed")
  return (host.functions.time_iso(seconds))
end

function time.parse(text)
  check(type(text) == "string", "time.parse: an ISO 8601 text is needed")
  return (host.functions.time_parse(text))
end

function time.date(seconds, zone)
  check(type(seconds) == "number", "time.date: seconds since 1970 are needed")
  check(zone == nil or type(zone) == "string", "time.date: the zone must be a name, such as \"Europe/Berlin\"")
  local date, problem = host.functions.time_date(seconds, zone or "UTC")
  check(date, problem)
  return date
end

function time.seconds(duration)
  local seconds = host.functions.seconds(duration)
  check(seconds, "time.seconds: a duration is needed, such as \"90s\", \"2h\" or \"1h30m\"")
  return seconds
end

-- log ---------------------------------------------------------------------------------------------------------------

local function logger(level)
  return function(message, fields)
    check(fields == nil or type(fields) == "table", "log." .. level .. ": fields must be a table")
    host.functions.log(level, host.text(tostring(message)), fields)
  end
end

log.debug, log.info = logger("debug"), logger("info")
log.warning, log.error = logger("warning"), logger("error")

local function log_print(...)
  local texts = {}
  for index = 1, select("#", ...) do
    texts[index] = tostring((select(index, ...)))
  end
  host.functions.log("info", host.text(table.concat(texts, "\t")), nil)
end

shared.globals = {
  conversations = conversations,
  messages = messages,
  store = store,
  time = time,
  log = log,
  print = log_print,
}
