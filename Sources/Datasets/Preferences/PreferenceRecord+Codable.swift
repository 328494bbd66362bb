extension PreferenceRecord {
    enum CodingKeys: String, CodingKey {
        case id, question, questionIndex, form, tiers, labeler, seed
        case image = "picture"
        case completions = "candidates"
    }

    /// Throws `DecodingError` naming the field that is missing or wrong.
    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        let completions = try fields.decode([RankedCompletion].self, forKey: .completions)
        guard Self.completionCount.contains(completions.count) else {
            throw DecodingError.dataCorruptedError(
                forKey: .completions, in: fields, debugDescription: "expected 2 to 9, found \(completions.count)")
        }
        let tiers = try fields.decode([[Int]].self, forKey: .tiers)
        guard Self.ranks(tiers, completions.count) else {
            throw DecodingError.dataCorruptedError(
                forKey: .tiers, in: fields,
                debugDescription: "expected each of 0..<\(completions.count) once and no empty tier, found \(tiers)")
        }
        let questionIndex = try fields.decodeIfPresent(Int.self, forKey: .questionIndex)
        guard questionIndex ?? 0 >= 0 else {
            throw DecodingError.dataCorruptedError(
                forKey: .questionIndex, in: fields, debugDescription: "expected 0 or more")
        }
        self.init(
            id: try fields.decodeText(.id),
            image: try fields.decodeIfPresent(PreferenceImage.self, forKey: .image),
            question: try fields.decodeText(.question), questionIndex: questionIndex,
            form: try fields.decodeIfPresent(FamilyQuestion.Form.self, forKey: .form), completions: completions,
            tiers: tiers, labeler: try fields.decode(Labeler.self, forKey: .labeler),
            seed: try fields.decode(UInt64.self, forKey: .seed))
    }
}

extension PreferenceRecord.RankedCompletion {
    enum CodingKeys: String, CodingKey {
        case text, tokens, policy, finishReason
    }

    /// Throws `DecodingError` naming the field that is missing or wrong.
    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        let tokens = try fields.decode([Int32].self, forKey: .tokens)
        guard tokens.allSatisfy({ $0 >= 0 }) else {
            throw DecodingError.dataCorruptedError(
                forKey: .tokens, in: fields, debugDescription: "expected token ids of 0 or more")
        }
        self.init(
            text: try fields.decode(String.self, forKey: .text), tokens: tokens,
            policy: try fields.contains(.policy) ? fields.decodeText(.policy) : nil,
            finishReason: try fields.decode(PreferenceRecord.FinishReason.self, forKey: .finishReason))
    }
}

extension PreferenceRecord.Labeler {
    enum CodingKeys: String, CodingKey {
        case kind, id
    }

    /// Throws `DecodingError` naming the field that is missing or wrong.
    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        self.init(kind: try fields.decode(Kind.self, forKey: .kind), id: try fields.decodeText(.id))
    }
}

extension KeyedDecodingContainer {
    /// A text that is not empty.
    fileprivate func decodeText(_ key: Key) throws -> String {
        let text = try decode(String.self, forKey: key)
        guard !text.isEmpty else {
            throw DecodingError.dataCorruptedError(forKey: key, in: self, debugDescription: "expected a text")
        }
        return text
    }
}
