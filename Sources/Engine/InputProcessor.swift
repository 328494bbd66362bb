public import Images
public import Models
public import Tokenizers

/// Turns a dialogue with pictures into a request: template, token ids, image spans, pixels.
public struct InputProcessor: Sendable {
    /// A picture of the dialogue.
    public struct Picture: Sendable {
        /// Its pixels.
        public var image: RGBImage
        /// How closely it is looked at.
        public var detail: ImageProcessor.Detail

        /// A picture to be looked at in the given detail.
        public init(image: RGBImage, detail: ImageProcessor.Detail = .auto) {
            self.image = image
            self.detail = detail
        }
    }

    /// Why a dialogue cannot be given to a policy.
    public enum Failure: Error, Equatable, Sendable, CustomStringConvertible {
        /// The policy has no vision.
        case cannotSee(policy: String)
        /// The dialogue does not fit the template.
        case template(ChatTemplateError)

        /// What is wrong.
        public var description: String {
            switch self {
            case .cannotSee(let policy): "the policy \(policy) cannot see pictures"
            case .template(let error): error.description
            }
        }
    }

    /// The tokenizer of the backbone.
    public let tokenizer: Tokenizer

    /// A processor that writes with `tokenizer`.
    public init(tokenizer: Tokenizer) {
        self.tokenizer = tokenizer
    }

    /// A request for the assistant's next turn, with the policy's own sampling defaults.
    ///
    /// - Parameter pictures: the pictures that the messages refer to, by index.
    public func request(
        messages: [ChatMessage], pictures: [Picture], policy: Policy
    ) throws(Failure) -> EngineRequest {
        if policy.vision == nil, !pictures.isEmpty { throw .cannotSee(policy: policy.name) }
        let counts = pictures.map { picture in
            policy.vision.map { $0.tokens(width: picture.image.width, height: picture.image.height, picture.detail) }
                ?? 0
        }
        // The decoder never reads the ids at a picture's positions; penalties may, so they get one that no text uses.
        let placeholder = tokenizer.vocabulary.padding ?? 0
        let prompt: RenderedPrompt
        do {
            prompt = try policy.template.render(
                messages, imageTokens: { Array(repeating: placeholder, count: counts[$0]) }, tokenizer: tokenizer)
        } catch {
            throw .template(error)
        }
        let images = prompt.imageSpans.compactMap { span in
            policy.vision.map { vision in
                let picture = pictures[span.image]
                return ImageSpan(
                    range: span.range, pixels: vision.processor.views(of: picture.image, detail: picture.detail))
            }
        }
        var request = EngineRequest(prompt: prompt.ids, images: images, policy: policy)
        request.sampling = policy.sampling
        return request
    }

    /// A whole answer as it would have been drawn, the end token last.
    public func answer(_ text: String) -> [Int32] {
        tokenizer.encode(text, special: .asText) + (tokenizer.vocabulary.endOfText.map { [$0] } ?? [])
    }
}

extension Policy.Vision {
    /// Positions that a picture of this size takes.
    public func tokens(width: Int, height: Int, _ detail: ImageProcessor.Detail) -> Int {
        processor.viewCount(width: width, height: height, detail: detail) * encoder.configuration.tokensPerView
    }
}
