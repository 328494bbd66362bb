public import Support

/// The body of `POST /v1/embeddings`.
public struct EmbeddingsRequest: RequestBody, Equatable {
    /// What an embedding is of.
    public enum Input: Sendable, Equatable {
        /// Text or token ids, without a template.
        case prompt(CompletionRequest.Prompt)
        /// Text and images in order, without a template.
        case parts([DialogueMessage.Part])
    }

    /// How a vector is written.
    public enum Encoding: String, Sendable, CaseIterable {
        /// An array of numbers.
        case float
        /// The bytes of 32-bit floats, little-endian.
        case base64
    }

    /// The requested policy.
    public var model: String
    /// 1 to 256 inputs, none of them empty.
    public var inputs: [Input]
    /// How the vectors are written.
    public var encoding: Encoding
    /// The expected length of a vector; nil accepts any.
    public var dimensions: Int?

    /// Reads the fields of a JSON body. Throws for fields without effect.
    public init(_ fields: inout FieldReader) throws(APIError) {
        model = try fields.require(fields.string("model"), "model")
        inputs = try Self.inputs(&fields)
        fields.describe("encoding_format", as: Encoding.allCases.map(\.rawValue))
        let name = try fields.string("encoding_format") ?? Encoding.float.rawValue
        guard let encoding = Encoding(rawValue: name) else {
            throw APIError(.invalidValue, "encoding_format must be float or base64.", param: "encoding_format")
        }
        self.encoding = encoding
        dimensions = try fields.integer("dimensions", in: 1...Int64(Int32.max)).map { Int($0) }
        _ = try fields.string("user")
        try fields.finish()
    }

    private static func inputs(_ fields: inout FieldReader) throws(APIError) -> [Input] {
        let value = try fields.require(fields.value("input"), "input")
        guard case .array(let elements) = value, !isOne(elements) else {
            return [try input(value, path: "input", of: fields)]
        }
        guard (1...256).contains(elements.count) else {
            throw APIError(
                .invalidValue, "input has \(elements.count) inputs, but must have 1 to 256.", param: "input")
        }
        var inputs: [Input] = []
        for (index, element) in elements.enumerated() {
            inputs.append(try input(element, path: "input[\(index)]", of: fields))
        }
        return inputs
    }

    /// Whether the array is one input: token ids, or parts.
    private static func isOne(_ elements: [JSON]) -> Bool {
        guard let first = elements.first else { return false }
        if case .object = first { return true }
        return first.doubleValue != nil
    }

    private static func input(_ value: JSON, path: String, of fields: FieldReader) throws(APIError) -> Input {
        let empty = APIError(.invalidValue, "\(path) is empty.", param: path)
        switch value {
        case .string(let text):
            guard !text.isEmpty else { throw empty }
            return .prompt(.text(text))
        case .array(let elements):
            guard let first = elements.first else { throw empty }
            guard case .object = first else { return .prompt(.tokens(try CompletionRequest.ids(elements, path: path))) }
            var parts: [DialogueMessage.Part] = []
            for (index, element) in elements.enumerated() {
                parts.append(
                    try DialogueMessage.Part(
                        fields.element(element, of: "input", path: "\(path)[\(index)]"), role: .user))
            }
            guard !parts.allSatisfy({ $0 == .text("") }) else { throw empty }
            return .parts(parts)
        default:
            throw APIError(
                .invalidType,
                "\(path) must be a string, an array of token ids or an array of parts, not \(value.kind).",
                param: path)
        }
    }

    /// The response.
    public func response(_ vectors: [[Float]], promptTokens: Int) -> JSON {
        let data = vectors.enumerated().map { index, vector -> JSON in
            ["object": "embedding", "index": JSON(index), "embedding": encoding.write(vector)]
        }
        return [
            "object": "list", "data": .array(data), "model": .string(model),
            "usage": ["prompt_tokens": JSON(promptTokens), "total_tokens": JSON(promptTokens)],
        ]
    }
}

extension EmbeddingsRequest.Encoding {
    fileprivate func write(_ vector: [Float]) -> JSON {
        switch self {
        // The shortest digits that give the same 32 bits.
        case .float: .array(vector.map { JSON(Double($0.description) ?? Double($0)) })
        case .base64:
            .string(
                Base64.encode(
                    vector.flatMap { value in
                        let bits = value.bitPattern
                        return (0..<4).map { UInt8(truncatingIfNeeded: bits >> ($0 * 8)) }
                    }))
        }
    }
}
