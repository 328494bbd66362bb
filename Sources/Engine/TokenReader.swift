import Tensors

/// Reads tokens off the logits of one step.
///
/// Each row is read to its end, which takes as long as some layers do for one position: all threads share the rows.
struct TokenReader {
    /// `[rows, vocabulary]`, laid out as `ModelRunner.Outputs` says.
    let logits: Tensor
    let compute: Compute

    /// The given tokens that the chunks score, and the first token that each of them draws, in the order of their rows; nil
    /// for a drawn token whose logit is not finite.
    func tokens(of chunks: [StepPlan.Chunk]) -> [GeneratedToken?] {
        var readings: [(row: Int, read: ([Float]) -> GeneratedToken?)] = []
        var row = 0
        for chunk in chunks {
            for position in chunk.scoring {
                readings.append((row, { chunk.sequence.score(position + 1, by: $0) }))
                row += 1
            }
            guard chunk.drawsToken else { continue }
            readings.append((row, { chunk.sequence.draw(from: $0) }))
            row += 1 + chunk.draft.count
        }
        return compute.map(readings) { $0.read(self.row($0.row)) }
    }

    /// One row of the logits.
    func row(_ index: Int) -> [Float] {
        logits.elements(ofRow: index)
    }
}

extension Sequence {
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
