import Foundation
public import Support

/// The body of `POST /v1/score` and of `POST /v1/rerank`: how well documents fit a query.
public struct RankingRequest: Sendable, Equatable {
    /// The two forms of the response.
    public enum Purpose: Sendable {
        /// A score for each document, in order.
        case score
        /// The documents, the best one first.
        case rerank
    }

    /// How the scores were found.
    public enum Method: String, Sendable {
        /// The reward model reads each document as an answer to the query.
        case reward
        /// The policy reads each document and says how likely the query is then.
        case likelihood
    }

    /// The requested policy; nil for the default policy.
    public var model: String?
    /// What the documents should fit.
    public var query: String
    /// 1 to 256 documents, each with one part.
    public var documents: [DialogueMessage.Part]
    /// The number of documents to return.
    public var top: Int
    /// Whether the texts of documents are returned.
    public var returnsDocuments: Bool

    /// Parses a JSON body. Throws for fields without effect.
    public init(body: [UInt8], for purpose: Purpose) throws(APIError) {
        var fields = try FieldReader(body: body)
        try self.init(&fields, for: purpose)
    }

    /// Reads the fields of a JSON body. Throws for fields without effect.
    init(_ fields: inout FieldReader, for purpose: Purpose) throws(APIError) {
        model = try fields.string("model")
        query = try fields.require(fields.string("query"), "query")
        guard !query.isEmpty else { throw APIError(.invalidValue, "query must not be empty.", param: "query") }
        documents = try Self.documents(&fields)
        top = documents.count
        returnsDocuments = false
        if purpose == .rerank {
            let wanted = try fields.integer("top_n", in: 1...Int64(Int32.max)).map { Int($0) }
            top = min(wanted ?? top, top)
            returnsDocuments = try fields.bool("return_documents", default: false)
        }
        try fields.finish()
    }

    private static func documents(_ fields: inout FieldReader) throws(APIError) -> [DialogueMessage.Part] {
        let values = try fields.require(fields.array("documents"), "documents")
        guard (1...256).contains(values.count) else {
            throw APIError(
                .invalidValue, "documents has \(values.count) documents, but must have 1 to 256.", param: "documents")
        }
        var documents: [DialogueMessage.Part] = []
        for (index, value) in values.enumerated() {
            let path = "documents[\(index)]"
            if case .string(let text) = value {
                documents.append(.text(text))
            } else {
                documents.append(
                    try DialogueMessage.Part(fields.element(value, of: "documents", path: path), role: .user))
            }
        }
        return documents
    }

    /// Whether a document is an image; such a document cannot be read as an answer.
    public var hasImages: Bool { documents.contains { if case .image = $0 { true } else { false } } }

    /// The response of `/v1/score`: raw scores.
    public static func scores(
        id: String, created: Int, model: String, method: Method, _ scores: [Double], usage: Usage
    ) -> JSON {
        let data = scores.enumerated().map { index, score -> JSON in
            ["index": JSON(index), "object": "score", "score": JSON(score)]
        }
        return [
            "id": .string(id), "object": "list", "created": JSON(created), "model": .string(model),
            "method": .string(method.rawValue), "data": .array(data), "usage": usage.rankingJSON,
        ]
    }

    /// The response of `/v1/rerank`: scores between 0 and 1, the highest first; equal ones in the request's order.
    public func ranking(id: String, model: String, method: Method, _ scores: [Double], usage: Usage) -> JSON {
        let order = scores.indices.sorted { (scores[$0], $1) > (scores[$1], $0) }
        let results = order.prefix(top).map { index -> JSON in
            var members: [JSON.Member] = [
                .init("index", JSON(index)), .init("relevance_score", JSON(method.relevance(scores[index]))),
            ]
            if returnsDocuments, case .text(let text) = documents[index] {
                members.append(.init("document", ["text": .string(text)]))
            }
            return .object(members)
        }
        return [
            "id": .string(id), "model": .string(model), "method": .string(method.rawValue),
            "results": .array(Array(results)), "usage": usage.rankingJSON,
        ]
    }
}

extension RankingRequest.Method {
    /// A score as a number between 0 and 1: the logistic function of a reward, or the mean probability of a token.
    fileprivate func relevance(_ score: Double) -> Double {
        switch self {
        case .reward: 1 / (1 + exp(-score))
        case .likelihood: exp(score)
        }
    }
}

extension Usage {
    fileprivate var rankingJSON: JSON {
        ["prompt_tokens": JSON(promptTokens), "total_tokens": JSON(promptTokens)]
    }
}
