import Support

/// Recognises what a `tokenizer.json` does with text by the content of its parts. Each part is a component or a
/// `Sequence` of components; a combination that is not known is refused with its value.
struct TokenizerPipeline {
    private let file: TokenizerFile

    init(_ file: TokenizerFile) {
        self.file = file
    }

    /// The rules for text: from `model`, `normalizer`, `pre_tokenizer` and `decoder`.
    func rules() throws(TokenizerFileError) -> TextRules {
        let model = try modelOptions()
        let normalizers = try components("normalizer", list: "normalizers")
        let words = try components("pre_tokenizer", list: "pretokenizers")
        var rules: TextRules
        if model.fallsBackToBytes {
            rules = TextRules(alphabet: .characters, prefix: try spacePrefix(normalizers, words))
            rules.dropsFirstSpace = try dropsFirstSpace()
        } else {
            rules = TextRules(alphabet: .bytes, words: try preTokenizer(words))
            rules.composes = try composes(normalizers)
            guard try components("decoder", list: "decoders").map(\.type) == ["ByteLevel"] else {
                throw fault("decoder")
            }
        }
        rules.ignoresMerges = model.ignoresMerges
        if rules.ignoresMerges, rules.alphabet == .characters { throw fault("model.ignore_merges") }
        return rules
    }

    /// The token that `post_processor` puts before a text; nil for none.
    func tokenBeforeText() throws(TokenizerFileError) -> Int64? {
        var token: Int64?
        for component in try components("post_processor", list: "processors") {
            switch component.type {
            case "ByteLevel": continue  // offsets only
            case "TemplateProcessing" where token == nil: token = try tokenBeforeText(in: component)
            default: throw fault("post_processor")
            }
        }
        return token
    }

    private struct Component {
        let type: String
        let value: JSON
        let members: [String: JSON]

        /// Whether the members other than the type are these; a member that is null or missing is equal to null.
        func has(_ expected: [String: JSON]) -> Bool {
            Set(members.keys).union(expected.keys).subtracting(["type"]).allSatisfy {
                (members[$0] ?? .null) == (expected[$0] ?? .null)
            }
        }
    }

    private func modelOptions() throws(TokenizerFileError) -> (fallsBackToBytes: Bool, ignoresMerges: Bool) {
        guard [.null, "BPE"].contains(file["model.type"]) else { throw fault("model.type", expected: "BPE") }
        for option in ["dropout", "continuing_subword_prefix", "end_of_word_suffix"] {
            guard [.null, "", 0, .number(0)].contains(file["model.\(option)"]) else {
                throw fault("model.\(option)", expected: "null")
            }
        }
        return (try flag("model.byte_fallback"), try flag("model.ignore_merges"))
    }

    private func flag(_ part: String) throws(TokenizerFileError) -> Bool {
        switch file[part] {
        case .null: return false
        case .bool(let flag): return flag
        default: throw fault(part, expected: "true or false")
        }
    }

    private func composes(_ normalizers: [Component]) throws(TokenizerFileError) -> Bool {
        if normalizers.isEmpty { return false }
        guard normalizers.map(\.type) == ["NFC"], normalizers[0].has([:]) else { throw fault("normalizer") }
        return true
    }

    // Byte-level BPE: `Digits` or `Split` by a pattern, then `ByteLevel`.
    private func preTokenizer(_ components: [Component]) throws(TokenizerFileError) -> PreTokenizer {
        guard let last = components.last, last.type == "ByteLevel" else { throw fault("pre_tokenizer") }
        func isByteLevel(usesRegex: Bool) -> Bool {
            let usage = last.members["use_regex"] ?? true
            return usage == .bool(usesRegex) && last.members["add_prefix_space"] == false
                && Set(last.members.keys).isSubset(of: ["type", "use_regex", "add_prefix_space", "trim_offsets"])
        }
        if components.count == 1, isByteLevel(usesRegex: true) { return .gpt2 }
        guard components.count == 2 else { throw fault("pre_tokenizer") }
        let first = components[0]
        if isByteLevel(usesRegex: true), first.type == "Digits", first.has(["individual_digits": true]) {
            return .smolLM
        }
        guard isByteLevel(usesRegex: false), first.type == "Split", let words = Self.pattern(of: first) else {
            throw fault("pre_tokenizer")
        }
        return words
    }

    // A pattern that matches all of a text cuts it the same way, whether matches are isolated or gaps are removed.
    private static func pattern(of split: Component) -> PreTokenizer? {
        guard case .object(let pattern) = split.members["pattern"], pattern.count == 1, pattern[0].name == "Regex",
            case .string(let regex) = pattern[0].value
        else { return nil }
        let isolates = split.has(["pattern": .object(pattern), "behavior": "Isolated", "invert": false])
        let removes = split.has(["pattern": .object(pattern), "behavior": "Removed", "invert": true])
        return isolates || removes ? patterns[regex] : nil
    }

    private static let patterns: [String: PreTokenizer] = [
        #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#: .gpt2,
        newer(#"\p{N}{1,3}"#): .llama3,
        newer(#"\p{N}"#): .qwen2,
    ]

    private static func newer(_ digits: String) -> String {
        #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|"# + digits
            + #"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
    }

    // SentencePiece: spaces become U+2581, by a normalizer or a pre-tokenizer.
    private func spacePrefix(
        _ normalizers: [Component], _ preTokenizers: [Component]
    ) throws(TokenizerFileError) -> TextRules.SpacePrefix {
        let replace: (Component) -> Bool = {
            $0.type == "Replace" && $0.has(["pattern": ["String": " "], "content": "\u{2581}"])
        }
        if normalizers.isEmpty {
            guard preTokenizers.count == 1, preTokenizers[0].type == "Metaspace" else { throw fault("pre_tokenizer") }
            return try spacePrefix(of: preTokenizers[0])
        }
        // A split at spaces has nothing to do once spaces are marks.
        let splits: JSON = ["String": " "]
        guard
            preTokenizers.allSatisfy({
                $0.type == "Split"
                    && $0.has(["pattern": splits, "behavior": "MergedWithPrevious", "invert": false])
            })
        else { throw fault("pre_tokenizer") }
        if normalizers.count == 1, replace(normalizers[0]) { return .none }
        guard normalizers.count == 2, replace(normalizers[1]), normalizers[0].type == "Prepend",
            normalizers[0].has(["prepend": "\u{2581}"])
        else { throw fault("normalizer") }
        return .everyPiece
    }

    private func spacePrefix(of metaspace: Component) throws(TokenizerFileError) -> TextRules.SpacePrefix {
        let schemes: [String: TextRules.SpacePrefix] = ["always": .piece, "first": .text, "never": .none]
        guard case .string(let scheme) = metaspace.members["prepend_scheme"] ?? "always", let prefix = schemes[scheme],
            metaspace.has([
                "replacement": "\u{2581}", "split": false,
                "prepend_scheme": metaspace.members["prepend_scheme"] ?? .null,
            ])
        else { throw fault("pre_tokenizer") }
        return prefix
    }

    // `Replace`, `ByteFallback`, `Fuse`, and `Strip` of one space where encoding put one.
    private func dropsFirstSpace() throws(TokenizerFileError) -> Bool {
        let decoders = try components("decoder", list: "decoders")
        guard decoders.count >= 3, decoders[0].type == "Replace", decoders[1].type == "ByteFallback",
            decoders[0].has(["pattern": ["String": "\u{2581}"], "content": " "]), decoders[2].type == "Fuse"
        else { throw fault("decoder") }
        if decoders.count == 3 { return false }
        guard decoders.count == 4, decoders[3].type == "Strip",
            decoders[3].has(["content": " ", "start": 1, "stop": 0])
        else { throw fault("decoder") }
        return true
    }

    // `single` is the text, or a special token and the text.
    private func tokenBeforeText(in template: Component) throws(TokenizerFileError) -> Int64? {
        guard case .array(let single) = template.members["single"], let text = single.last,
            case .object(let last) = text, last.first?.name == "Sequence", single.count <= 2
        else { throw fault("post_processor") }
        guard single.count == 2 else { return nil }
        var item = JSONFields(single[0], path: "post_processor.single[0]", file: TokenizerFile.name)
        var special = JSONFields(item.take("SpecialToken"), path: "post_processor.single[0]", file: TokenizerFile.name)
        let name = try special.string("id")
        var tokens = JSONFields(
            template.members["special_tokens"] ?? .null, path: "post_processor.special_tokens",
            file: TokenizerFile.name)
        var token = JSONFields(tokens.take(name), path: "post_processor.special_tokens", file: TokenizerFile.name)
        guard case .array(let ids) = token.take("ids"), ids.count == 1, case .integer(let id) = ids[0] else {
            throw fault("post_processor")
        }
        return id
    }

    private func components(_ part: String, list: String) throws(TokenizerFileError) -> [Component] {
        try components(in: file[part], part, list: list, depth: 0)
    }

    private func components(
        in value: JSON, _ part: String, list: String, depth: Int
    ) throws(TokenizerFileError) -> [Component] {
        if value == .null { return [] }
        guard case .object(let members) = value, depth < 8 else { throw fault(part) }
        let fields = Dictionary(members.map { ($0.name, $0.value) }) { $1 }
        guard case .string(let type) = fields["type"] else { throw fault(part) }
        guard type == "Sequence" else { return [Component(type: type, value: value, members: fields)] }
        guard case .array(let elements) = fields[list] else { throw fault(part) }
        var components: [Component] = []
        for element in elements { components += try self.components(in: element, part, list: list, depth: depth + 1) }
        return components
    }

    private func fault(_ part: String, expected: String? = nil) -> TokenizerFileError {
        let found = file[part].brief
        return TokenizerFileError(
            file: TokenizerFile.name,
            problem: expected.map { "\(part): expected \($0), found \(found)" } ?? "\(part): \(found) is not supported")
    }
}
