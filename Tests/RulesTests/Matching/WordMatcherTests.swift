import Testing

@testable import Rules

@Suite struct WordMatcherTests {
    @Test(arguments: [
        ("order", "My ORDER, please"), ("order", "order"), ("order", "(order)"), ("order", "where's my order?"),
        ("STRASSE", "in der Straße"), ("straße", "STRASSE 5"), ("ΟΔΟΣ", "οδός οδος"), ("café", "Cafe\u{301}!"),
        ("don't", "I DON’T know".replacing("’", with: "'")), ("where is", "Where  is\nit"), ("ord-7", "ORD-7 came"),
        ("ord 7", "ord-7"), ("42", "number 42."), ("👍", "ok👍👍"), ("❤️", "❤"), ("❤", "I ❤️ it"), ("🇩🇪", "go 🇩🇪!"),
        ("👩‍👩‍👧", "us 👩‍👩‍👧"), ("退款", "我要退款"), ("ありがとう", "本当にありがとうございます"), ("คืนเงิน", "ขอคืนเงิน"), ("naïve", "NAÏVE"),
        ("a$", "a$"), ("$5", "it is $5"),
    ])
    func `a word is found whole, whatever its case`(_ word: String, _ text: String) {
        #expect(WordMatcher([word]).matches(text))
    }

    @Test(arguments: [
        ("order", "disorder orders reordered"), ("order", ""), ("where is", "where it is"), ("👍", "👍🏽 👎"),
        ("4", "42"), ("cafe", "café"), ("❤️", "💛"), ("退款", "退 和 款"), ("is where", "where is"), ("he", "they"),
        ("👩", "👩‍👩‍👧"),
    ])
    func `a part of a word is not`(_ word: String, _ text: String) {
        #expect(!WordMatcher([word]).matches(text))
    }

    @Test func `any of several will do`() {
        let matcher = WordMatcher(["refund", "give back"])
        #expect(matcher.matches("please GIVE BACK"))
        #expect(matcher.matches("Refund?"))
        #expect(!matcher.matches("give it back"))
    }

    @Test(arguments: ["", " ", "?!", "...", "\u{FE0F}"])
    func `what holds no word matches nothing`(_ phrase: String) {
        #expect(!WordMatcher.hasWords(phrase))
        #expect(!WordMatcher([phrase]).matches("anything ?! ..."))
    }
}
