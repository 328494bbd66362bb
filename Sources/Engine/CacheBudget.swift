/// How many bytes the KV cache takes: as many as asked for, else what the memory limit leaves, but not more than usual.
public struct CacheBudget: Sendable {
    /// Bytes that the process may take.
    public var limit: Int
    /// Bytes that it has before there is a KV cache.
    public var resident: Int
    /// Bytes that encoded pictures may take.
    public var embeddings: Int
    /// Bytes that one whole context needs.
    public var context: Int

    /// Bytes of the cache where there is room: some 90,000 positions of the model that ships.
    public static let usual = 2 << 30
    /// Bytes for all else: requests, pictures being decoded, activations.
    private static let reserve = 256 << 20

    /// A budget of the given sizes, in bytes.
    public init(limit: Int, resident: Int, embeddings: Int, context: Int) {
        self.limit = limit
        self.resident = resident
        self.embeddings = embeddings
        self.context = context
    }

    /// The cache's bytes.
    ///
    /// - Throws: `Failure` if less than one context fits.
    public func bytes(asked: Int?) throws(Failure) -> Int {
        // A tenth of the limit stays free: the kernel counts more than the process sees.
        let left = limit - limit / 10 - resident - embeddings - Self.reserve
        let bytes = asked ?? min(Self.usual, left)
        guard bytes >= context else {
            throw asked == nil
                ? .limited(limit: limit, left: max(0, left), context: context) : .asked(bytes: bytes, context: context)
        }
        return bytes
    }

    /// Why one context does not fit.
    public enum Failure: Error, Equatable, CustomStringConvertible {
        /// The memory limit leaves too little.
        case limited(limit: Int, left: Int, context: Int)
        /// Too little was asked for.
        case asked(bytes: Int, context: Int)

        /// What is missing, and what helps.
        public var description: String {
            switch self {
            case .limited(let limit, let left, let context):
                "the memory limit of \(Self.mebibytes(limit)) leaves \(Self.mebibytes(left)) to the KV cache, and one context "
                    + "takes \(Self.mebibytes(context)): raise the limit, shorten --context-length or take --kv-type int8"
            case .asked(let bytes, let context):
                "--kv-memory is \(Self.mebibytes(bytes)), and one context takes \(Self.mebibytes(context)): raise it, "
                    + "shorten --context-length or take --kv-type int8"
            }
        }

        private static func mebibytes(_ bytes: Int) -> String { "\((bytes + (1 << 19)) >> 20) MiB" }
    }
}
