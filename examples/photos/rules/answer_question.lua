return {
  on = "reaction",
  when = { reaction = "question" },
  description = "Answers somebody who puts a question mark on a message of ours.",
  run = function(reaction)
    reaction.conversation:send("Sorry, that wasn't clear. What would you like to know?")
    reaction.conversation:tag { needs_help = true }
  end,
}
