-- Waits: a rule stops at one, takes no memory while it waits, and goes on after days and restarts.
local host, shared = ...
local command = host.command
local check, is, check_self, check_options = shared.check, shared.is, shared.check_self, shared.check_options

local filter_options = { body = true, pattern = true, media = true, channel = true, from = true }
local reply_options = { timeout = true, exclusive = true }
local reaction_options = { timeout = true, exclusive = true, reaction = true, from = true, message = true }
for key in pairs(filter_options) do
  reply_options[key] = true
end

--- A duration in seconds; nil waits as long as it takes.
local function seconds(value, call)
  if value == nil then
    return nil
  end
  local found = host.functions.seconds(value)
  if not found or found < 0 then
    error(call .. ": timeout must be a duration, such as \"2h\" or a number of seconds", 3)
  end
  return found
end

local function pick(options, known)
  local picked = {}
  for key in pairs(known) do
    picked[key] = options[key]
  end
  return picked
end

--- The filter of a reaction: the message by its id.
local function reaction_filter(options, call)
  local filter = pick(options, { reaction = true, from = true })
  local message = options.message
  if is(message, "message") then
    message = message.id
  end
  if message ~= nil and type(message) ~= "string" then
    error(call .. ": message must be a message or its id", 3)
  end
  return filter, message
end

--- What ended the wait, as the rule sees it: it belongs to the conversation that the rule has in hand.
local function adopt(conversation, answer)
  if answer == nil or answer == host.null then
    return nil
  end
  local fresh = answer.conversation
  if fresh and conversation then
    conversation.metadata = fresh.metadata
    answer.conversation = conversation
  end
  return answer
end

function shared.Conversation:wait_reply(options)
  check_self(self, "conversation", "conversation:wait_reply { timeout = \"2h\" }")
  options = check_options(options, "conversation:wait_reply", reply_options)
  local answer = command(2, "conversation.wait_reply", {
    conversation_id = self.id,
    reply = pick(options, filter_options),
    timeout = seconds(options.timeout, "conversation:wait_reply"),
    exclusive = options.exclusive,
  })
  return adopt(self, answer)
end

function shared.Conversation:wait_reaction(options)
  check_self(self, "conversation", "conversation:wait_reaction { timeout = \"2h\" }")
  options = check_options(options, "conversation:wait_reaction", reaction_options)
  local filter, message = reaction_filter(options, "conversation:wait_reaction")
  local answer = command(2, "conversation.wait_reaction", {
    conversation_id = self.id,
    reaction = filter,
    message_id = message,
    timeout = seconds(options.timeout, "conversation:wait_reaction"),
    exclusive = options.exclusive,
  })
  return adopt(self, answer)
end

function shared.Message:wait_reaction(options)
  check_self(self, "message", "message:wait_reaction { timeout = \"2h\" }")
  options = check_options(options, "message:wait_reaction", reaction_options)
  check(self.conversation ~= nil, "message:wait_reaction: this message has no conversation")
  check(self.id ~= nil, "message:wait_reaction: this message has no id")
  local filter = reaction_filter(options, "message:wait_reaction")
  local answer = command(2, "conversation.wait_reaction", {
    conversation_id = self.conversation.id,
    reaction = filter,
    message_id = self.id,
    timeout = seconds(options.timeout, "message:wait_reaction"),
    exclusive = options.exclusive,
  })
  return adopt(self.conversation, answer)
end

local any_options = { conversation = true, reply = true, reaction = true, timeout = true, exclusive = true }

--- Waits for whichever comes first; returns what came, and which it was: "reply" or "reaction".
local function wait_any(options)
  check(type(options) == "table", "wait_any: a table is needed, such as { reply = {}, timeout = \"2h\" }")
  options = check_options(options, "wait_any", any_options)
  check(
    options.conversation == nil or is(options.conversation, "conversation"),
    "wait_any: `conversation` must be one; without it, it is that of the rule's event"
  )
  check(options.reply or options.reaction, "wait_any: name what to wait for: reply, reaction or both")
  local input = {
    conversation_id = options.conversation and options.conversation.id,
    timeout = seconds(options.timeout, "wait_any"),
    exclusive = options.exclusive,
  }
  if options.reply then
    input.reply = pick(check_options(options.reply, "wait_any: reply", filter_options), filter_options)
  end
  if options.reaction then
    local reaction = check_options(options.reaction, "wait_any: reaction", reaction_options)
    input.reaction, input.message_id = reaction_filter(reaction, "wait_any: reaction")
  end
  local answer = adopt(options.conversation, command(2, "wait_any", input))
  if answer == nil then
    return nil
  end
  return answer, answer.kind == "message" and "reply" or "reaction"
end

local function sleep(duration)
  local time = seconds(duration, "sleep")
  check(time, "sleep: a duration is needed, such as \"2h\" or a number of seconds")
  command(2, "sleep", { timeout = time })
end

shared.globals.wait_any, shared.globals.sleep = wait_any, sleep
