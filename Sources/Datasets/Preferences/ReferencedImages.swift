public import Images

/// The images that records speak of, drawn or read again, and the answers that are demonstrated about them.
public struct ReferencedImages: Sendable {
    private let easyVQA: EasyVQA?
    private let questions: [Int: [EasyVQAQuestion]]
    private let kept: @Sendable (_ sha256: String) throws -> [UInt8]

    /// Images of the generator, of easy-VQA's training split if it is there, and of those that people sent: `kept`
    /// gives the file of the given SHA-256.
    public init(easyVQA: EasyVQA?, kept: @escaping @Sendable (_ sha256: String) throws -> [UInt8]) {
        self.easyVQA = easyVQA
        self.questions = Dictionary(grouping: easyVQA?.training ?? [], by: \.image)
        self.kept = kept
    }

    /// The image: 64x64, or of the size that somebody sent.
    ///
    /// - Throws: `EasyVQAError` if its file cannot be read or is a test image's, `ReferencedImageError` if the data
    ///   set is not there, `ImageError`, or what `kept` throws.
    public func image(of image: PreferenceImage) throws -> RGBImage {
        switch image {
        case .generated(let family, let seed): return family.image(seed: seed).scene.image
        case .easyVQA(let number):
            guard let easyVQA else { throw ReferencedImageError.noEasyVQA(number: number) }
            return try easyVQA.trainingImage(number)
        case .stored(let digest): return try ImageFile.decode(kept(digest)).rgb
        }
    }

    /// The demonstrated answer to a question about an image; nil if the question is none of the image's own.
    ///
    /// - Parameter index: the question's number among those of a generated image.
    public func demonstration(of question: String, index: Int?, about image: PreferenceImage?) -> String? {
        switch image {
        case .generated(let family, let seed):
            let questions = family.image(seed: seed).questions
            guard let index, questions.indices.contains(index), questions[index].text == question else { return nil }
            return questions[index].answer
        case .easyVQA(let number): return questions[number]?.first { $0.text == question }?.answer.rawValue
        case .stored, nil: return nil
        }
    }
}

/// Why an image cannot be had again.
public enum ReferencedImageError: Error, Equatable, CustomStringConvertible {
    /// The data set that it is of is not there.
    case noEasyVQA(number: Int)

    /// What is missing.
    public var description: String {
        switch self {
        case .noEasyVQA(let number):
            "a ranking is about picture \(number) of easy-VQA, which is not there; `make data` fetches it, or name its folder "
                + "with --easy-vqa"
        }
    }
}
