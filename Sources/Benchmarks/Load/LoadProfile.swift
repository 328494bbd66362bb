import Datasets
import Evaluation
import Foundation
import Images
import Support

/// The questions that a server is asked, and their times.
public struct LoadProfile: Sendable {
    /// How questions arrive.
    public enum Arrival: Sendable, Equatable {
        /// At this rate per second on average, however busy the server is: a Poisson process.
        case rate(Double)
        /// This many are open at any time: the next question is sent when one is answered.
        case open(Int)
    }

    /// How questions arrive.
    public var arrival = Arrival.open(1)
    /// The number of questions.
    public var requests = 64
    /// The share of questions about an image, 0 to 1.
    public var imageShare = 0.25
    /// The side of an image in pixels.
    public var imageSide = 64
    /// Words of a question. No two questions begin alike, so that prefix caches do not help.
    public var words = 128
    /// Tokens of every answer.
    public var answerTokens = 64
    /// Decides all random choices.
    public var seed: UInt64 = 0

    /// One stream of short mixed questions.
    public init() {}

    /// Seconds from the start at which each question comes; all at once without a rate.
    package func times() -> [Double] {
        guard case .rate(let rate) = arrival else { return Array(repeating: 0, count: requests) }
        var generator = generator(of: 0)
        var time = 0.0
        return (0..<requests).map { _ in
            // 53 random bits; never 0.
            let uniform = (Double(generator.next() >> 11) + 1) * 0x1p-53
            time -= log(uniform) / rate
            return time
        }
    }

    /// Question `index` as a body of `POST /v1/chat/completions`.
    package func body(_ index: Int, model: String?) throws -> (json: [UInt8], hasImage: Bool) {
        var generator = generator(of: 1 + index)
        let hasImage = Double(generator.draw(0...999_999)) < imageShare * 1_000_000
        let text = "\(index): " + (0..<words).map { _ in generator.draw(from: Self.vocabulary) }.joined(separator: " ")
        var parts = [Body.Part(type: "text", text: text)]
        if hasImage {
            let scene = ShapeScene(seed: SeedSplit.test.seed(at: generator.next() % 1_000_000))
            let image = scene.image.resized(width: imageSide, height: imageSide, filter: .bilinear)
            let url = AskClient.dataURL(ImageFile.encode(image))
            parts.insert(Body.Part(type: "image_url", imageURL: .init(url: url)), at: 0)
        }
        let body = Body(model: model, messages: [.init(content: parts)], maximumTokens: answerTokens)
        return ([UInt8](try JSONEncoder().encode(body)), hasImage)
    }

    /// A generator for one purpose, independent of the others.
    private func generator(of stream: Int) -> SplitMix64 {
        SplitMix64(seed: seed &* 0x1_0000_0001 &+ UInt64(stream))
    }

    private static let vocabulary = [
        "river", "stone", "seven", "under", "green", "walks", "early", "paper", "north", "music", "table", "light",
        "water", "house", "again", "small",
    ]

    private struct Body: Encodable {
        struct Part: Encodable {
            struct URL: Encodable { let url: String }
            let type: String
            var text: String?
            var imageURL: URL?

            enum CodingKeys: String, CodingKey {
                case type, text
                case imageURL = "image_url"
            }
        }
        struct Message: Encodable {
            let role = "user"
            let content: [Part]
        }
        struct Options: Encodable { let include_usage = true }

        let model: String?
        let messages: [Message]
        let maximumTokens: Int
        let stream = true
        let streamOptions = Options()
        let temperature = 0
        let ignoresEnd = true

        enum CodingKeys: String, CodingKey {
            case model, messages, stream, temperature
            case maximumTokens = "max_tokens"
            case streamOptions = "stream_options"
            case ignoresEnd = "ignore_eos"
        }
    }
}
