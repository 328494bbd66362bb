public import Grammars
public import Images
public import Models
public import Policies
public import Support
public import Tokenizers

/// Turns a dialogue with images into a request: applies the template, tokenizes, and assigns positions to the images.
public struct InputProcessor: Sendable {
    /// An image of the dialogue: its pixels, or what certain policies see of it.
    public struct Image: Sendable {
        private enum Source: Sendable {
            case image(DecodedImage)
            case inputs([Recipient: Input])
        }

        /// An image as a policy sees it.
        struct Input: Sendable {
            /// The inputs of the encoder, one for each tile.
            let tiles: [ImageTiles]
            /// The text in the image; nil for an encoder that does not read.
            let text: String?
        }

        /// What decides an input: policies with the same share it.
        private struct Recipient: Hashable, Sendable {
            let processor: ImageProcessor
            let reader: ObjectIdentifier?

            init(_ vision: Policy.Vision) {
                processor = vision.processor
                reader = vision.reader.map { ObjectIdentifier($0) }
            }
        }

        /// Pixels per row.
        public let width: Int
        /// The number of rows.
        public let height: Int
        /// The detail level at which the encoder sees it.
        public let detail: ImageProcessor.Detail
        /// The header of its file; nil if it comes from no file.
        public let header: ImageHeader?
        /// How long decoding and reading it took.
        public var preparation: Duration = .zero
        private let source: Source

        private init(
            width: Int, height: Int, detail: ImageProcessor.Detail, header: ImageHeader?, source: Source
        ) {
            self.width = width
            self.height = height
            self.detail = detail
            self.header = header
            self.source = source
        }

        /// An image at the given detail level.
        public init(image: DecodedImage, detail: ImageProcessor.Detail = .auto, header: ImageHeader? = nil) {
            self.init(
                width: image.width, height: image.height, detail: detail, header: header, source: .image(image))
        }

        /// An image at the given detail level.
        public init(image: RGBImage, detail: ImageProcessor.Detail = .auto) {
            self.init(image: DecodedImage(image), detail: detail)
        }

        /// The image as input of these policies' vision, without its pixels.
        ///
        /// - Throws: `CancellationError` once `isCancelled` says so.
        public func prepared(
            for visions: some Swift.Sequence<Policy.Vision>, isCancelled: () -> Bool = { false }
        ) throws(CancellationError) -> Image {
            var inputs: [Recipient: Input] = [:]
            for vision in visions where inputs[Recipient(vision)] == nil {
                inputs[Recipient(vision)] = try input(for: vision) { () throws(CancellationError) in
                    if isCancelled() { throw CancellationError() }
                }
            }
            var image = Image(
                width: width, height: height, detail: detail, header: header, source: .inputs(inputs))
            image.preparation = preparation
            return image
        }

        /// The image as `vision` sees it.
        func input<Stop: Error>(
            for vision: Policy.Vision, check: () throws(Stop) -> Void
        ) throws(Stop) -> Input {
            switch source {
            case .image(let image):
                let tiles = vision.processor.tiles(of: image, detail: detail)
                return Input(
                    tiles: vision.processor.inputs(of: tiles).map { ImageTiles($0) },
                    text: try vision.reader?.text(in: image, detail: detail, check: check))
            case .inputs(let inputs):
                guard let known = inputs[Recipient(vision)] else {
                    preconditionFailure("an image was prepared for others")
                }
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

    /// Whether the vocabulary has the tokens of the policy's templates; without them only raw prompts work.
    public func takesMessages(for policy: Policy) -> Bool {
        [policy.template, policy.textTemplate].allSatisfy { (try? $0.check(tokenizer)) != nil }
    }

    /// A request for the assistant's next turn. A dialogue without an image gets the policy's template and sampling
    /// defaults for text.
    ///
    /// - Parameters:
    ///   - images: the images that the messages refer to by index.
    ///   - tools: the functions that the model may call, as `{"type": "function", "function": {…}}`.
    ///   - beginning: text that the turn begins with, as if the model had written it.
    public func request(
        messages: [ChatMessage], images: [Image], tools: [JSON] = [], policy: Policy, beginning: String = ""
    ) throws(Failure) -> EngineRequest {
        let hasImages = messages.contains(where: \.hasImages)
        var request = try request(images: images, policy: policy) { layouts, imageToken throws(Failure) in
            do throws(ChatTemplateError) {
                return try policy.template(hasImages: hasImages).render(
                    messages, tools: tools, images: layouts, imageToken: imageToken, tokenizer: tokenizer)
            } catch {
                throw .template(error)
            }
        }
        request.prompt += tokenizer.encode(beginning, special: .asText)
        request.sampling = policy.sampling(hasImages: hasImages)
        return request
    }

    /// A request with content alone, without a template and without a turn of the assistant.
    ///
    /// - Parameter images: the images that the content refers to by index.
    public func request(
        bare content: [ChatMessage.Part], images: [Image], policy: Policy
    ) throws(Failure) -> EngineRequest {
        try request(images: images, policy: policy) { layouts, imageToken throws(Failure) in
            RenderedPrompt(bare: content, images: layouts, imageToken: imageToken, tokenizer: tokenizer)
        }
    }

    /// A request with the prompt that `render` makes of the images' layouts and the token at their positions.
    private func request(
        images: [Image], policy: Policy,
        _ render: (_ layouts: [ImageLayout], _ imageToken: Int32) throws(Failure) -> RenderedPrompt
    ) throws(Failure) -> EngineRequest {
        if policy.vision == nil, !images.isEmpty { throw .cannotSee(policy: policy.name) }
        let inputs = policy.vision.map { vision in images.map { $0.input(for: vision, check: {}) } } ?? []
        let layouts = zip(images, inputs).compactMap { policy.vision?.layout(of: $0, $1) }
        // The decoder never reads the ids at an image's positions. Penalties may, so these positions get an id that no
        // text uses: the placeholder's where the checkpoint has one.
        let ownToken = layouts.first.flatMap { tokenizer.id(ofControl: $0.placeholder) }
        let prompt = try render(layouts, ownToken ?? tokenizer.vocabulary.padding ?? 0)
        let spans = prompt.imageSpans.map { PromptImage(range: $0.range, tiles: inputs[$0.image].tiles[$0.tile]) }
        var request = EngineRequest(prompt: prompt.ids, images: spans, policy: policy)
        request.imagePreparation = images.reduce(.zero) { $0 + $1.preparation }
        request.imageSizes = images.enumerated().map { index, image in
            let tiles = policy.vision?.processor.tileCount(
                width: image.width, height: image.height, detail: image.detail)
            return ImageSize(
                width: image.width, height: image.height, tiles: tiles ?? 0,
                positions: prompt.imageSpans.filter { $0.image == index }.map(\.range), header: image.header)
        }
        return request
    }

    /// The tokens of a complete answer to `request`. The last one ends the turn in the template that wrote the request,
    /// as in the answers that reward models are trained on.
    public func answer(_ text: String, to request: EngineRequest) -> [Int32] {
        let template = request.policy.template(hasImages: !request.images.isEmpty)
        let end = (try? template.turnEnd(tokenizer)) ?? tokenizer.vocabulary.endTokens.first
        return tokenizer.encode(text, special: .asText) + (end.map { [$0] } ?? [])
    }
}

extension GrammarCompiler {
    /// A compiler for the vocabulary of `tokenizer`. It sorts all tokens, so keep it for further grammars.
    public init(_ tokenizer: Tokenizer) {
        let texts = (0..<tokenizer.vocabularySize).map { tokenizer.bytes(of: Int32($0)) }
        self.init(
            TokenVocabulary(
                texts, excluding: Set(tokenizer.vocabulary.endTokens), dropsFirstSpace: tokenizer.dropsFirstSpace))
    }
}

extension Policy.Vision {
    /// How an image stands in a prompt, given what the policy sees of it.
    func layout(of image: InputProcessor.Image, _ input: InputProcessor.Image.Input) -> ImageLayout {
        processor.layout(
            width: image.width, height: image.height, detail: image.detail, text: input.text,
            positionsPerTile: encoder.configuration.positionsPerTile)
    }

    /// The least number of positions of an image of this size, without markers.
    public func leastTokens(width: Int, height: Int, _ detail: ImageProcessor.Detail) -> Int {
        processor.tileCount(width: width, height: height, detail: detail) * encoder.configuration.positionsPerTile
    }
}
