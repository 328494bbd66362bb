extension AsyncStream<EngineEvent> {
    /// All tokens of an answer, the end token included, once it is whole.
    ///
    /// - Throws: the `EngineFailure` that ended it.
    public func tokens() async throws -> [Int32] {
        var tokens: [Int32] = []
        for await event in self {
            switch event {
            case .started: break
            case .text(let delta): tokens += delta.tokens.map(\.id)
            case .finished(let completion): tokens += completion.tokens.map(\.id)
            case .failed(let failure): throw failure
            }
        }
        return tokens
    }
}
