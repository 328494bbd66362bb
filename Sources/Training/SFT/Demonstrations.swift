public import Images
import Tensors
public import Tokenizers

/// Images with questions and their right answers: most often one image. All questions show the same images, and the
/// same conversation before the last one, so that these are computed once.
public struct ImageQuestions: Sendable {
    /// A question and its demonstrated answer.
    public struct Question: Sendable, Equatable {
        /// The conversation up to and with the question; its images are numbers in `images`.
        public var messages: [ChatMessage]
        /// The complete answer.
        public var answer: String
        /// The group under which its accuracy is reported.
        public var group: String

        /// A question as a person would type it, behind the only image, with its answer.
        public init(text: String, answer: String, group: String) {
            self.init(
                messages: [ChatMessage(role: .user, content: [.image(0), .text(text)])], answer: answer, group: group)
        }

        /// A conversation with its next answer.
        public init(messages: [ChatMessage], answer: String, group: String) {
            self.messages = messages
            self.answer = answer
            self.group = group
        }
    }

    /// The images, in the order in which they are shown; at least one.
    public var images: [RGBImage]
    /// The questions; at least one.
    public var questions: [Question]

    /// An image with its questions.
    public init(image: RGBImage, questions: [Question]) {
        self.init(images: [image], questions: questions)
    }

    /// Images with questions, which must be equal up to the last image.
    public init(images: [RGBImage], questions: [Question]) {
        self.images = images
        self.questions = questions
    }
}

/// An image's questions as token ids, split where the questions diverge.
struct ImageTree: Sendable {
    struct Branch: Sendable {
        /// The prompt after the image.
        let prompt: [Int32]
        /// The answer, including the end token.
        let answer: [Int32]
        /// The group under which its accuracy is reported.
        let group: String
    }

    /// The prompt up to and with the last image.
    let prefix: [Int32]
    /// The rows of each tile in the prefix.
    let tiles: [Range<Int>]
    let branches: [Branch]

    /// Renders each question as in serving, then splits the prompts after the last image.
    ///
    /// - Parameter layouts: how the images stand in a prompt.
    init(_ image: ImageQuestions, layouts: [ImageLayout], format: DialogueFormat) throws(ChatTemplateError) {
        var prefix: [Int32] = []
        var tiles: [Range<Int>] = []
        var branches: [Branch] = []
        for question in image.questions {
            let prompt = try format.prompt(question.messages, images: layouts)
            (prefix, tiles) = (prompt.prefix, prompt.tiles)
            branches.append(
                Branch(prompt: prompt.question, answer: format.answer(question.answer), group: question.group))
        }
        self.prefix = prefix
        self.tiles = tiles
        self.branches = branches
    }
}

/// The rows of one step: trees of images with questions and answers, followed by a replay text.
struct DemonstrationBatch: Sendable {
    private(set) var trees = AnswerTrees()
    private var pixels: [Tensor] = []
    /// The group under which each answer's accuracy is reported.
    private(set) var groups: [String] = []
    /// The rows of the replay text, which are all trained towards the base model.
    private(set) var replay: Range<Int>?
    /// The weight of each replay row.
    private(set) var replayWeights: [Float] = []

    /// Adds images and their questions, for an encoder in training.
    ///
    /// - Parameter pixels: each image's tiles, `[tiles, 3, side, side]`.
    mutating func append(_ tree: ImageTree, pixels: [Tensor]) {
        self.pixels += pixels
        append(tree, embeddings: nil)
    }

    /// Adds images and their questions.
    ///
    /// - Parameter embeddings: the embeddings of their tiles, `[visual tokens, hidden]`.
    mutating func append(_ tree: ImageTree, embeddings: Tensor?) {
        let prefix = trees.append(image: tree.prefix, tiles: tree.tiles, embeddings: embeddings)
        for branch in tree.branches {
            trees.append(question: branch.prompt, onlyAnswer: branch.answer, after: prefix)
            groups.append(branch.group)
        }
    }

    /// Adds a text; images must be added before it.
    mutating func append(replay excerpt: ReplayExcerpt) {
        replay = trees.append(text: excerpt.tokens)
        // A row has the weight of the token that it predicts; the token after the last row is unknown.
        replayWeights = excerpt.weights.dropFirst() + [1]
    }

    /// The tiles of all images for an encoder in training, `[tiles, 3, side, side]`.
    var tiles: Tensor {
        let side = pixels[0].shape[2]
        return Tensor.stacking(pixels).reshaped([pixels.reduce(0) { $0 + $1.shape[0] }, 3, side, side])
    }
}
