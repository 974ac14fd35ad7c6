import Conversations
import CustomDump
import Testing

@Suite struct APIErrorBodyTests {
    @Test(
        arguments: [
            (
                #"{"error": {"message": "Bad.", "code": "VALIDATION_ERROR", "type": "validation_error", "details": [{"field": "country", "message": "Bad.", "type": "value_error"}]}}"#,
                "Bad.", "VALIDATION_ERROR", "country"
            ),
            (#"{"error": {"message": "Gone.", "code": "X"}, "detail": "Not found."}"#, "Gone.", "X", nil),
            (#"{"error": {"message": "Bad.", "code": "X", "details": {"country": "Bad."}}}"#, "Bad.", "X", nil),
            (#"{"detail": "Reply target not found."}"#, "Reply target not found.", nil, nil),
            (
                #"{"detail": [{"loc": ["query", "limit"], "msg": "too large", "type": "less_than_equal"}]}"#,
                "too large",
                nil, "limit"
            ),
            (
                #"{"detail": [{"loc": ["body", "media_urls", 0], "msg": "no URL", "type": "url", "ctx": {}}]}"#,
                "no URL",
                nil, "media_urls"
            ),
            (#"{"error": "no such route"}"#, "no such route", nil, nil),
            (#"{"message": "Forbidden"}"#, "Forbidden", nil, nil),
        ] as [(String, String, String?, String?)])
    func `every known shape is read`(text: String, message: String, code: String?, field: String?) throws {
        let body = try decode(APIErrorBody.self, text)
        expectNoDifference(body.error.message, message)
        expectNoDifference(body.error.code, code)
        expectNoDifference(body.error.details?.first?.field, field)
    }

    @Test(arguments: ["{}", "[]", #"{"error": {}}"#, #"{"detail": []}"#, "null", "<html>"])
    func `what has no message is refused`(text: String) {
        #expect(throws: DecodingError.self) { try decode(APIErrorBody.self, text) }
    }

    @Test func `both shapes are written`() throws {
        let body = APIErrorBody(
            message: "limit must be 1 to 100", code: "VALIDATION_ERROR", type: "validation_error",
            details: [.init(field: "limit", message: "must be 1 to 100", type: "value_error")])
        expectNoDifference(
            try json(of: body),
            [
                "error": [
                    "message": "limit must be 1 to 100", "code": "VALIDATION_ERROR", "type": "validation_error",
                    "details": [["field": "limit", "message": "must be 1 to 100", "type": "value_error"]],
                ],
                "detail": "limit must be 1 to 100",
            ])
    }
}

@Suite struct APIErrorTests {
    @Test func `only what surely had no effect, or waits, is retryable`() {
        let codes: [APIError.Code] = [
            .invalidRequest, .unauthorized, .forbidden, .notFound, .conflict, .limitReached, .rateLimited, .unavailable,
            .outcomeUnknown, .notImplemented, .badResponse,
        ]
        expectNoDifference(codes.filter { APIError($0, "").isRetryable }, [.rateLimited, .unavailable])
    }
}
