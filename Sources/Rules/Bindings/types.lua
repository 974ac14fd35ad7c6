-- reaction and call, and the registration of all types. Last, since methods must be complete by then.
local host, shared = ...

local Reaction, Call = { kind = "reaction" }, { kind = "call" }

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

host.type("conversation", shared.conversation_type)
host.type("message", shared.message_type)
host.type("reaction", reaction_type)
host.type("call", call_type)
