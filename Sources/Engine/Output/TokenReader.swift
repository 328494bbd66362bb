import Tensors

/// Reads tokens off the logits of one step.
///
/// Each row is read to its end, which takes as long as some layers do for one position: all threads share the rows.
struct TokenReader {
    /// `[rows, vocabulary]`, laid out as the step says.
    let logits: Tensor
    let compute: Compute

    /// What each row of logits gives: a given token with its score, or the first token that its chunk draws. Nil for
    /// the rows of guesses, which are read only if the guess is right, and for a drawn token whose logit is not finite.
    func tokens(of step: StepLayout) -> [GeneratedToken?] {
        var readings: [(row: Int, read: ([Float]) -> GeneratedToken?)] = []
        for chunk in step.chunks {
            for (row, position) in zip(chunk.scoringRows, chunk.scoredPositions) {
                readings.append((row, { chunk.sequence.score(position + 1, by: $0) }))
            }
            if let row = chunk.drawnRows.first { readings.append((row, { chunk.sequence.draw(from: $0) })) }
        }
        let read = compute.map(readings) { $0.read(self.row($0.row)) }
        var tokens = [GeneratedToken?](repeating: nil, count: step.logitRows.count)
        for (reading, token) in zip(readings, read) { tokens[reading.row] = token }
        return tokens
    }

    /// One row of the logits.
    func row(_ index: Int) -> [Float] {
        logits.elements(ofRow: index)
    }
}

extension EngineSequence {
    /// The given token at `position` with its log-probability by the logits before it.
    fileprivate func score(_ position: Int, by logits: [Float]) -> GeneratedToken {
        Sampler.logprobs(logits, token: tokens[position], top: request.topLogprobs ?? 0)
    }

    /// The next token of the answer; nil if its logit is not finite.
    func draw(from logits: [Float]) -> GeneratedToken? {
        let context = Sampler.Context(prompt: request.prompt, generated: generated, banned: output.bannedTokens)
        let id = sampler.sample(logits, context: context)
        guard logits[Int(id)].isFinite else { return nil }
        return request.topLogprobs.map { Sampler.logprobs(logits, token: id, top: $0) } ?? GeneratedToken(id: id)
    }
}
