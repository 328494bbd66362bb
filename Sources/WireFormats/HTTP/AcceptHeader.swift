/// What a client would like to get (RFC 9110, section 12.5.1).
public struct AcceptHeader: Sendable {
    private struct Range {
        var type: String
        var quality: Double
        var order: Int
    }

    private let ranges: [Range]

    /// Reads the header's value; nil and malformed ranges accept anything.
    public init(_ value: String?) {
        let texts = (value ?? "").utf8.split(separator: UInt8(ascii: ","))
        var ranges: [Range] = []
        for (order, text) in texts.enumerated() {
            guard let header = HeaderValue(Array(text)[...]), !header.value.isEmpty else { continue }
            let quality = header.parameter("q").flatMap { Double(String(decoding: $0, as: UTF8.self)) } ?? 1
            ranges.append(Range(type: header.value, quality: quality, order: order))
        }
        self.ranges = ranges
    }

    /// The one of `types` that the client prefers: by quality, then what it names before what a wildcard covers, then
    /// in its order, then in ours. Where it accepts none of them it gets the first one.
    ///
    /// - Parameter types: at least one media type, in lower case.
    public func preferred(of types: [String]) -> String {
        let rated = types.enumerated().compactMap { index, type -> (rank: [Double], type: String)? in
            guard let (range, precision) = match(type), range.quality > 0 else { return nil }
            let order = precision == 2 ? range.order : 0
            return ([range.quality, Double(precision), Double(-order), Double(-index)], type)
        }
        guard let best = rated.max(by: { $0.rank.lexicographicallyPrecedes($1.rank) }) else {
            return types.first { match($0) == nil } ?? types[0]
        }
        return best.type
    }

    /// The most precise range that covers `type`: 2 for the type itself, 1 for its family, 0 for all.
    private func match(_ type: String) -> (Range, precision: Int)? {
        let family = type.prefix { $0 != "/" } + "/*"
        for (precision, text) in [(2, type), (1, String(family)), (0, "*/*")] {
            if let range = ranges.first(where: { $0.type == text }) { return (range, precision) }
        }
        return nil
    }
}
