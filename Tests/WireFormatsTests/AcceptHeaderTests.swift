import Testing
import WireFormats

@Suite struct AcceptHeaderTests {
    private let types = ["text/event-stream", "text/plain", "application/json"]

    @Test(arguments: [
        (nil, "text/event-stream"), ("", "text/event-stream"), ("*/*", "text/event-stream"),
        ("application/json", "application/json"), ("APPLICATION/JSON", "application/json"),
        ("application/json;q=0", "text/event-stream"), ("application/json; q=0, */*", "text/event-stream"),
        ("text/plain;q=0.1, text/event-stream", "text/event-stream"), ("Text/Plain", "text/plain"),
        ("text/*", "text/event-stream"), ("text/event-stream;q=0, text/*", "text/plain"),
        ("text/event-stream;q=0, */*", "text/plain"), ("text/event-stream;q=0", "text/plain"),
        ("application/json, text/plain, */*", "application/json"), ("text/plain, application/json", "text/plain"),
        ("*/*;q=0.1, application/*;q=0.2", "application/json"), ("image/png", "text/event-stream"),
        ("text/html,application/xml;q=0.9,*/*;q=0.8", "text/event-stream"), (",;=,q", "text/event-stream"),
        ("application/json;charset=utf-8;Q=0.5, text/plain;q=nan", "application/json"),
    ])
    func prefersAsTheClientSays(_ value: String?, _ type: String) {
        #expect(AcceptHeader(value).preferred(of: types) == type)
    }

    @Test func givesWhatIsOffered() {
        #expect(AcceptHeader("text/plain").preferred(of: ["application/json"]) == "application/json")
    }
}
