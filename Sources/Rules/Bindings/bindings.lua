-- What rules see: conversation, message, reaction, call, and the modules beside them.
--
-- Nothing here does I/O: an effect is `command(level, name, input)`, which hands the input to the host and returns what
-- the host answers. Levels count as for `error`: 2 blames the caller of the function that asks. Never `return
-- command(…)`: a tail call would take the asking function off the stack, and the blame with it.
local host = ...
local command = host.command

-- Methods by type. `kind` tells instances apart: their metatables are locked, for the bindings too.
local Conversation, Message = { kind = "conversation" }, { kind = "message" }
local Reaction, Call = { kind = "reaction" }, { kind = "call" }

--- Raises unless `condition`, blaming the caller of the function that checks.
local function check(condition, message)
  if not condition then
    error(message, 3)
  end
end

local function is(value, kind)
  return type(value) == "table" and value.kind == kind
end

local function check_self(self, kind, call)
  if not is(self, kind) then
    error("call this with a colon: " .. call, 3)
  end
end

local function check_options(options, call, known)
  if options == nil then
    return {}
  end
  if type(options) ~= "table" then
    error(call .. ": the last argument must be a table of options", 3)
  end
  for key in pairs(options) do
    if not known[key] then
      local names = {}
      for name in pairs(known) do
        names[#names + 1] = name
      end
      table.sort(names)
      error(call .. ": unknown option " .. tostring(key) .. "; known are " .. table.concat(names, ", "), 3)
    end
  end
  return options
end

local function media_list(media, call)
  if media == nil then
    return nil
  end
  if type(media) == "string" then
    return host.array { media }
  end
  if type(media) ~= "table" or #media == 0 then
    error(call .. ": media must be a URL or a list of URLs", 3)
  end
  local list = {}
  for index, url in ipairs(media) do
    if type(url) ~= "string" then
      error(call .. ": media must be a URL or a list of URLs", 3)
    end
    list[index] = url
  end
  return host.array(list)
end

-- conversation ------------------------------------------------------------------------------------------------------

local conversation_type = {
  __index = Conversation,
  __tostring = function(self)
    return "conversation " .. tostring(self.id) .. " with " .. tostring(self.participant)
  end,
}

local function metadata_command(conversation, name, input)
  input.conversation_id = conversation.id
  local outcome = command(3, name, input)
  conversation.metadata = outcome.metadata
  return outcome
end

function Conversation:tag(fields)
  check_self(self, "conversation", "conversation:tag { key = value }")
  check(type(fields) == "table", "conversation:tag: a table of fields is needed, such as { topic = \"orders\" }")
  for key in pairs(fields) do
    check(type(key) == "string", "conversation:tag: keys must be strings, not " .. type(key))
  end
  metadata_command(self, "conversation.tag", { fields = fields })
end

function Conversation:untag(...)
  check_self(self, "conversation", "conversation:untag(\"key\", …)")
  local keys = { ... }
  check(#keys > 0, "conversation:untag: name at least one key")
  for _, key in ipairs(keys) do
    check(type(key) == "string", "conversation:untag: keys must be strings, not " .. type(key))
  end
  metadata_command(self, "conversation.untag", { keys = host.array(keys) })
end

function Conversation:increment(key, by)
  check_self(self, "conversation", "conversation:increment(\"key\")")
  check(type(key) == "string", "conversation:increment: the key must be a string")
  check(by == nil or type(by) == "number", "conversation:increment: the amount must be a number")
  local outcome = metadata_command(self, "conversation.increment", { key = key, by = by or 1 })
  return outcome.value
end

function Conversation:set_metadata(metadata)
  check_self(self, "conversation", "conversation:set_metadata { key = value }")
  check(type(metadata) == "table", "conversation:set_metadata: a table is needed; to clear, use clear_metadata()")
  for key in pairs(metadata) do
    check(type(key) == "string", "conversation:set_metadata: keys must be strings, not " .. type(key))
  end
  metadata_command(self, "conversation.set_metadata", { metadata = metadata })
end

function Conversation:clear_metadata()
  check_self(self, "conversation", "conversation:clear_metadata()")
  metadata_command(self, "conversation.clear_metadata", {})
end

function Conversation:refresh()
  check_self(self, "conversation", "conversation:refresh()")
  local fresh = command(2, "conversation.get", { conversation_id = self.id })
  if fresh == nil or fresh == host.null then
    error("conversation:refresh: conversation " .. tostring(self.id) .. " is gone", 2)
  end
  for key, value in pairs(fresh) do
    self[key] = value
  end
  return self
end

local send_options = { media = true, style = true, reply_to = true }

local function send(conversation, text, options, call)
  if text ~= nil and type(text) ~= "string" then
    error(call .. ": the text must be a string, not " .. type(text), 3)
  end
  local media = media_list(options.media, call)
  if (text == nil or text == "") and media == nil then
    error(call .. ": a text or media is needed", 3)
  end
  local reply_to = options.reply_to
  if is(reply_to, "message") then
    reply_to = reply_to.id
  end
  if reply_to ~= nil and type(reply_to) ~= "string" then
    error(call .. ": reply_to must be a message or its id", 3)
  end
  if options.style ~= nil and type(options.style) ~= "string" then
    error(call .. ": style must be a string", 3)
  end
  local sent = command(3, "message.send", {
    conversation_id = conversation.id,
    number_id = conversation.number_id,
    agent_id = conversation.agent,
    number = conversation.number,
    to = conversation.participant,
    body = text or "",
    media = media,
    style = options.style,
    reply_to = reply_to,
  })
  sent.conversation = conversation
  return sent
end

function Conversation:send(text, options)
  check_self(self, "conversation", "conversation:send(\"text\")")
  options = check_options(options, "conversation:send", send_options)
  local sent = send(self, text, options, "conversation:send")
  return sent
end

function Conversation:typing()
  check_self(self, "conversation", "conversation:typing()")
  local shown = command(2, "conversation.typing", { conversation_id = self.id })
  return shown
end

local page_options = { before = true, after = true, limit = true }

function Conversation:messages(options)
  check_self(self, "conversation", "conversation:messages { limit = 20 }")
  options = check_options(options, "conversation:messages", page_options)
  local messages = command(2, "conversation.messages", {
    conversation_id = self.id,
    before = options.before,
    after = options.after,
    limit = options.limit,
  })
  for _, message in ipairs(messages) do
    message.conversation = self
  end
  return messages
end

-- message -----------------------------------------------------------------------------------------------------------

local message_type = {
  __index = Message,
  __tostring = function(self)
    return "message " .. tostring(self.id) .. " from " .. tostring(self.from_number)
  end,
}

local tapbacks = { love = true, like = true, dislike = true, laugh = true, emphasize = true, question = true }

function Message:react(reaction)
  check_self(self, "message", "message:react(\"love\")")
  check(
    type(reaction) == "string" and tapbacks[reaction],
    "message:react: the reaction must be love, like, dislike, laugh, emphasize or question, not " .. tostring(reaction)
  )
  check(self.id ~= nil, "message:react: this message has no id")
  local outcome = command(2, "message.react", {
    conversation_id = self.conversation and self.conversation.id,
    message_id = self.id,
    reaction = reaction,
  })
  return outcome
end

local reply_options = { media = true, style = true }

function Message:reply(text, options)
  check_self(self, "message", "message:reply(\"text\")")
  options = check_options(options, "message:reply", reply_options)
  check(self.conversation ~= nil, "message:reply: this message has no conversation")
  local threaded = { media = options.media, style = options.style }
  if self.channel == "imessage" then
    threaded.reply_to = self.id
  end
  local sent = send(self.conversation, text, threaded, "message:reply")
  return sent
end

-- reaction and call -------------------------------------------------------------------------------------------------

local reaction_type = {
  __index = Reaction,
  __tostring = function(self)
    return "reaction " .. tostring(self.reaction_type) .. " from " .. tostring(self.from_number)
  end,
}

local call_type = {
  __index = Call,
  __tostring = function(self)
    return "call " .. tostring(self.call_id) .. " from " .. tostring(self.from)
  end,
}

host.type("conversation", conversation_type)
host.type("message", message_type)
host.type("reaction", reaction_type)
host.type("call", call_type)

-- modules -----------------------------------------------------------------------------------------------------------

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

local message_options = { to = true, number = true, agent = true, body = true, media = true, style = true }

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
  local sent = command(2, "message.send", {
    number = options.number,
    agent_id = options.agent,
    to = options.to,
    body = options.body or "",
    media = media,
    style = options.style,
  })
  return sent
end

-- store -------------------------------------------------------------------------------------------------------------

local store_options = { ttl = true }

local function check_key(key, call)
  if type(key) ~= "string" or key == "" then
    error(call .. ": the key must be a string", 3)
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
    local value = command(2, "store.increment", { conversation_id = conversation_id, key = key, by = by or 1 })
    return value
  end

  function store.compare_and_set(key, expected, value)
    check_key(key, "store.compare_and_set")
    local done = command(2, "store.compare_and_set", {
      conversation_id = conversation_id,
      key = key,
      expected = expected,
      value = value,
    })
    return done
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

function time.now()
  local now = command(2, "time.now", {})
  return now
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

return {
  conversations = conversations,
  messages = messages,
  store = store,
  time = time,
  log = log,
  print = log_print,
}
