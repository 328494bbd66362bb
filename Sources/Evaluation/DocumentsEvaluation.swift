package import Datasets
import Images
import Support

/// A question about a generated document, with its image.
package struct DocumentSample: Sendable {
    /// The seed that the document is drawn from.
    package let seed: UInt64
    /// The question.
    package let question: DocumentQuestion
    /// The coloured shapes on the document, for the judge.
    package let objects: [SceneObject]
    /// Whether only the test split shows this layout.
    package let isHeldOutLayout: Bool
    /// The image as a PNG file's bytes.
    package let png: [UInt8]
    /// A plain light image of the same size.
    let blank: [UInt8]

    /// A question about a document.
    package init(seed: UInt64, question: DocumentQuestion, document: Document) {
        self.seed = seed
        self.question = question
        objects = document.sceneObjects
        isHeldOutLayout = document.isHeldOutLayout
        png = ImageFile.encode(document.image)
        blank = ImageFile.encode(
            RGBImage(
                width: document.image.width, height: document.image.height, red: 243, green: 243, blue: 243))
    }

    /// Upper bound on the tokens of an answer: text that is read off may have a token for each character.
    var maximumTokens: Int {
        let text = question.isReadOff ? min(400, 2 * question.answer.count) : 0
        switch question.form {
        case .short: return 16 + text
        case .sentence: return 48 + text
        case .description: return 128 + text
        }
    }

    /// Documents of a split reserved for one draw; each draw has its own.
    private static let stride: UInt64 = 100_000

    /// `count` questions of a family, each about a document of its own, so that they are independent.
    ///
    /// - Parameter draw: the number of the draw; draws of different numbers use different documents.
    package static func draw(
        _ family: DocumentFamily, count: Int, draw: UInt64, split: SeedSplit = .test, from studio: DocumentStudio
    ) -> [DocumentSample] {
        precondition((1...Int(stride)).contains(count), "\(count) questions")
        return (0..<UInt64(count)).map { index in
            let seed = split.seed(at: draw % 10_000 * stride + index)
            let document = family.document(seed: seed, from: studio)
            var generator = SplitMix64(seed: seed)
            return DocumentSample(
                seed: seed, question: generator.draw(from: document.questions), document: document)
        }
    }
}

/// Puts questions about freshly drawn documents to a running server; the gold judge scores the answers.
///
/// Documents of the test split have fonts and words that training never shows, and in part new layouts and wordings,
/// which the report counts apart. Answers are greedy. With a blank or another image, accuracy should fall to what the
/// questions alone give away.
package struct DocumentsEvaluation: Sendable {
    /// How questions are asked.
    package struct Settings: Sendable {
        /// The policy that is asked; nil for the server's default.
        package var model: String?
        /// Questions of each family, each about its own document.
        package var count = 100
        /// The families that are asked about.
        package var families = DocumentFamily.allCases
        /// The split of the documents.
        package var split = SeedSplit.test
        /// Decides which documents are drawn, and how they are swapped.
        package var seed: UInt64 = 0
        /// Questions that are open at the same time.
        package var concurrency = 16

        /// All families to the default policy.
        package init() {}
    }

    private let ask: AskClient
    private let settings: Settings
    private let samples: [DocumentSample]

    /// An evaluation of freshly drawn documents.
    ///
    /// - Parameter server: its address, as `http://127.0.0.1:8080`.
    /// - Throws: `EvaluationError.badAddress`.
    package init(
        from studio: DocumentStudio, client: any ReplyClient, server: String, settings: Settings
    ) throws(EvaluationError) {
        try self.init(
            samples: settings.families.flatMap {
                DocumentSample.draw(
                    $0, count: settings.count, draw: settings.seed, split: settings.split, from: studio)
            },
            client: client, server: server, settings: settings, wait: { try await Task.sleep(for: $0) })
    }

    /// An evaluation of any samples.
    package init(
        samples: [DocumentSample], client: any ReplyClient, server: String, settings: Settings,
        wait: @escaping @Sendable (Duration) async throws -> Void
    ) throws(EvaluationError) {
        precondition(settings.concurrency > 0)
        ask = try AskClient(client: client, server: server, model: settings.model, wait: wait)
        self.settings = settings
        self.samples = samples
    }

    /// Asks every question once and reports the judge's verdicts.
    ///
    /// - Parameter progress: receives the number of answers so far and their total.
    /// - Throws: `EvaluationError` or the client's error; there is no partial report.
    package func run(
        _ control: ImageControl, progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
    ) async throws -> DocumentsReport {
        let clock = ContinuousClock()
        let began = clock.now
        let prompts = zip(samples, images(shownUnder: control)).map { sample, png in
            AskClient.Prompt(
                question: sample.question.text, png: png, maximumTokens: sample.maximumTokens, temperature: 0)
        }
        let policy = try await ask.policy()
        let answers = try await ask.answers(
            of: policy, to: prompts, concurrency: settings.concurrency, progress: progress)
        let judged = zip(samples, answers).map { sample, answer in
            JudgedReading(sample: sample, answer: answer.text, ended: answer.ended)
        }
        return DocumentsReport(
            judged, policy: policy, control: control, split: settings.split, seed: settings.seed,
            seconds: (clock.now - began) / .seconds(1))
    }

    /// The PNG that is shown with each sample.
    private func images(shownUnder control: ImageControl) -> [[UInt8]] {
        switch control {
        case .none: return samples.map(\.png)
        case .blank: return samples.map(\.blank)
        case .swapped:
            // Swapped within a family: an image of another family would be recognised as wrong.
            var next: [Int: Int] = [:]
            for family in DocumentFamily.allCases {
                let own = samples.indices.filter { samples[$0].question.family == family }
                next.merge(ControlImages.circle(of: own, seed: settings.seed)) { first, _ in first }
            }
            return samples.indices.map { samples[next[$0] ?? $0].png }
        }
    }
}

/// An answer about a document with its verdict.
struct JudgedReading {
    let sample: DocumentSample
    let answer: String
    let verdict: Verdict
    /// Wrong characters, and characters of the true text; nil if no text is asked for.
    let characters: (wrong: Int, all: Int)?
    /// Whether the answer says that it cannot tell, though the question has an answer.
    let isFalseRefusal: Bool

    init(sample: DocumentSample, answer: String, ended: Bool) {
        self.sample = sample
        self.answer = answer
        verdict = GoldJudge.verdict(on: answer, to: sample.question, about: sample.objects, ended: ended)
        let reading = AnswerReading(answer)
        switch sample.question.truth {
        case .transcript(let text):
            let check = TranscriptCheck(reading: reading, truth: text)
            characters = (check.wrongCharacters, check.length)
            isFalseRefusal = reading.abstains && verdict.correctness != .right
        case .unreadable, .absent, .unknowable:
            characters = nil
            isFalseRefusal = false
        default:
            characters = nil
            isFalseRefusal = reading.abstains && verdict.correctness != .right
        }
    }
}
