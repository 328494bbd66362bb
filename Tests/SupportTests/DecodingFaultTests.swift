import Support
import Testing

/// What people read when a JSON file is not as expected: no names of Swift's types.
@Suite struct DecodingFaultTests {
    private enum Kind: String, Codable { case one }

    private struct File: Codable {
        var name: String
        var count: Int?
        var share: Double?
        var isOn: Bool?
        var items: [String]?
        var kind: Kind?
        var inner: Inner?
        struct Inner: Codable { var list: [Int] }
    }

    @Test(arguments: [
        (#"{"name": 3}"#, "name: expected a text, found something else"),
        (#"{"name": null}"#, "name: expected a text, found null or nothing"),
        (#"{"name": "a", "count": "3"}"#, "count: expected an integer, found something else"),
        (#"{"name": "a", "share": []}"#, "share: expected a number, found something else"),
        (#"{"name": "a", "isOn": 3}"#, "isOn: expected true or false, found something else"),
        (#"{"name": "a", "items": "b"}"#, "items: expected a list, found something else"),
        (#"{"name": "a", "items": ["b", 4]}"#, "items[1]: expected a text, found something else"),
        (#"{"name": "a", "kind": "two"}"#, "kind: the value two is not known"),
        (#"{"name": "a", "inner": 3}"#, "inner: expected an object, found something else"),
        (#"{}"#, "name: the field is missing"),
    ])
    func theFieldAndTheExpectedKindAreNamed(json: String, reason: String) {
        let fault = #expect(throws: JSONFault.self) { try decodeJSON(File.self, from: Array(json.utf8)) }
        #expect(fault?.reason == reason)
    }
}
