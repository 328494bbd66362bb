import Tensors

/// How many bytes the KV cache takes, and how many positions a context has.
///
/// The cache takes as many bytes as asked for, else what the memory limit leaves, but not more than usual. A context is
/// as long as asked for, else as the model was trained for, but not longer than the cache.
public struct CacheBudget: Sendable {
    /// Bytes that the process may take.
    public var limit: Int
    /// Bytes that it has before there is a KV cache.
    public var resident: Int
    /// Bytes that encoded images may take.
    public var embeddings: Int

    /// Bytes of the cache where there is room: some 90,000 positions of the model that ships.
    public static let usual = 2 << 30
    /// Bytes for all else: requests, images being decoded, activations.
    private static let reserve = 256 << 20
    /// The fewest positions of a default context, unless the model was trained for fewer.
    private static let minimumContext = 256

    /// A budget of the given sizes, in bytes.
    public init(limit: Int, resident: Int, embeddings: Int) {
        self.limit = limit
        self.resident = resident
        self.embeddings = embeddings
    }

    /// Bytes that are left to the cache. A tenth of the limit stays free: the kernel counts more than the process sees.
    private var left: Int { max(0, limit - limit / 10 - resident - embeddings - Self.reserve) }

    /// The cache's bytes and the context's positions.
    ///
    /// - Parameters:
    ///   - asked: bytes of the cache that were asked for.
    ///   - context: positions that were asked for.
    ///   - trained: positions that the model was trained for.
    ///   - cost: bytes of the cache that so many positions take.
    /// - Throws: `Failure` if one context does not fit.
    public func sizes(
        asked: Int?, context: Int?, trained: Int, cost: (_ positions: Int) -> Int
    ) throws(Failure) -> (bytes: Int, context: Int) {
        let positions = context ?? min(trained, Self.minimumContext)
        let needed = cost(positions)
        let bytes = asked ?? min(left, max(Self.usual, needed))
        guard bytes >= needed else {
            throw asked == nil
                ? .limited(limit: limit, left: left, positions: positions, needed: needed)
                : .asked(bytes: bytes, positions: positions, needed: needed)
        }
        if let context { return (bytes, context) }
        return (bytes, min(trained, bytes / cost(KVCache.blockSize) * KVCache.blockSize))
    }

    /// Why one context does not fit.
    public enum Failure: Error, Equatable, CustomStringConvertible {
        /// The memory limit leaves too little.
        case limited(limit: Int, left: Int, positions: Int, needed: Int)
        /// Too little was asked for.
        case asked(bytes: Int, positions: Int, needed: Int)

        /// What is missing, and what helps.
        public var description: String {
            switch self {
            case .limited(let limit, let left, let positions, let needed):
                "the memory limit of \(Self.mebibytes(limit)) leaves \(Self.mebibytes(left)) to the KV cache, and a context "
                    + "of \(positions) positions takes \(Self.mebibytes(needed)): raise the limit, shorten "
                    + "--context-length or take --kv-type int8"
            case .asked(let bytes, let positions, let needed):
                "--kv-memory is \(Self.mebibytes(bytes)), and a context of \(positions) positions takes "
                    + "\(Self.mebibytes(needed)): raise it, shorten --context-length or take --kv-type int8"
            }
        }

        private static func mebibytes(_ bytes: Int) -> String { "\((bytes + (1 << 19)) >> 20) MiB" }
    }
}
