public import Foundation

/// A Hugging Face folder for tests: the configuration and weights of a fixture of `ModelsTests`, and the first tokens
/// of the tiny llama's tokenizer, as many as the model has.
public struct TinyFolder: Sendable {
    /// Where it is.
    public let url: URL

    /// Its path.
    public var path: String { url.path }

    /// Copies the fixture `name` into a new folder in `parent`: `smolvlm`, or one of `families/…`.
    public init(_ name: String, in parent: URL) throws {
        url = parent.appendingPathComponent(URL(fileURLWithPath: name).lastPathComponent)
        let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../ModelsTests/Fixtures")
        try FileManager.default.copyItem(at: fixtures.appendingPathComponent(name), to: url)
        let config = try object("config.json")
        let count = ((config["text_config"] as? [String: Any]) ?? config)["vocab_size"] as? Int ?? 0
        try write(json: Self.tokenizer(TinyLlama.texts().resized(to: count)), to: "tokenizer.json")
        try write(#"{"eos_token_id": 2}"#, to: "generation_config.json")
        if name == "smolvlm" {
            try write(
                #"{"size": {"longest_edge": 64}, "max_image_size": {"longest_edge": 32}}"#,
                to: "preprocessor_config.json")
        }
    }

    /// Replaces the file `name`.
    public func write(_ text: String, to name: String) throws {
        try Data(text.utf8).write(to: url.appendingPathComponent(name))
    }

    /// Sets the value at `path`, names with dots between, in the JSON file `name`, or removes it.
    ///
    /// - Parameter value: JSON; nil removes the member.
    public func set(_ name: String, _ path: String, to value: String?) throws {
        let value = try value.map {
            try JSONSerialization.jsonObject(with: Data($0.utf8), options: .fragmentsAllowed)
        }
        var fields = try object(name)
        Self.set(&fields, path.split(separator: ".")[...], to: value)
        try write(json: fields, to: name)
    }

    private static func set(_ fields: inout [String: Any], _ path: ArraySlice<Substring>, to value: Any?) {
        guard let first = path.first else { return }
        if path.count == 1 {
            fields[String(first)] = value
        } else {
            var inner = fields[String(first)] as? [String: Any] ?? [:]
            set(&inner, path.dropFirst(), to: value)
            fields[String(first)] = inner
        }
    }

    private func object(_ name: String) throws -> [String: Any] {
        guard let data = try? Data(contentsOf: url.appendingPathComponent(name)) else { return [:] }
        return try JSONSerialization.jsonObject(with: data) as? [String: Any] ?? [:]
    }

    private func write(json fields: [String: Any], to name: String) throws {
        try JSONSerialization.data(withJSONObject: fields).write(to: url.appendingPathComponent(name))
    }

    /// `tokenizer.json` of byte-level BPE whose first three tokens are special.
    private static func tokenizer(_ texts: TinyLlama.Texts) -> [String: Any] {
        let vocabulary = Dictionary(uniqueKeysWithValues: texts.tokens.enumerated().map { ($1, $0) })
        let special = texts.tokens.prefix(3).enumerated().map { id, content in
            ["id": id, "content": content, "special": true] as [String: Any]
        }
        let byteLevel: [String: Any] = ["type": "ByteLevel", "add_prefix_space": false, "use_regex": true]
        return [
            "model": ["type": "BPE", "vocab": vocabulary, "merges": texts.merges] as [String: Any],
            "added_tokens": special, "decoder": ["type": "ByteLevel"],
            "pre_tokenizer": [
                "type": "Sequence",
                "pretokenizers": [["type": "Digits", "individual_digits": true] as [String: Any], byteLevel],
            ] as [String: Any],
        ]
    }
}
