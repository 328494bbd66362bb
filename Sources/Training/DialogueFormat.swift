package import Images
public import Models
public import Tensors
public import Tokenizers

/// How a question about an image becomes tokens, as in serving: the chat template, the cut of images into tiles, and
/// the token that ends an answer.
public struct DialogueFormat: Sendable {
    /// Why questions about one image cannot share its rows.
    public enum Failure: Error, Equatable, CustomStringConvertible {
        /// The template writes a text that depends on the question before the image.
        case questionBeforeImage

        /// What is wrong.
        public var description: String {
            "the chat template writes the question before the picture; training needs the picture first"
        }
    }

    /// A question as token ids, split behind its image.
    package struct Prompt {
        /// The prompt up to and with the last image and its text; empty without an image.
        package let prefix: [Int32]
        /// The rows of each tile in `prefix`.
        package let tiles: [Range<Int>]
        /// The rest of the prompt.
        package let question: [Int32]
    }

    /// The chat template.
    let template: ChatTemplate
    /// The base model's tokenizer.
    let tokenizer: Tokenizer
    private let processor: ImageProcessor
    private let positionsPerTile: Int
    private let reader: TextReader?
    private let turnEnd: Int32

    /// A format for images that `processor` prepares and an encoder turns into `positionsPerTile` embeddings a tile.
    ///
    /// - Parameter reader: reads the text in images; nil for an encoder that does not.
    /// - Throws: `ChatTemplateError` if the template takes no images or the tokenizer lacks its tokens, or `Failure`.
    public init(
        template: ChatTemplate, processor: ImageProcessor, positionsPerTile: Int, reader: TextReader? = nil,
        tokenizer: Tokenizer
    ) throws {
        self.template = template
        self.tokenizer = tokenizer
        self.processor = processor
        self.positionsPerTile = positionsPerTile
        self.reader = reader
        turnEnd = try template.turnEnd(tokenizer)
        let blank = tiled(RGBImage(width: 1, height: 1, red: 0, green: 0, blue: 0))
        let prefixes = try ["a", "is it b?"].map { try prompt($0, image: blank.layout).prefix }
        guard prefixes[0] == prefixes[1] else { throw Failure.questionBeforeImage }
    }

    /// An image as the encoder's input.
    package struct TiledImage: Sendable {
        /// Its tiles, `[tiles, 3, side, side]`.
        package let pixels: Tensor
        /// How it stands in a prompt.
        package let layout: ImageLayout
    }

    /// Cuts an image into tiles.
    package func tiled(_ image: RGBImage) -> TiledImage {
        TiledImage(
            pixels: processor.tiles(of: image, detail: .auto),
            layout: processor.layout(
                width: image.width, height: image.height, detail: .auto,
                text: reader?.text(in: DecodedImage(image), detail: .auto), positionsPerTile: positionsPerTile))
    }

    /// The user's turn with a question, and the beginning of the answer.
    ///
    /// - Parameter image: the layout of the image before the question; nil for text.
    package func prompt(_ question: String, image: ImageLayout?) throws(ChatTemplateError) -> Prompt {
        let shown: [ChatMessage.Part] = image == nil ? [] : [.image(0)]
        return try prompt(
            [ChatMessage(role: .user, content: shown + [.text(question)])], images: image.map { [$0] } ?? [])
    }

    /// A conversation up to and with a question, and the beginning of the answer.
    ///
    /// - Parameter images: the layouts of the conversation's images, by their numbers.
    package func prompt(_ messages: [ChatMessage], images: [ImageLayout]) throws(ChatTemplateError) -> Prompt {
        let rendered = try template.render(messages, images: images, imageToken: turnEnd, tokenizer: tokenizer)
        let end = rendered.imagesEnd
        return Prompt(
            prefix: Array(rendered.ids[..<end]), tiles: rendered.imageSpans.map(\.range),
            question: Array(rendered.ids[end...]))
    }

    /// The tokens of a complete answer, with the end of the turn.
    package func answer(_ text: String) -> [Int32] { tokenizer.encode(text, special: .asText) + [turnEnd] }
}

/// An image as the decoder reads it.
public struct EncodedImage: Sendable {
    /// How it stands in a prompt.
    let layout: ImageLayout
    /// The embeddings of its tiles, `[visual tokens, hidden]`.
    let embeddings: Tensor

    /// An image whose tiles in `layout` have as many positions as there are embeddings.
    public init(layout: ImageLayout, embeddings: Tensor) {
        self.layout = layout
        self.embeddings = embeddings
    }
}
