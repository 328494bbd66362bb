import Foundation
import Tensors

/// The bytes of the KV cache, and the positions of a context.
///
/// The cache takes the bytes that were asked for; by default, what the memory limit leaves, up to the usual size. A
/// context has the length that was asked for; by default, the length that the model was trained for, limited by the
/// cache.
public struct CacheBudget: Sendable {
    /// Bytes of memory that the process may use.
    public var limit: Int
    /// Bytes that the process uses before there is a KV cache.
    public var resident: Int
    /// The limit of encoded images, in bytes.
    public var embeddings: Int

    /// The usual size of the cache in bytes: some 90,000 positions of the model that ships.
    public static let usual = 2 << 30
    /// Bytes for everything else: requests, images being decoded, activations.
    private static let reserve = 256 << 20
    /// The minimum length of a default context, unless the model was trained for fewer positions.
    private static let minimumContext = 256

    /// A budget of the given sizes, in bytes.
    public init(limit: Int, resident: Int, embeddings: Int) {
        self.limit = limit
        self.resident = resident
        self.embeddings = embeddings
    }

    /// Bytes that are left for the cache. A tenth of the limit stays free: the kernel counts more than the process
    /// sees.
    private var left: Int { max(0, limit - limit / 10 - resident - embeddings - Self.reserve) }

    /// The cache's bytes and the context's positions.
    ///
    /// - Parameters:
    ///   - asked: bytes of the cache that were asked for.
    ///   - context: positions that were asked for.
    ///   - trained: positions that the model was trained for.
    ///   - cost: the bytes of the cache for a number of positions.
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

        /// The missing amount, and how to get it.
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

/// The memory that this process may use.
public enum MemoryLimit {
    /// The limit in bytes: the minimum of the machine's memory and the limits of the process's control groups and their
    /// ancestors.
    ///
    /// Inside a container the kernel shows paths that are mounted elsewhere, or none at all: limits that cannot be read
    /// are skipped; the limit of the mounted root is always tried. Version 2's `max`, and the number that version 1
    /// uses instead, are above any machine's memory.
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

    /// Bytes of memory that the process uses now; nil where the system does not tell.
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
