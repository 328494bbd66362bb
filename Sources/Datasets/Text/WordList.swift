import Foundation

/// English words, each on one side: for training, or held out for validation and tests.
package struct WordList: Sendable {
    /// The words of one side. None is empty.
    package struct Side: Sendable {
        /// All words, in the order of the list.
        package let words: [String]
        /// The frequent ones among them.
        package let frequent: [String]
    }

    /// About one word in 12 is held out.
    private static let heldOutShare: UInt64 = 12

    /// The words for training.
    package let training: Side
    /// The words for validation and tests.
    package let heldOut: Side

    /// The list in the file at `path`, a word a line; see `init(words:)`. Throws what reading the file throws, and
    /// `WordListError` if either side has fewer than 100 words.
    package init(path: String) throws {
        guard FileManager.default.fileExists(atPath: path) else { throw WordListError.missing(path: path) }
        let text = String(decoding: try Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self)
        self.init(words: text.split(separator: "\n").map(String.init))
        guard min(training.words.count, heldOut.words.count) >= 100 else { throw WordListError.tooShort(path: path) }
    }

    /// Keeps words of 2 to 14 small ASCII letters, and the frequent words (`FrequentWords`) whether listed or not.
    package init(words: [String]) {
        let frequent = Self.sides(of: FrequentWords.all)
        let known = Set(FrequentWords.all)
        let rest = words.filter { word in
            (2...14).contains(word.utf8.count) && word.utf8.allSatisfy { (97...122).contains($0) }
                && !known.contains(word)
        }
        let sides = Self.sides(of: rest)
        training = Side(words: frequent.training + sides.training, frequent: frequent.training)
        heldOut = Side(words: frequent.heldOut + sides.heldOut, frequent: frequent.heldOut)
    }

    /// The side that `split` draws from.
    package func side(of split: SeedSplit) -> Side { split == .training ? training : heldOut }

    /// Whether `word`, in any case, is held out. Its letters alone decide (FNV-1a, 64 bits, then folded), so a word
    /// never changes sides when the list does.
    package static func isHeldOut(_ word: String) -> Bool {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in word.lowercased().utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return (hash ^ (hash >> 32)) % heldOutShare == 0
    }

    private static func sides(of words: [String]) -> (training: [String], heldOut: [String]) {
        (words.filter { !isHeldOut($0) }, words.filter(isHeldOut))
    }
}

/// A word list that cannot be used.
package enum WordListError: Error, Equatable, CustomStringConvertible {
    /// There is no such file.
    case missing(path: String)
    /// Too few words for two sides.
    case tooShort(path: String)

    package var description: String {
        switch self {
        case .missing(let path): "there is no word list \(path): fetch it with `make fonts`"
        case .tooShort(let path): "\(path) has too few words: expected at least some thousand, one a line"
        }
    }
}
