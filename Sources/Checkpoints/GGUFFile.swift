public import Tensors

/// A model file in the GGUF format, versions 2 and 3, mapped into memory.
///
/// Opening the file checks everything that it says about itself: afterwards the bytes of every tensor lie in the file,
/// match its shape and type, and belong to no other tensor.
public struct GGUFFile: Sendable {
    /// Where the file was found.
    public let path: String
    /// The metadata by key.
    public let metadata: [String: GGUFValue]
    /// The tensors by name.
    public let tensors: [String: GGUFTensor]

    /// Opens the file at `path`.
    public init(path: String) throws(GGUFError) {
        let file: MappedFile
        do { file = try MappedFile(path: path) } catch { throw .unreadable(error) }
        let parser: GGUFParser
        do {
            parser = try file.withBytes(0..<file.count) { bytes throws(FileFault) in try GGUFParser(bytes) }
        } catch {
            throw .malformed(path: path, error)
        }
        self.path = path
        self.metadata = parser.metadata
        self.tensors = try Self.layOut(parser, in: file)
    }

    /// The tensor `name`.
    public func tensor(_ name: String) throws(GGUFError) -> GGUFTensor {
        guard let tensor = tensors[name] else { throw .missingTensor(path: path, name: name) }
        return tensor
    }

    /// The tensor `name` as floats, outermost extent first.
    public func float(_ name: String) throws(GGUFError) -> Tensor {
        try tensor(name).floats()
    }

    /// Gives every tensor its bytes, after checking that they lie in the file and overlap no other tensor.
    private static func layOut(_ parser: GGUFParser, in file: MappedFile) throws(GGUFError) -> [String: GGUFTensor] {
        var tensors: [String: GGUFTensor] = [:]
        tensors.reserveCapacity(parser.tensors.count)
        var end = parser.dataOffset
        var previous = "the header"
        for info in parser.tensors.sorted(by: { $0.offset < $1.offset }) {
            guard let type = ElementFormat(ggmlType: info.type) else {
                let name = ElementFormat.ggmlName(of: info.type)
                throw .unsupportedType(path: file.path, tensor: info.name, type: name)
            }
            let range: Range<Int>
            do { range = try parser.range(of: info, type: type, fileSize: file.count) } catch {
                throw .malformed(path: file.path, error)
            }
            guard range.lowerBound >= end else {
                let fault = FileFault(
                    at: info.position, "offset of \(info.name)", expected: "bytes of its own",
                    found: "bytes of \(previous)")
                throw .malformed(path: file.path, fault)
            }
            end = range.upperBound
            previous = info.name
            tensors[info.name] = GGUFTensor(
                name: info.name, shape: info.dimensions.reversed(), type: type, file: file, range: range)
        }
        return tensors
    }
}

extension GGUFParser {
    /// The bytes of a tensor in a file of `fileSize` bytes.
    fileprivate func range(
        of info: TensorInfo, type: ElementFormat, fileSize: Int
    ) throws(FileFault) -> Range<Int> {
        guard info.offset % alignment == 0 else {
            throw FileFault(
                at: info.position, "offset of \(info.name)", expected: "a multiple of \(alignment)",
                found: "\(info.offset)")
        }
        guard let size = type.byteCount(shape: info.dimensions.reversed()) else {
            throw FileFault(
                at: info.position, "dimensions of \(info.name)",
                expected: "rows of whole blocks of \(type.blockSize), and a size that memory can hold",
                found: "\(info.dimensions)")
        }
        let dataSize = max(0, fileSize - dataOffset)
        guard info.offset <= dataSize, size <= dataSize - info.offset else {
            throw FileFault(
                at: info.position, "data of \(info.name)", expected: "\(size) bytes from \(info.offset) on",
                found: "\(dataSize) bytes of data in all")
        }
        let start = dataOffset + info.offset
        return start..<start + size
    }
}
