local topics = require "topics"

--- The topic that most of the text's words speak for; nil if none does.
local function topic_of(text)
  local best, most = nil, 0
  for _, topic in ipairs(topics) do
    local count = 0
    for _, word in ipairs(topic.words) do
      if text:lower():find(word, 1, true) then
        count = count + 1
      end
    end
    if count > most then
      best, most = topic.name, count
    end
  end
  return best
end

return {
  on = "message",
  description = "Tags the conversation with what the text is about.",
  matches = function(message)
    return topic_of(message.body) ~= nil
  end,
  run = function(message)
    local topic = topic_of(message.body)
    message.conversation:tag { topic = topic, resolved = false }
    log.info("tagged", { topic = topic })
  end,
}
