import DurableExecution
import Testing

@Suite struct InvocationIDTests {
    @Test func `an id is read as it was written`() {
        let id = InvocationID(event: 123_456_789, place: 42)
        #expect(id.text == "inv_0000075bcd15002a")
        #expect(InvocationID(id.text) == id)
    }

    @Test func `ids sort in the order in which they are made`() {
        let ids = [(1, 0), (1, 1), (1, 65535), (2, 0), (9, 0), (10, 0), (1 << 40, 3)]
            .map { InvocationID(event: $0.0, place: $0.1).text }
        #expect(ids == ids.sorted())
    }

    @Test(arguments: [
        "", "inv_", "inv_1", "inv_zzzzzzzzzzzzzzzz", "run_0000000000010000", "inv_ffffffffffffffff",
        "inv_-000000000010000",
    ])
    func `what is no id is refused`(text: String) {
        #expect(InvocationID(text) == nil)
    }
}
