return {
  on = "message",
  when = { body = { "order", "refund" } },
  mode = "single", -- one live run per conversation
  description = "Asks which order a message is about, and waits for the answer.",
  run = function(message)
    local conversation = message.conversation
    conversation:tag { topic = "order_tracking", resolved = false }
    conversation:send("Which order is this about?")
    local reply = conversation:wait_reply { timeout = "2h" }
    if not reply then
      conversation:send("We're here whenever you're ready.")
      return
    end
    local order = reply.body:match("ORD%-%d+")
    if order then
      conversation:tag { order_id = order, resolved = true }
      reply:react("like")
    end
  end,
}
