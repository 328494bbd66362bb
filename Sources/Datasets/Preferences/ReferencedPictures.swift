public import Images

/// The pictures that records speak of, drawn or read again, and the answers that are demonstrated about them.
public struct ReferencedPictures: Sendable {
    private let easyVQA: EasyVQA
    private let questions: [Int: [EasyVQAQuestion]]

    /// Pictures of the generator, and of easy-VQA's training split.
    public init(easyVQA: EasyVQA) {
        self.easyVQA = easyVQA
        self.questions = Dictionary(grouping: easyVQA.training, by: \.picture)
    }

    /// The picture, 64x64.
    ///
    /// - Throws: `EasyVQAError` if its file cannot be read or is a test picture's, `ReferencedPictureError` for a
    ///   picture that somebody sent.
    public func image(of picture: PictureReference) throws -> RGBImage {
        switch picture {
        case .generated(let family, let seed): return family.picture(seed: seed).scene.image
        case .easyVQA(let number): return try easyVQA.trainingPicture(number)
        case .stored(let digest): throw ReferencedPictureError.stored(sha256: digest)
        }
    }

    /// The demonstrated answer to a question about a picture; nil if the question is none of the picture's own.
    ///
    /// - Parameter index: the question's number among those of a generated picture.
    public func demonstration(of question: String, index: Int?, about picture: PictureReference?) -> String? {
        switch picture {
        case .generated(let family, let seed):
            let questions = family.picture(seed: seed).questions
            guard let index, questions.indices.contains(index), questions[index].text == question else { return nil }
            return questions[index].answer
        case .easyVQA(let number): return questions[number]?.first { $0.text == question }?.answer.rawValue
        case .stored, nil: return nil
        }
    }
}

/// Why a picture cannot be had again.
public enum ReferencedPictureError: Error, Equatable, CustomStringConvertible {
    /// It is in no data set: its file would be needed.
    case stored(sha256: String)

    /// What is missing.
    public var description: String {
        switch self {
        case .stored(let digest): "the picture with SHA-256 \(digest) was sent by somebody; its file is not at hand"
        }
    }
}
