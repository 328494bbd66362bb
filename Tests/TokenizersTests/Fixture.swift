import Foundation
import TestSupport

/// The files that `Tests/Fixtures/make_tokenizer.py` wrote.
enum Fixture {
    struct Encoding: Decodable {
        let text: String
        let ids: [Int32]
        let recognized: [Int32]?
    }

    struct Decoding: Decodable {
        let ids: [Int32]
        let text: String
    }

    struct Rendering: Decodable {
        struct Message: Decodable {
            let role: String
            let content: String
        }

        let messages: [Message]
        let smollm2: [Int32]
        let chatml: [Int32]
    }

    /// All of Unicode as stretches of one class, each with its first scalar.
    struct Classes: Decodable {
        struct Run: Decodable {
            let first: UInt32
            let name: String

            init(from decoder: any Decoder) throws {
                var pair = try decoder.unkeyedContainer()
                first = try pair.decode(UInt32.self)
                name = try pair.decode(String.self)
            }
        }

        let classes: [Run]
    }

    static func classes() throws -> [Classes.Run] { try read("classes.json", as: Classes.self).classes }

    static func encodings() throws -> [Encoding] {
        struct File: Decodable { let encodings: [Encoding] }
        return try read("encodings.json", as: File.self).encodings
    }

    static func decodings() throws -> [Decoding] {
        struct File: Decodable { let decodings: [Decoding] }
        return try read("decodings.json", as: File.self).decodings
    }

    static func renderings() throws -> [Rendering] {
        struct File: Decodable { let renderings: [Rendering] }
        return try read("templates.json", as: File.self).renderings
    }

    private static func read<T: Decodable>(_ name: String, as type: T.Type) throws -> T {
        try JSONDecoder().decode(type, from: Data(contentsOf: fixtureURL(name)))
    }
}
