public import Foundation
public import Images

/// The easy-VQA 1.0 data set (Victor Zhou, MIT licence): 64x64 images of one shape each, and questions about them.
///
/// Training images are available only through `trainingImage`, which refuses any image with the pixels of a test image.
/// Version 1.0 has no such pair, and no two equal images at all: all 5,000 pixel hashes differ.
public struct EasyVQA: Sendable {
    /// The official splits; raw values are their folders.
    public enum Split: String, Sendable, CaseIterable {
        /// 4,000 images, 38,575 questions.
        case training = "train"
        /// 1,000 images, 9,673 questions.
        case test
    }

    /// The side of every image in pixels.
    public static let side = 64

    /// Questions of the training split, in the file's order.
    public let training: [EasyVQAQuestion]
    /// Questions of the test split, in the file's order.
    public let test: [EasyVQAQuestion]

    private let folder: URL
    private let registry: SplitRegistry

    /// Reads answers.txt and both splits' questions, and registers every test image.
    ///
    /// `folder` holds answers.txt, train/ and test/, like the data folder of the package easy-vqa 1.0.
    public init(folder: URL) throws(EasyVQAError) {
        self.folder = folder
        try Self.checkAnswers(folder)
        training = try Self.questions(of: .training, in: folder)
        test = try Self.questions(of: .test, in: folder)
        var registry = SplitRegistry()
        for number in Set(test.map(\.image)).sorted() {
            let image = try Self.image(number, of: .test, in: folder)
            registry.hold(image, name: Self.imageFile(number, of: .test))
        }
        self.registry = registry
    }

    /// The questions of a split, in the file's order.
    public func questions(of split: Split) -> [EasyVQAQuestion] {
        switch split {
        case .training: training
        case .test: test
        }
    }

    /// An image to train on, 64x64. Throws `heldOut` if it has the pixels of a test image.
    public func trainingImage(_ number: Int) throws(EasyVQAError) -> RGBImage {
        let image = try Self.image(number, of: .training, in: folder)
        if let name = registry.testImage(equalTo: image) {
            throw .heldOut(file: Self.imageFile(number, of: .training), testImage: name)
        }
        return image
    }

    /// An image to evaluate on, 64x64.
    public func testImage(_ number: Int) throws(EasyVQAError) -> RGBImage {
        try Self.image(number, of: .test, in: folder)
    }

    /// The path of an image's PNG file.
    public func imageURL(_ number: Int, of split: Split) -> URL {
        folder.appending(path: Self.imageFile(number, of: split))
    }

    /// The facts about each training image from its questions, by the image's number.
    public func trainingFacts() throws(EasyVQAError) -> [Int: ImageFacts] {
        var facts: [Int: ImageFacts] = [:]
        for (entry, question) in training.enumerated() {
            guard facts[question.image, default: ImageFacts()].learn(question) else {
                let file = Self.questionFile(.training)
                throw .malformed(file: file, entry: entry, reason: "the answer contradicts the entries before it")
            }
        }
        return facts
    }
}

extension EasyVQA {
    private static func questionFile(_ split: Split) -> String { "\(split.rawValue)/questions.json" }

    private static func imageFile(_ number: Int, of split: Split) -> String {
        "\(split.rawValue)/images/\(number).png"
    }

    private static func read(_ file: String, in folder: URL) throws(EasyVQAError) -> Data {
        do {
            return try Data(contentsOf: folder.appending(path: file))
        } catch {
            throw .unreadable(file: folder.appending(path: file).path, reason: error.localizedDescription)
        }
    }

    private static func checkAnswers(_ folder: URL) throws(EasyVQAError) {
        let file = "answers.txt"
        let found = String(decoding: try read(file, in: folder), as: UTF8.self).split(separator: "\n").map(String.init)
        let expected = EasyVQAQuestion.Answer.allCases.map(\.rawValue)
        guard found == expected else {
            throw .malformed(file: file, entry: nil, reason: "expected \(expected), found \(found)")
        }
    }

    private static func questions(of split: Split, in folder: URL) throws(EasyVQAError) -> [EasyVQAQuestion] {
        let file = questionFile(split)
        let data = try read(file, in: folder)
        do {
            return try JSONDecoder().decode([QuestionEntry].self, from: data).map(\.question)
        } catch let error as DecodingError {
            let (path, reason) = error.place
            throw .malformed(file: file, entry: path.first?.intValue, reason: reason)
        } catch {
            throw .malformed(file: file, entry: nil, reason: "\(error)")
        }
    }

    private static func image(_ number: Int, of split: Split, in folder: URL) throws(EasyVQAError) -> RGBImage {
        let file = imageFile(number, of: split)
        let bytes = [UInt8](try read(file, in: folder))
        let image: RGBImage
        do {
            image = try ImageFile.decode(bytes).rgb
        } catch {
            throw .image(file: file, error)
        }
        guard image.width == side, image.height == side else {
            let found = "\(image.width)x\(image.height)"
            throw .malformed(file: file, entry: nil, reason: "expected \(side)x\(side) pixels, found \(found)")
        }
        return image
    }
}

/// An entry of questions.json: the question, the answer and the image's number in one array.
private struct QuestionEntry: Decodable {
    let question: EasyVQAQuestion

    init(from decoder: any Decoder) throws {
        var fields = try decoder.unkeyedContainer()
        let text = try fields.decode(String.self)
        let word = try fields.decode(String.self)
        guard let answer = EasyVQAQuestion.Answer(rawValue: word) else {
            throw Self.error(fields, "“\(word)” is none of easy-VQA's answers")
        }
        let number = try fields.decode(Double.self)
        guard let image = Int(exactly: number), image >= 0 else {
            throw Self.error(fields, "\(number) is no picture's number")
        }
        guard fields.isAtEnd else { throw Self.error(fields, "there are more than three fields") }
        guard let question = EasyVQAQuestion(text: text, answer: answer, image: image) else {
            throw Self.error(fields, "“\(text)” is none of easy-VQA's questions")
        }
        self.question = question
    }

    private static func error(_ fields: any UnkeyedDecodingContainer, _ reason: String) -> DecodingError {
        DecodingError.dataCorruptedError(in: fields, debugDescription: reason)
    }
}

extension DecodingError {
    fileprivate var place: (path: [any CodingKey], reason: String) {
        switch self {
        case .typeMismatch(_, let context), .valueNotFound(_, let context), .keyNotFound(_, let context),
            .dataCorrupted(let context):
            (context.codingPath, context.debugDescription)
        @unknown default: ([], localizedDescription)
        }
    }
}

/// One question of easy-VQA with its answer.
public struct EasyVQAQuestion: Sendable, Equatable {
    /// The 13 answers, in the order of easy-VQA's answers.txt; raw values are its words.
    public enum Answer: String, Sendable, CaseIterable {
        /// A shape.
        case circle
        /// A colour.
        case green, red, gray
        /// The answer to a yes/no question whose statement is true.
        case yes
        /// A colour.
        case teal, black
        /// A shape.
        case rectangle
        /// A colour.
        case yellow
        /// A shape.
        case triangle
        /// A colour.
        case brown, blue
        /// The answer to a yes/no question whose statement is false.
        case no
    }

    /// The kind of question, which its answer determines.
    public enum Kind: String, Sendable, CaseIterable {
        /// Answered by yes or no.
        case yesNo
        /// Answered by a shape or a colour.
        case open
    }

    /// The English question, including its question mark.
    public let text: String
    /// The official answer.
    public let answer: Answer
    /// The number of the image in its split.
    public let image: Int
    /// The meaning of the text.
    public let meaning: QuestionMeaning

    /// Nil if the text has none of the 24 templates.
    public init?(text: String, answer: Answer, image: Int) {
        guard let meaning = QuestionMeaning(text) else { return nil }
        self.text = text
        self.answer = answer
        self.image = image
        self.meaning = meaning
    }

    /// Yes/no or open.
    public var kind: Kind {
        answer == .yes || answer == .no ? .yesNo : .open
    }
}

/// Why easy-VQA's files cannot be used.
public enum EasyVQAError: Error, Equatable, CustomStringConvertible {
    /// A file cannot be read.
    case unreadable(file: String, reason: String)
    /// A file, or a numbered entry of it, differs from easy-VQA 1.0's format.
    case malformed(file: String, entry: Int?, reason: String)
    /// An image is broken or has another size.
    case image(file: String, ImageError)
    /// An image requested as training data has the pixels of a test image.
    case heldOut(file: String, testImage: String)

    /// The reason, with the file's name.
    public var description: String {
        switch self {
        case .unreadable(let file, let reason): "\(file): \(reason) (`make data` fetches easy-VQA)"
        case .malformed(let file, nil, let reason): "\(file): \(reason)"
        case .malformed(let file, let entry?, let reason): "\(file), entry \(entry): \(reason)"
        case .image(let file, let error): "\(file): \(error)"
        case .heldOut(let file, let testImage): "\(file) has the pixels of the test picture \(testImage)"
        }
    }
}
