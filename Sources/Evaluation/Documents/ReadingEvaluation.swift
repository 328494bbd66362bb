package import Datasets
import Images
package import Models
import Typography

/// How well a vision encoder's own head reads documents, before any policy does.
package struct ReadingEvaluation {
    /// What was read in one document.
    package struct Sample: Sendable {
        /// The family of the document.
        package let family: DocumentFamily
        /// The text that was drawn.
        package let drawn: String
        /// The text that was read.
        package let read: String

        /// The edit distance, and the number of characters drawn.
        package var errors: (errors: Int, characters: Int) {
            (TranscriptCheck.distance(Array(drawn), Array(read)), drawn.count)
        }
    }

    private let reader: TextReader
    private let studio: DocumentStudio

    /// An evaluation of `reader` on documents from `studio`.
    package init(_ reader: TextReader, studio: DocumentStudio) {
        self.reader = reader
        self.studio = studio
    }

    /// Reads `count` documents of a family. Drawn and read characters are put together to lines by the same rules.
    package func samples(of family: DocumentFamily, split: SeedSplit, count: Int) -> [Sample] {
        (0..<count).map { index in
            let document = family.document(seed: split.seed(at: UInt64(index)), from: studio)
            let drawn = document.characters.map { ReadCharacter(scalar: $0.scalar, x: $0.centreX, y: $0.lineY) }
            return Sample(
                family: family, drawn: TextLines(drawn).text,
                read: reader.text(in: DecodedImage(document.image), detail: .auto))
        }
    }

    /// The rates of the families in order, as a table.
    package static func table(_ samples: [Sample]) -> String {
        let families = DocumentFamily.allCases.filter { family in samples.contains { $0.family == family } }
        func row(_ name: String, _ samples: [Sample]) -> [String] {
            let rate = CharacterErrorRate(samples.map(\.errors))
            return [name, "\(rate.texts)", "\(rate.characters)", rate.percent]
        }
        return TextTable.text(
            [["family", "documents", "characters", "wrong"]]
                + families.map { family in row(family.rawValue, samples.filter { $0.family == family }) }
                + [row("all", samples)])
    }
}
