return {
  on = "message",
  when = { channel = "imessage", media = "image" },
  description = "Puts a heart on each photo, and counts them.",
  run = function(message)
    message:react("love")
    message.conversation:increment("photos")
    message.conversation:tag { last_photo = message.media_url }
  end,
}
