public import Images
public import Models
public import Policies
public import Tokenizers

/// Turns a dialogue with images into a request: applies the template, tokenizes, and assigns positions to the images.
public struct InputProcessor: Sendable {
    /// An image of the dialogue: its pixels, or its tiles for certain encoders.
    public struct Image: Sendable {
        private enum Source: Sendable {
            case image(DecodedImage)
            case tiles([ImageProcessor: ImageTiles])
        }

        /// Pixels per row.
        public let width: Int
        /// The number of rows.
        public let height: Int
        /// The detail level at which the encoder sees it.
        public let detail: ImageProcessor.Detail
        private let source: Source

        private init(width: Int, height: Int, detail: ImageProcessor.Detail, source: Source) {
            self.width = width
            self.height = height
            self.detail = detail
            self.source = source
        }

        /// An image at the given detail level.
        public init(image: DecodedImage, detail: ImageProcessor.Detail = .auto) {
            self.init(width: image.width, height: image.height, detail: detail, source: .image(image))
        }

        /// An image at the given detail level.
        public init(image: RGBImage, detail: ImageProcessor.Detail = .auto) {
            self.init(image: DecodedImage(image), detail: detail)
        }

        /// The image as tiles for these processors, without its pixels. Requests to their policies need only the tiles.
        public func resized(for processors: some Swift.Sequence<ImageProcessor>) -> Image {
            var tiles: [ImageProcessor: ImageTiles] = [:]
            for processor in processors where tiles[processor] == nil { tiles[processor] = self.tiles(for: processor) }
            return Image(width: width, height: height, detail: detail, source: .tiles(tiles))
        }

        /// The input of `processor`'s encoder.
        func tiles(for processor: ImageProcessor) -> ImageTiles {
            switch source {
            case .image(let image): return ImageTiles(processor.tiles(of: image, detail: detail))
            case .tiles(let tiles):
                guard let known = tiles[processor] else { preconditionFailure("an image was resized for others") }
                return known
            }
        }
    }

    /// Why a dialogue is no valid input for a policy.
    public enum Failure: Error, Equatable, Sendable, CustomStringConvertible {
        /// The policy has no vision.
        case cannotSee(policy: String)
        /// The dialogue does not fit the template.
        case template(ChatTemplateError)

        /// The reason.
        public var description: String {
            switch self {
            case .cannotSee(let policy): "the policy \(policy) cannot see pictures"
            case .template(let error): error.description
            }
        }
    }

    /// The tokenizer of the backbone.
    public let tokenizer: Tokenizer

    /// An input processor with this tokenizer.
    public init(tokenizer: Tokenizer) {
        self.tokenizer = tokenizer
    }

    /// Whether the vocabulary has the chat templates' tokens; without them only raw prompts work.
    public var takesMessages: Bool { (try? ChatTemplate.turnTokens(of: tokenizer)) != nil }

    /// A request for the assistant's next turn. A dialogue without an image gets the policy's template and sampling
    /// defaults for text.
    ///
    /// - Parameter images: the images that the messages refer to by index.
    public func request(
        messages: [ChatMessage], images: [Image], policy: Policy
    ) throws(Failure) -> EngineRequest {
        if policy.vision == nil, !images.isEmpty { throw .cannotSee(policy: policy.name) }
        let counts = images.map { image in
            policy.vision.map { $0.tokens(width: image.width, height: image.height, image.detail) }
                ?? 0
        }
        // The decoder never reads the ids at an image's positions. Penalties may, so these positions get an id that no
        // text uses.
        let placeholder = tokenizer.vocabulary.padding ?? 0
        let hasImages = messages.contains(where: \.hasImages)
        let prompt: RenderedPrompt
        do {
            prompt = try policy.template(hasImages: hasImages).render(
                messages, imageTokens: { Array(repeating: placeholder, count: counts[$0]) }, tokenizer: tokenizer)
        } catch {
            throw .template(error)
        }
        let spans = prompt.imageSpans.compactMap { span in
            policy.vision.map { vision in
                PromptImage(range: span.range, tiles: images[span.image].tiles(for: vision.processor))
            }
        }
        var request = EngineRequest(prompt: prompt.ids, images: spans, policy: policy)
        request.sampling = policy.sampling(hasImages: hasImages)
        return request
    }

    /// The tokens of a complete answer, with the end token last.
    public func answer(_ text: String) -> [Int32] {
        tokenizer.encode(text, special: .asText) + (tokenizer.vocabulary.endOfText.map { [$0] } ?? [])
    }
}

extension Policy.Vision {
    /// The number of positions that an image of this size occupies.
    public func tokens(width: Int, height: Int, _ detail: ImageProcessor.Detail) -> Int {
        processor.tileCount(width: width, height: height, detail: detail) * encoder.configuration.tokensPerTile
    }
}
