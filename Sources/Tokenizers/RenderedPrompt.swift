/// A conversation in the form that the model reads.
public struct RenderedPrompt: Sendable, Equatable {
    /// The positions of one tile of an image.
    public struct ImageSpan: Sendable, Equatable {
        /// The image's number in the message.
        public let image: Int
        /// The tile's number in the image.
        public let tile: Int
        /// Its positions in `ids`.
        public let range: Range<Int>
    }

    /// The prompt's token ids.
    public fileprivate(set) var ids: [Int32] = []
    /// The tiles of all images, in the prompt's order.
    public fileprivate(set) var imageSpans: [ImageSpan] = []
    /// The position behind the last image and the text that was read in it; 0 without an image.
    public fileprivate(set) var imagesEnd = 0

    /// The positions from the first tile to the last one; empty without an image.
    public var imageRange: Range<Int> {
        guard let first = imageSpans.first, let last = imageSpans.last else { return 0..<0 }
        return first.range.lowerBound..<last.range.upperBound
    }
}

extension RenderedPrompt {
    /// Content alone, as a prompt without a template.
    ///
    /// - Parameters:
    ///   - images: The layouts of the images, by their numbers in the content.
    ///   - imageToken: The id at each position of a tile.
    public init(bare content: [ChatMessage.Part], images: [ImageLayout], imageToken: Int32, tokenizer: Tokenizer) {
        var writer = PromptWriter(tokenizer, imageToken: imageToken)
        for part in content {
            switch part {
            case .text(let text): writer.write(text, isTrusted: false)
            case .image(let image): writer.write(images[image], image: image)
            }
        }
        self = writer.finish()
    }
}

/// Writes a prompt as ids. Text is collected until a tile ends it, so that neighbouring texts merge.
struct PromptWriter {
    private let tokenizer: Tokenizer
    private let imageToken: Int32
    private var text: [UInt8] = []
    private var trusted: [Range<Int>] = []
    private var prompt = RenderedPrompt()

    init(_ tokenizer: Tokenizer, imageToken: Int32) {
        self.tokenizer = tokenizer
        self.imageToken = imageToken
    }

    /// Adds text, whose control tokens count if the template wrote it.
    mutating func write(_ more: String, isTrusted: Bool) {
        write(Array(more.utf8), trusted: isTrusted ? [0..<more.utf8.count] : [])
    }

    /// Adds text of a template.
    mutating func write(_ more: MarkedText) {
        let bytes = more.bytes
        write(bytes.text, trusted: bytes.trusted)
    }

    private mutating func write(_ bytes: [UInt8], trusted ranges: [Range<Int>]) {
        for range in ranges where !range.isEmpty {
            let range = range.lowerBound + text.count..<range.upperBound + text.count
            if let last = trusted.last, last.upperBound == range.lowerBound {
                trusted[trusted.count - 1] = last.lowerBound..<range.upperBound
            } else {
                trusted.append(range)
            }
        }
        text += bytes
    }

    /// Adds an image.
    mutating func write(_ layout: ImageLayout, image: Int) {
        var tile = 0
        for piece in layout.pieces {
            switch piece {
            case .markers(let markers): write(markers, isTrusted: true)
            case .tile(let tokens):
                flush()
                let range = prompt.ids.count..<prompt.ids.count + tokens
                prompt.ids += Array(repeating: imageToken, count: tokens)
                prompt.imageSpans.append(.init(image: image, tile: tile, range: range))
                prompt.imagesEnd = prompt.ids.count
                tile += 1
            case .text(let text):
                flush()
                write(text, isTrusted: false)
                flush()
                prompt.imagesEnd = prompt.ids.count
            }
        }
    }

    /// The prompt.
    mutating func finish() -> RenderedPrompt {
        flush()
        return prompt
    }

    private mutating func flush() {
        prompt.ids += tokenizer.encode(text, specialTokensWithin: trusted)
        (text, trusted) = ([], [])
    }
}
