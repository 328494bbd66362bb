import Foundation
import Images
import Support
import Tokenizers

/// Own data cut in two: examples to learn from, and held-out ones that training never sees.
///
/// The cut is by image: an example is held out if one of its images is, so a held-out image is in no example to learn
/// from, while an example with several images may show others that are. An image whose file names a split belongs
/// there; of the others the image's digest alone decides, so that adding data moves no image to the other side.
public struct OwnDataSplit: Sendable {
    /// The examples to learn from.
    public let training: [OwnExample]
    /// The examples to measure on: those with a held-out image.
    public let heldOut: [OwnExample]

    /// Cuts `examples`.
    ///
    /// - Parameters:
    ///   - share: the share of the images to hold out where no split is named, in `0..<1`.
    ///   - others: examples of other files that are trained on too: the splits that they name hold for their images.
    /// - Throws: `OwnDataError.badLines` if an image is in two splits.
    public init(_ examples: [OwnExample], share: Double, beside others: [OwnExample] = []) throws(OwnDataError) {
        let leaks = Self.leaks(in: examples + others)
        guard leaks.isEmpty else { throw .badLines(first: Array(leaks.prefix(5)), count: leaks.count) }
        var named: [String: Bool] = [:]
        for example in examples + others {
            guard let split = example.split else { continue }
            for image in example.images { named[image.digest] = split.isHeldOut }
        }
        let isHeldOut = examples.map { example in
            example.split?.isHeldOut
                ?? example.images.contains { named[$0.digest] ?? Self.holdsOut($0.digest, share: share) }
        }
        training = zip(examples, isHeldOut).filter { !$1 }.map(\.0)
        heldOut = zip(examples, isHeldOut).filter { $1 }.map(\.0)
    }

    /// Whether the digest's first 52 bits, as a fraction of 1, are below `share`.
    static func holdsOut(_ digest: String, share: Double) -> Bool {
        guard let number = UInt64(digest.prefix(13), radix: 16) else { return false }
        return Double(number) / Double(1 << 52 as UInt64) < share
    }

    /// The examples of a held-out split with an image that another example trains on.
    public static func leaks(in examples: [OwnExample]) -> [OwnDataFault] {
        var training: [String: OwnExample.Source] = [:]
        for example in examples where example.split == .train {
            for image in example.images where training[image.digest] == nil {
                training[image.digest] = example.source
            }
        }
        return examples.compactMap { example in
            guard let split = example.split, split.isHeldOut,
                let other = example.images.lazy.compactMap({ training[$0.digest] }).first
            else { return nil }
            return OwnDataFault(
                source: example.source, reason: "split: its image is in \(split.rawValue), and in train at \(other)")
        }
    }
}

extension OwnExample {
    /// The example as a line of OpenAI's format, with line feed; earlier answers have the weight 0.
    ///
    /// - Parameter path: the path of an image, relative to the file that the line is for.
    public func openAILine(path: (OwnImage) -> String) -> String {
        var turns = messages.map { message -> JSON in
            let content: JSON
            if message.hasImages {
                content = .array(
                    message.content.map { part in
                        switch part {
                        case .text(let text): ["type": "text", "text": .string(text)]
                        case .image(let number):
                            ["type": "image_url", "image_url": ["url": .string(path(images[number]))]]
                        }
                    })
            } else {
                content = .string(message.text)
            }
            let weight: [JSON.Member] = message.role == .assistant ? [.init("weight", 0)] : []
            return .object([.init("role", .string(message.role.rawValue)), .init("content", content)] + weight)
        }
        if let answer { turns.append(["role": "assistant", "content": .string(answer)]) }
        return JSON.object([.init("messages", .array(turns))]).text + "\n"
    }

    /// Writes held-out examples as `held-out.jsonl` in `folder`, with their images in `held-out/`: what a run did not
    /// see, to be measured on.
    public static func write(heldOut examples: [OwnExample], in folder: String) throws {
        let images = "\(folder)/held-out"
        try FileManager.default.createDirectory(atPath: images, withIntermediateDirectories: true)
        func name(_ image: OwnImage) -> String { "\(image.digest).\(image.format.fileExtension)" }
        var lines = ""
        for example in examples {
            for image in example.images where !FileManager.default.fileExists(atPath: "\(images)/\(name(image))") {
                try Data(image.bytes()).write(to: URL(fileURLWithPath: "\(images)/\(name(image))"), options: .atomic)
            }
            lines += example.openAILine { "held-out/\(name($0))" }
        }
        try Data(lines.utf8).write(to: URL(fileURLWithPath: "\(folder)/held-out.jsonl"), options: .atomic)
    }
}
