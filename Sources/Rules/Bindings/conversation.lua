-- conversation and message, as rules see them.
--
-- Nothing here does I/O: an effect is `command(level, name, input)`, which hands the input to the host and returns what
-- the host answers. Levels count as for `error`; the innermost line of a rule is blamed.
local host, shared = ...
local command = host.command
local check, is, check_self = shared.check, shared.is, shared.check_self
local check_options, media_list = shared.check_options, shared.media_list
local keys_of, check_keys = shared.keys_of, shared.check_keys

-- Methods by type. `kind` tells instances apart: their metatables are locked, for the bindings too.
local Conversation, Message = { kind = "conversation" }, { kind = "message" }
shared.Conversation, shared.Message = Conversation, Message

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
  check_keys(keys_of(fields), "conversation:tag")
  metadata_command(self, "conversation.tag", { fields = fields })
end

function Conversation:untag(...)
  check_self(self, "conversation", "conversation:untag(\"key\", …)")
  local keys = { ... }
  check(#keys > 0, "conversation:untag: name at least one key")
  check_keys(keys, "conversation:untag")
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
  check_keys(keys_of(metadata), "conversation:set_metadata")
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

local send_options = { media = true, style = true, reply_to = true, unless_reply = true }

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
  if options.unless_reply ~= nil and type(options.unless_reply) ~= "boolean" then
    error(call .. ": unless_reply must be true or false", 3)
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
    unless_reply = options.unless_reply or nil,
  })
  if sent == nil then
    return nil
  end
  sent.conversation = conversation
  return sent
end

function Conversation:send(text, options)
  check_self(self, "conversation", "conversation:send(\"text\")")
  options = check_options(options, "conversation:send", send_options)
  return send(self, text, options, "conversation:send")
end

function Conversation:typing()
  check_self(self, "conversation", "conversation:typing()")
  return command(2, "conversation.typing", { conversation_id = self.id })
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
  return command(2, "message.react", {
    conversation_id = self.conversation and self.conversation.id or self.conversation_id,
    message_id = self.id,
    reaction = reaction,
  })
end

local reply_options = { media = true, style = true, unless_reply = true }

function Message:reply(text, options)
  check_self(self, "message", "message:reply(\"text\")")
  options = check_options(options, "message:reply", reply_options)
  check(self.conversation ~= nil, "message:reply: this message has no conversation")
  local threaded = { media = options.media, style = options.style, unless_reply = options.unless_reply }
  if self.channel == "imessage" then
    threaded.reply_to = self.id
  end
  return send(self.conversation, text, threaded, "message:reply")
end

shared.conversation_type, shared.message_type = conversation_type, message_type
