package import Datasets
import Images
import Support

/// A question about a generated document, with the document's image and what was drawn on it.
package struct DocumentSample: Sendable {
    /// How large the text of a document is. Raw values are the names in reports.
    package enum TextSize: String, Codable, Sendable, CaseIterable {
        /// Under 16 pixels an em.
        case small = "text under 16 px"
        /// From 16 to below 24 pixels an em.
        case middle = "text of 16 to 24 px"
        /// From 24 pixels an em.
        case large = "text from 24 px"

        /// The class of a size in pixels an em.
        package init(_ size: Double) {
            self = size < 16 ? .small : size < 24 ? .middle : .large
        }
    }

    /// The seed that the document is drawn from.
    package let seed: UInt64
    /// The question.
    package let question: DocumentQuestion
    /// The coloured shapes of the document, as the judge knows them.
    package let objects: [SceneObject]
    /// The name of the layout.
    package let layout: String
    /// Whether only the test split shows this layout.
    package let isHeldOutLayout: Bool
    /// How large most of the text is; nil if there is none.
    package let textSize: TextSize?
    /// The image as a PNG file's bytes.
    package let png: [UInt8]
    /// The image's width and height in pixels.
    package let size: (width: Int, height: Int)

    /// A question about a document.
    package init(seed: UInt64, question: DocumentQuestion, document: Document) {
        self.seed = seed
        self.question = question
        objects = document.sceneObjects
        layout = document.layout
        isHeldOutLayout = document.isHeldOutLayout
        textSize = document.textSize.map { TextSize($0) }
        png = ImageFile.encode(document.image)
        size = (document.image.width, document.image.height)
    }

    /// Documents of a split reserved for one draw; each draw has its own.
    private static let stride: UInt64 = 100_000

    /// Up to `count` questions of a family, each about a document of its own. The questions are therefore independent,
    /// as confidence intervals assume.
    ///
    /// - Parameters:
    ///   - split: decides fonts, words, layouts and wordings: the test split has held-out ones.
    ///   - draw: the number of the draw; draws of different numbers use different documents.
    ///   - isWanted: filters the questions. A document without a wanted question is skipped, and the search ends after
    ///     twenty times `count` documents.
    package static func draw(
        _ family: DocumentFamily, count: Int, split: SeedSplit, draw: UInt64, from studio: DocumentStudio,
        where isWanted: (DocumentQuestion) -> Bool = { _ in true }
    ) -> [DocumentSample] {
        let range = 20 * UInt64(count)
        precondition(count > 0 && range <= stride)
        let first = draw % 10_000 * stride
        var samples: [DocumentSample] = []
        for index in first..<first + range where samples.count < count {
            let seed = split.seed(at: index)
            let document = family.document(seed: seed, from: studio)
            let questions = document.questions.filter(isWanted)
            guard !questions.isEmpty else { continue }
            var generator = SplitMix64(seed: seed)
            samples.append(
                DocumentSample(seed: seed, question: generator.draw(from: questions), document: document))
        }
        return samples
    }
}

extension DocumentSample: GeneratedSample {
    var family: String { question.family.rawValue }

    /// Text that is read off has a token a character: six lines of 32 characters and a few words need 240.
    var maximumTokens: Int {
        if question.isReadOff { return 256 }
        switch question.form {
        case .short: return 32
        case .sentence: return 96
        case .description: return 160
        }
    }

    func verdict(on answer: String, ended: Bool) -> Verdict {
        GoldJudge.verdict(on: answer, to: question, about: objects, ended: ended)
    }
}
