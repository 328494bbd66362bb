import Support
public import Tensors

/// A file of named tensors in the safetensors format, mapped into memory.
///
/// Opening the file checks the header: every tensor's bytes lie in the file and match its shape and type, and together
/// they cover the data without gap or overlap, as the format requires.
public struct SafetensorsFile: Sendable {
    /// One tensor of the file.
    public struct Entry: Sendable, Equatable {
        /// The format of its numbers.
        public let format: FloatFormat
        /// Extents, outermost first.
        public let shape: [Int]
        let range: Range<Int>
    }

    /// Where the file was found.
    public let path: String
    /// The texts under `__metadata__`.
    public let metadata: [String: String]
    /// The tensors by name.
    public let entries: [String: Entry]
    private let file: MappedFile

    private static let headerLimit = 100_000_000

    /// Opens the file at `path`.
    public init(path: String) throws(SafetensorsError) {
        let file: MappedFile
        do { file = try MappedFile(path: path) } catch { throw .file(error) }
        let json: [UInt8]
        do { json = try file.withBytes(0..<file.count, Self.headerBytes) } catch {
            throw .malformed(path: path, error)
        }
        let header: SafetensorsHeader
        do { header = try decodeStrictJSON(SafetensorsHeader.self, from: json) } catch {
            throw .badHeader(path: path, reason: error.reason)
        }
        self.path = path
        self.file = file
        self.metadata = header.metadata
        self.entries = try Self.layOut(header, from: 8 + json.count, in: file)
    }

    /// The tensor `name` as 32-bit floats.
    public func tensor(_ name: String) throws(SafetensorsError) -> Tensor {
        guard let entry = entries[name] else { throw .missingTensor(path: path, name: name) }
        return file.withBytes(entry.range) {
            Tensor(converting: entry.format.element, bytes: $0, shape: entry.shape)
        }
    }

    /// The tensor `name`, which must have the shape `shape`.
    public func tensor(_ name: String, shape: [Int]) throws(SafetensorsError) -> Tensor {
        if let found = entries[name]?.shape, found != shape {
            throw .wrongShape(path: path, tensor: name, expected: shape, found: found)
        }
        return try tensor(name)
    }

    private static func headerBytes(_ bytes: UnsafeRawBufferPointer) throws(FileFault) -> [UInt8] {
        var reader = ByteReader(bytes)
        let length = try reader.count("header length", limit: headerLimit)
        return Array(try reader.take(length, "header"))
    }

    private static func layOut(
        _ header: SafetensorsHeader, from start: Int, in file: MappedFile
    ) throws(SafetensorsError) -> [String: Entry] {
        var entries: [String: Entry] = [:]
        var end = 0
        for (name, entry) in header.entries.sorted(by: { $0.value.offsets.lexicographicallyPrecedes($1.value.offsets) })
        {
            guard let format = FloatFormat(rawValue: entry.dtype) else {
                throw .unsupportedType(path: file.path, tensor: name, type: entry.dtype)
            }
            func fault(_ expected: String, _ found: String) -> SafetensorsError {
                .badHeader(path: file.path, reason: "\(name): expected \(expected), found \(found)")
            }
            guard entry.offsets.count == 2, entry.offsets[0] == end, entry.offsets[1] >= end else {
                throw fault("data_offsets from \(end) on, where the tensor before it ends", "\(entry.offsets)")
            }
            guard entry.offsets[1] <= file.count - start else {
                throw fault("data_offsets within \(file.count - start) bytes of data", "\(entry.offsets)")
            }
            guard let size = format.element.byteCount(shape: entry.shape) else {
                throw fault("extents of 0 or more whose product memory can hold", "\(entry.shape)")
            }
            guard size == entry.offsets[1] - end else {
                throw fault("\(size) bytes for shape \(entry.shape) of \(entry.dtype)", "\(entry.offsets[1] - end)")
            }
            entries[name] = Entry(format: format, shape: entry.shape, range: start + end..<start + entry.offsets[1])
            end = entry.offsets[1]
        }
        guard end == file.count - start else {
            let reason = "expected data of \(end) bytes, as the tensors describe it, found \(file.count - start)"
            throw .badHeader(path: file.path, reason: reason)
        }
        return entries
    }
}
