public import Checkpoints
import Foundation
import Policies
import Tensors

/// The blocks of a KV cache on disk, so that the next process need not compute them again.
///
/// Version 1 is, with integers in little-endian order:
///
///     8 bytes    APUSKV and the version in two digits
///     8 bytes    the length of the index
///     index      JSON: what the blocks were computed with, and the key of each block
///     blocks     their bytes, in the order of the index
///     32 bytes   SHA-256 of all before
///
/// It holds the tokens of prompts and answers: only its owner may read it.
struct PrefixFile {
    /// What must be the same for keys and values to be the same, bit for bit.
    struct Origin: Codable, Equatable {
        /// Rises whenever a kernel or a layer computes other bits.
        var numerics = 3
        var instructionSet: String
        var precision: String
        /// The form of the decoder's weights in memory; nil if they are as stored.
        var weights: String?
        /// Positions that the rotary frequencies reach: stretched frequencies rotate differently.
        var contextLength: Int
        var blockBytes: Int
    }

    /// A block with its key, free of ids that hold in one process only.
    struct Block: Codable {
        struct Image: Codable {
            /// `TensorDigest.hexadecimal`.
            var sha256: String
            var first: Int
        }

        /// The index in `policies` of the policy that computed it.
        var policy: Int
        /// The index of the block before; nil for the first of a sequence.
        var parent: Int?
        var tokens: [Int32]
        var images: [Image]

        private enum CodingKeys: String, CodingKey {
            case policy, parent, tokens
            case images = "pictures"
        }
    }

    struct Index: Codable {
        var origin: Origin
        var policies: [PolicyDigests]
        var blocks: [Block]
    }

    let index: Index
    private let file: HashedFile
    private let start: Int

    private static let magic = Array("APUSKV01".utf8)

    /// Opens the file at `path` and verifies it completely.
    init(path: String, expecting origin: Origin) throws(PrefixFileError) {
        let file: HashedFile
        do { file = try HashedFile(path: path) } catch { throw .file(error) }
        let head = Self.magic.count + 8
        guard file.count >= head, file.bytes(0..<Self.magic.count) == Self.magic else {
            throw .malformed(path: path, "it does not begin with \(String(decoding: Self.magic, as: UTF8.self))")
        }
        let length = file.bytes(Self.magic.count..<head).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard length <= file.count - head else {
            throw .malformed(path: path, "its index of \(length) bytes is longer than the file")
        }
        start = head + Int(length)
        do { index = try Self.decode(file.bytes(head..<start)) } catch { throw .malformed(path: path, "\(error)") }
        self.file = file
        guard index.origin == origin else { throw .otherOrigin(path: path, expected: origin, found: index.origin) }
        try check(path)
    }

    @inline(never)
    private static func decode(_ bytes: [UInt8]) throws -> Index {
        try JSONDecoder().decode(Index.self, from: Data(bytes))
    }

    private func check(_ path: String) throws(PrefixFileError) {
        let (bytes, overflows) = index.blocks.count.multipliedReportingOverflow(by: index.origin.blockBytes)
        guard !overflows, bytes == file.count - start else {
            throw .malformed(path: path, "\(index.blocks.count) blocks are not \(file.count - start) bytes")
        }
        for (position, block) in index.blocks.enumerated() {
            let isKnown = index.policies.indices.contains(block.policy)
            let follows =
                block.parent.map { (0..<position).contains($0) && index.blocks[$0].policy == block.policy } ?? true
            guard isKnown, follows, block.tokens.count == KVCache.blockSize else {
                throw .malformed(path: path, "block \(position) has no such policy, parent or tokens")
            }
            guard block.images.allSatisfy({ TensorDigest(hexadecimal: $0.sha256) != nil }) else {
                throw .malformed(path: path, "block \(position) has a picture without a SHA-256")
            }
        }
    }

    /// The bytes of the block with the index `position`.
    func contents(of position: Int) -> [UInt8] {
        let first = start + position * index.origin.blockBytes
        return file.bytes(first..<first + index.origin.blockBytes)
    }

    /// Writes a file; `contents` returns the bytes of the block with an index.
    static func write(
        _ index: Index, to path: String, contents: @escaping (Int) -> [UInt8]
    ) throws(PrefixFileError) {
        let json: [UInt8]
        do { json = [UInt8](try JSONEncoder().encode(index)) } catch { throw .malformed(path: path, "\(error)") }
        let head = magic + (0..<8).map { UInt8(truncatingIfNeeded: json.count >> (8 * $0)) } + json
        do {
            try HashedFile.write((-1..<index.blocks.count).lazy.map { $0 < 0 ? head : contents($0) }, to: path)
        } catch {
            throw .file(error)
        }
    }
}

/// Why a prefix cache could not be read or written.
public enum PrefixFileError: Error, Equatable, CustomStringConvertible {
    /// The system refused, or the bytes are damaged.
    case file(FileError)
    /// It is not a prefix cache.
    case malformed(path: String, String)
    /// Its blocks were computed under other conditions.
    case different(path: String, String)

    static func otherOrigin(path: String, expected: PrefixFile.Origin, found: PrefixFile.Origin) -> PrefixFileError {
        .different(path: path, "expected \(expected), found \(found)")
    }

    /// One line for people.
    public var description: String {
        switch self {
        case .file(let error): "\(error)"
        case .malformed(let path, let reason): "\(path): \(reason)"
        case .different(let path, let reason): "\(path): its blocks are of no use here: \(reason)"
        }
    }
}

extension PrefixFile.Origin: CustomStringConvertible {
    var description: String {
        "\(instructionSet) kernels of numerics \(numerics), \(precision), weights \(weights ?? "as stored"), a context of \(contextLength), "
            + "blocks of \(blockBytes) bytes"
    }
}
