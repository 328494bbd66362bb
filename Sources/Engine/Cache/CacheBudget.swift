import Foundation
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
                "the memory limit of \(Self.mebibytes(limit)) leaves \(Self.mebibytes(left)) to the KV cache, and a "
                    + "context of \(positions) positions takes \(Self.mebibytes(needed)): raise the limit, shorten "
                    + "--context-length or take --kv-type int8"
            case .asked(let bytes, let positions, let needed):
                "--kv-memory is \(Self.mebibytes(bytes)), and a context of \(positions) positions takes "
                    + "\(Self.mebibytes(needed)): raise it, shorten --context-length or take --kv-type int8"
            }
        }

        private static func mebibytes(_ bytes: Int) -> String { "\((bytes + (1 << 19)) >> 20) MiB" }
    }
}

/// How much memory this process may take.
public enum MemoryLimit {
    /// Bytes: the least of the machine's memory and the limits of the control groups that the process is in, and of
    /// those around them.
    ///
    /// Inside a container the kernel shows paths that are mounted elsewhere, or not at all: limits that cannot be read
    /// are passed over, the one of the mounted root is always tried. Version 2's `max`, and version 1's number of the
    /// same meaning, are above any machine's memory.
    public static var bytes: Int { bytes(root: "", memory: Int(clamping: ProcessInfo.processInfo.physicalMemory)) }

    /// The same with the files under `root`, on a machine of `memory` bytes.
    package static func bytes(root: String, memory: Int) -> Int {
        let groups = text("\(root)/proc/self/cgroup")?.split(separator: "\n") ?? []
        let files = groups.flatMap { group -> [String] in
            let fields = group.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { return [] }
            let isUnified = fields[1].isEmpty
            guard isUnified || fields[1].split(separator: ",").contains("memory") else { return [] }
            let (mount, name) =
                isUnified
                ? ("\(root)/sys/fs/cgroup", "memory.max")
                : ("\(root)/sys/fs/cgroup/memory", "memory.limit_in_bytes")
            return ancestors(of: String(fields[2])).map { "\(mount)\($0)/\(name)" }
        }
        return files.compactMap { text($0).flatMap { Int($0.trimmingCharacters(in: .whitespacesAndNewlines)) } }
            .filter { $0 > 0 }.reduce(memory, min)
    }

    /// Bytes of memory that the process has now; nil where the system does not tell.
    public static var residentBytes: Int? {
        guard let status = text("/proc/self/status"),
            let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmRSS:") }),
            let kibibytes = line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap({ Int($0) })
        else { return nil }
        return kibibytes * 1024
    }

    /// `/a/b` as `/a/b`, `/a` and the root, which is empty.
    private static func ancestors(of path: String) -> [String] {
        let parts = path.split(separator: "/").filter { $0 != ".." }
        return (0...parts.count).reversed().map { parts.prefix($0).map { "/\($0)" }.joined() }
    }

    private static func text(_ path: String) -> String? {
        FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) }
    }
}
