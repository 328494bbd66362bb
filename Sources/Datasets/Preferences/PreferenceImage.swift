public import Images

/// A reference to a record's image, by which the image can be drawn or read again.
///
/// In JSON, an object with the fields of one case: `{"family": "counts", "seed": 12}`,
/// `{"document": "receipts", "seed": 12}`, `{"easyVQA": 7}` or `{"sha256": "9f86…"}`.
public enum PreferenceImage: Sendable, Hashable {
    /// The image that the generator of `family` draws from `seed`.
    case generated(family: Family, seed: UInt64)
    /// The document that the generator of `family` draws from `seed`.
    case document(family: DocumentFamily, seed: UInt64)
    /// The image with this number in easy-VQA's training split.
    case easyVQA(number: Int)
    /// An image that a person sent, by the SHA-256 of its file: 64 hexadecimal digits in lower case.
    case stored(sha256: String)
}

extension PreferenceImage: Codable {
    private enum Field: String, CodingKey {
        case family, document, seed, easyVQA, sha256
    }

    /// Throws `DecodingError` unless the object has exactly the fields of one case.
    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: Field.self)
        switch Set(fields.allKeys) {
        case [.family, .seed]:
            self = .generated(
                family: try fields.decode(Family.self, forKey: .family),
                seed: try fields.decode(UInt64.self, forKey: .seed))
        case [.document, .seed]:
            self = .document(
                family: try fields.decode(DocumentFamily.self, forKey: .document),
                seed: try fields.decode(UInt64.self, forKey: .seed))
        case [.easyVQA]:
            let number = try fields.decode(Int.self, forKey: .easyVQA)
            guard number >= 0 else {
                throw DecodingError.dataCorruptedError(
                    forKey: .easyVQA, in: fields, debugDescription: "\(number) is no picture's number")
            }
            self = .easyVQA(number: number)
        case [.sha256]:
            guard let image = Self(digest: try fields.decode(String.self, forKey: .sha256)) else {
                throw DecodingError.dataCorruptedError(
                    forKey: .sha256, in: fields, debugDescription: "expected 64 hexadecimal digits in lower case")
            }
            self = image
        case let found:
            throw DecodingError.dataCorrupted(
                .init(
                    codingPath: decoder.codingPath,
                    debugDescription: "expected family and seed, document and seed, easyVQA, or sha256; found "
                        + "\(found.map(\.rawValue).sorted())"))
        }
    }

    /// Writes the fields of the case.
    public func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: Field.self)
        switch self {
        case .generated(let family, let seed):
            try fields.encode(family, forKey: .family)
            try fields.encode(seed, forKey: .seed)
        case .document(let family, let seed):
            try fields.encode(family, forKey: .document)
            try fields.encode(seed, forKey: .seed)
        case .easyVQA(let number): try fields.encode(number, forKey: .easyVQA)
        case .stored(let digest): try fields.encode(digest, forKey: .sha256)
        }
    }

    /// An image that a person sent; nil unless `digest` has 64 hexadecimal digits in lower case.
    public init?(digest: String) {
        guard digest.utf8.count == 64, digest.utf8.allSatisfy(Self.isHexadecimal) else { return nil }
        self = .stored(sha256: digest)
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"): true
        default: false
        }
    }
}

extension PreferenceImage: CustomStringConvertible {
    /// The reference in reports and seeds: `counts/12`, `document words/12`, `easy-vqa/7`, or the digest.
    public var description: String {
        switch self {
        case .document(let family, let seed): "document \(family.rawValue)/\(seed)"
        case .generated(let family, let seed): "\(family.rawValue)/\(seed)"
        case .easyVQA(let number): "easy-vqa/\(number)"
        case .stored(let digest): digest
        }
    }
}

/// The images that records refer to, drawn or read again, and the demonstrated answers about them.
public struct ReferencedImages: Sendable {
    private let generator: ImageGenerator
    private let easyVQA: EasyVQA?
    private let questions: [Int: [EasyVQAQuestion]]
    private let kept: @Sendable (_ sha256: String) throws -> [UInt8]

    /// Images of the generator, of easy-VQA's training split if it is available, and images that people sent, whose
    /// files `kept` returns by their SHA-256.
    public init(
        generator: ImageGenerator = ImageGenerator(), easyVQA: EasyVQA?,
        kept: @escaping @Sendable (_ sha256: String) throws -> [UInt8]
    ) {
        self.generator = generator
        self.easyVQA = easyVQA
        self.questions = Dictionary(grouping: easyVQA?.training ?? [], by: \.image)
        self.kept = kept
    }

    /// The image: 64x64, a document's size, or the size that it was sent in.
    ///
    /// - Throws: `EasyVQAError` if its file cannot be read or is a test image's, `ReferencedImageError` if the data set
    ///   is missing, `ImageError`, or the errors of `kept`.
    public func image(of image: PreferenceImage) throws -> RGBImage {
        switch image {
        case .generated(let family, let seed): return try generator.draw(.family(family), seed: seed).image
        case .document(let family, let seed): return try generator.draw(.document(family), seed: seed).image
        case .easyVQA(let number):
            guard let easyVQA else { throw ReferencedImageError.noEasyVQA(number: number) }
            return try easyVQA.trainingImage(number)
        case .stored(let digest): return try ImageFile.decode(kept(digest)).rgb
        }
    }

    /// The demonstrated answer to a question about an image; nil if the question is not one of the image's own.
    ///
    /// - Parameter index: the question's index among the questions of a generated image.
    public func demonstration(
        of question: String, index: Int?, about image: PreferenceImage?
    ) throws -> String? {
        switch image {
        case .generated(let family, let seed):
            return try generator.draw(.family(family), seed: seed).answer(to: question, index: index)
        case .document(let family, let seed):
            return try generator.draw(.document(family), seed: seed).answer(to: question, index: index)
        case .easyVQA(let number):
            return questions[number]?.first { $0.text == question }?.answer.rawValue
        case .stored, nil: return nil
        }
    }
}

extension GeneratedImage {
    /// The demonstrated answer to question `index`, if its text is `question`.
    fileprivate func answer(to question: String, index: Int?) -> String? {
        guard let index, tasks.indices.contains(index), tasks[index].question == question else { return nil }
        return answers[index]
    }
}

/// Why an image cannot be drawn or read again.
public enum ReferencedImageError: Error, Equatable, CustomStringConvertible {
    /// The image's data set is missing.
    case noEasyVQA(number: Int)
    /// The fonts and words that the document is drawn with are missing.
    case noMaterials(document: String)

    /// What is missing.
    public var description: String {
        switch self {
        case .noEasyVQA(let number):
            "a ranking is about picture \(number) of easy-VQA, which is not there; `make data` fetches it, or name its folder "
                + "with --easy-vqa"
        case .noMaterials(let document):
            "\(document) needs the fonts and words that `make fonts` fetches; name them with --fonts and --words"
        }
    }
}
