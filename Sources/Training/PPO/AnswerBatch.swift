/// All answers of one iteration, cut into passes. Old log-probabilities and updates use the same passes, so that the
/// ratio of the first update is exactly 1.
struct AnswerBatch: Sendable {
    /// One forward pass.
    struct Pass: Sendable {
        let trees: AnswerTrees
        /// The indices of its tokens among all tokens of the batch.
        let tokens: Range<Int>
    }

    let images: [AnsweredImage]
    /// The passes of each minibatch.
    let minibatches: [[Pass]]
    /// The number of tokens of each answer.
    let lengths: [Int]
    /// The answers of each question.
    let questions: [Range<Int>]

    /// - Parameter count: the number of minibatches, each with about equally many images; fewer if there are fewer
    ///   images.
    init(_ images: [AnsweredImage], minibatches count: Int, rowsPerPass: Int) {
        self.images = images
        let answers = images.flatMap { $0.questions.map(\.answers) }
        lengths = answers.joined().map(\.tokens.count)
        var first = 0
        questions = answers.map { some in
            defer { first += some.count }
            return first..<first + some.count
        }
        var token = 0
        let size = (images.count + count - 1) / count
        minibatches = stride(from: 0, to: images.count, by: size).map { start in
            let some = images[start..<min(images.count, start + size)]
            return Self.groups(of: some, rowsPerPass: rowsPerPass).map { group in
                let trees = AnswerTrees(group)
                defer { token += trees.targets.count }
                return Pass(trees: trees, tokens: token..<token + trees.targets.count)
            }
        }
    }

    /// Groups neighbouring images as long as their rows fit.
    private static func groups(
        of images: ArraySlice<AnsweredImage>, rowsPerPass: Int
    ) -> [[AnsweredImage]] {
        var groups: [[AnsweredImage]] = []
        var filled = 0
        for image in images {
            let count = AnswerTrees.rowCount(of: image)
            if groups.isEmpty || filled + count > rowsPerPass {
                groups.append([])
                filled = 0
            }
            groups[groups.count - 1].append(image)
            filled += count
        }
        return groups
    }

    var passes: [Pass] { minibatches.flatMap { $0 } }

    /// The answers, in order.
    var answers: [SampledAnswer] { images.flatMap { $0.questions.flatMap(\.answers) } }

    /// Splits metrics of all tokens by answer.
    func byAnswer(_ values: [Float]) -> [[Double]] {
        var first = 0
        return lengths.map { length in
            defer { first += length }
            return values[first..<first + length].map(Double.init)
        }
    }
}

extension AnswerTrees {
    /// The trees of answered images.
    fileprivate init(_ images: some Sequence<AnsweredImage>) {
        self.init()
        for image in images {
            let prefix = append(image: image.prefix, tiles: image.tiles, embeddings: image.embeddings)
            for question in image.questions {
                let prompt = append(question: question.prompt, after: prefix)
                for answer in question.answers { append(answer: answer.tokens, after: prompt, withEnd: false) }
            }
        }
    }

    /// The number of rows of `image`.
    fileprivate static func rowCount(of image: AnsweredImage) -> Int {
        image.prefix.count
            + image.questions.reduce(0) { sum, question in
                sum + question.prompt.count + question.answers.reduce(0) { $0 + $1.tokens.count - 1 }
            }
    }
}
