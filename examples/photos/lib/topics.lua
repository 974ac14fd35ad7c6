-- What a text may be about, and the words that tell.
return {
  { name = "orders", words = { "order", "refund", "delivery", "package" } },
  { name = "photos", words = { "photo", "picture", "print", "album" } },
}
