extension Decoder {
    /// Throws `DecodingError` naming a field of the object that is none of `Field`'s: what is not read would be lost.
    func refuseOtherFields<Field: CodingKey & CaseIterable>(than known: Field.Type) throws {
        let names = Set(Field.allCases.map(\.stringValue))
        let fields = try container(keyedBy: AnyField.self)
        if let other = fields.allKeys.map(\.stringValue).sorted().first(where: { !names.contains($0) }) {
            throw DecodingError.dataCorrupted(
                .init(
                    codingPath: codingPath,
                    debugDescription: "the field “\(other)” is unknown; known are \(names.sorted())"))
        }
    }
}

/// Any name that an object's field may have.
private struct AnyField: CodingKey {
    let stringValue: String
    let intValue: Int? = nil

    init?(stringValue: String) { self.stringValue = stringValue }

    init?(intValue: Int) { nil }
}

extension DecodingError {
    /// The field, as `completions.1.text`, and what is wrong with it.
    var placeAndReason: String {
        switch self {
        case .keyNotFound(let key, let context):
            Self.text((context.codingPath + [key]).map(Self.name), "is missing")
        case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
            Self.text(context.codingPath.map(Self.name), context.debugDescription)
        @unknown default: "\(self)"
        }
    }

    private static func name(_ key: any CodingKey) -> String {
        key.intValue.map { "\($0)" } ?? key.stringValue
    }

    private static func text(_ path: [String], _ reason: String) -> String {
        path.isEmpty ? reason : "\(path.joined(separator: ".")): \(reason)"
    }
}
