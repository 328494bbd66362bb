import Support

/// Text prompts of everyday kinds, for self-distilled replay: the base model answers them before training, and the
/// trained policy is held to those answers so that plain chat does not fade.
///
/// Made from templates and word lists, so that they belong to no published test set.
public struct ReplayPrompts: Sendable, Equatable {
    /// Prompts to train on, in random order.
    public let training: [String]
    /// One prompt in twenty, to measure on.
    public let heldOut: [String]

    /// Draws up to `perTopic` different prompts for each topic. The same seed gives the same lists; the split belongs
    /// to the prompt's text, so no seed moves a prompt from one list to the other.
    public init(seed: UInt64, perTopic: Int = 80) {
        var generator = SplitMix64(seed: seed)
        var drawn: [String] = []
        for topic in ReplayTopic.allCases {
            drawn += generator.shuffled(topic.prompts).prefix(perTopic)
        }
        drawn = generator.shuffled(drawn)
        training = drawn.filter { !Self.isHeldOut($0) }
        heldOut = drawn.filter(Self.isHeldOut)
    }

    /// By FNV-1a's 64-bit hash of the text.
    private static func isHeldOut(_ prompt: String) -> Bool {
        let hash = prompt.utf8.reduce(0xCBF2_9CE4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        return (hash >> 32) % 20 == 0
    }
}
