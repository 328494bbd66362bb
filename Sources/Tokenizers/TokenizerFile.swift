import Support

/// What is wrong in one of the files of a Hugging Face folder that say how text becomes tokens.
public struct TokenizerFileError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The file's name in the folder.
    public let file: String
    /// The field, what was expected there and what was found.
    public let problem: String

    /// File and problem on one line.
    public var description: String { "\(file): \(problem)" }
}

/// The parts of a `tokenizer.json`, the format of the `tokenizers` library: the model's vocabulary and merges, which
/// may be large, and the small parts as JSON.
struct TokenizerFile {
    static let name = "tokenizer.json"

    /// A token that is found in text by its whole spelling.
    struct AddedToken {
        let id: Int64
        let content: String
        let isSpecial: Bool
        let flags: WholeTokenFlags
    }

    private(set) var vocabulary: [(text: String, id: Int64)] = []
    private(set) var merges: [(left: [UInt8], right: [UInt8])] = []
    private(set) var added: [AddedToken] = []
    /// `normalizer`, `pre_tokenizer`, `post_processor`, `decoder` and the small fields of `model`, as `model.NAME`.
    private var parts: [String: JSON] = [:]

    /// The value of a small part; null if it is missing.
    subscript(_ part: String) -> JSON { parts[part] ?? .null }

    /// Takes the file's text apart.
    init(_ bytes: [UInt8]) throws(TokenizerFileError) {
        var reader = JSONReader(bytes)
        do {
            try reader.document { reader throws(JSONSyntaxError) in
                try reader.object { reader, name throws(JSONSyntaxError) in try read(name, from: &reader) }
            }
            added = try Self.addedTokens(self["added_tokens"], field: "added_tokens")
        } catch let error as JSONSyntaxError {
            throw TokenizerFileError(file: Self.name, problem: error.description)
        } catch let error as TokenizerFileError {
            throw error
        } catch {
            throw TokenizerFileError(file: Self.name, problem: "\(error)")
        }
    }

    private mutating func read(_ name: String, from reader: inout JSONReader) throws(JSONSyntaxError) {
        switch name {
        case "model":
            try reader.object { reader, name throws(JSONSyntaxError) in try readModel(name, from: &reader) }
        case "added_tokens", "normalizer", "pre_tokenizer", "post_processor", "decoder", "version":
            try keep(name, from: &reader)
        case "truncation", "padding": _ = try reader.value()  // how batches are made
        default: throw reader.fault("\(name): this field is not known")
        }
    }

    private mutating func readModel(_ name: String, from reader: inout JSONReader) throws(JSONSyntaxError) {
        switch name {
        case "vocab" where reader.next == UInt8(ascii: "{"):
            guard vocabulary.isEmpty else { throw reader.fault("model.vocab: the field is there twice") }
            try reader.object { reader, text throws(JSONSyntaxError) in vocabulary.append((text, try reader.integer()))
            }
        case "merges":
            guard merges.isEmpty else { throw reader.fault("model.merges: the field is there twice") }
            try reader.array { reader throws(JSONSyntaxError) in merges.append(try Self.merge(from: &reader)) }
        case "vocab": throw reader.fault("model.vocab: expected an object, as of a model of type BPE")
        default: try keep("model.\(name)", from: &reader)
        }
    }

    private mutating func keep(_ part: String, from reader: inout JSONReader) throws(JSONSyntaxError) {
        guard parts.updateValue(try reader.value(), forKey: part) == nil else {
            throw reader.fault("\(part): the field is there twice")
        }
    }

    // `"a b"` or, since tokenizers 0.20, `["a", "b"]`.
    private static func merge(
        from reader: inout JSONReader
    ) throws(JSONSyntaxError) -> (left: [UInt8], right: [UInt8]) {
        var halves: [[UInt8]] = []
        if reader.next == UInt8(ascii: "[") {
            try reader.array { reader throws(JSONSyntaxError) in halves.append(Array(try reader.string().utf8)) }
        } else {
            let merge = try reader.string()
            halves = merge.utf8.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false).map { Array($0) }
        }
        guard halves.count == 2 else { throw reader.fault("model.merges: expected a merge of two tokens") }
        return (halves[0], halves[1])
    }

    private static func addedTokens(_ list: JSON, field: String) throws(TokenizerFileError) -> [AddedToken] {
        guard list != .null else { return [] }
        guard case .array(let elements) = list else { throw fault(field, expected: "an array", found: list) }
        var tokens: [AddedToken] = []
        for (index, element) in elements.enumerated() {
            var fields = JSONFields(element, path: "\(field)[\(index)]", file: name)
            tokens.append(try addedToken(id: try fields.integer("id"), from: &fields))
        }
        return tokens
    }

    /// The added token that `fields` describe. What they do not say is false, as in the library.
    static func addedToken(id: Int64, from fields: inout JSONFields) throws(TokenizerFileError) -> AddedToken {
        let token = AddedToken(
            id: id, content: try fields.string("content"), isSpecial: try fields.flag("special"),
            flags: WholeTokenFlags(
                isSingleWord: try fields.flag("single_word"), takesSpaceBefore: try fields.flag("lstrip"),
                takesSpaceAfter: try fields.flag("rstrip"), isNormalized: try fields.flag("normalized")))
        try fields.finish()
        return token
    }

    private static func fault(_ field: String, expected: String, found: JSON) -> TokenizerFileError {
        TokenizerFileError(file: name, problem: "\(field): expected \(expected), found \(found.brief)")
    }
}

/// The members of a JSON object, each to be read once; one that nobody reads is an error.
struct JSONFields {
    /// The object's path, for messages.
    let path: String
    private let file: String
    private let value: JSON
    private var unread: [String: JSON] = [:]

    init(_ value: JSON, path: String, file: String) {
        self.path = path
        self.file = file
        self.value = value
        if case .object(let members) = value {
            for member in members { unread[member.name] = member.value }
        }
    }

    /// Whether the value is an object at all.
    var isObject: Bool { if case .object = value { true } else { false } }

    /// The member's value; null if it is missing.
    mutating func take(_ name: String) -> JSON { unread.removeValue(forKey: name) ?? .null }

    mutating func string(_ name: String) throws(TokenizerFileError) -> String {
        let found = take(name)
        guard case .string(let text) = found else { throw fault(name, expected: "a string", found: found) }
        return text
    }

    mutating func integer(_ name: String) throws(TokenizerFileError) -> Int64 {
        let found = take(name)
        guard case .integer(let integer) = found else { throw fault(name, expected: "an integer", found: found) }
        return integer
    }

    /// A boolean; false if it is missing or null, unless `missing` says otherwise.
    mutating func flag(_ name: String, missing: Bool = false) throws(TokenizerFileError) -> Bool {
        switch take(name) {
        case .bool(let flag): return flag
        case .null: return missing
        case let found: throw fault(name, expected: "true or false", found: found)
        }
    }

    /// Refuses members that were not read.
    func finish() throws(TokenizerFileError) {
        guard isObject else {
            throw TokenizerFileError(file: file, problem: "\(path): expected an object, found \(value.brief)")
        }
        if let name = unread.filter({ $0.value != .null }).keys.min() {
            throw TokenizerFileError(file: file, problem: "\(path).\(name): this field is not known")
        }
    }

    func fault(_ name: String, expected: String, found: JSON) -> TokenizerFileError {
        let field = path.isEmpty ? name : "\(path).\(name)"
        return TokenizerFileError(file: file, problem: "\(field): expected \(expected), found \(found.brief)")
    }
}

extension JSON {
    /// The value for a message, cut where it is long.
    var brief: String { text.count <= 200 ? text : "\(text.prefix(200))…" }
}
