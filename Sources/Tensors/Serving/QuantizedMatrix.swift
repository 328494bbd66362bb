import CKernels

/// An immutable weight matrix, [outputs, inputs], in a block format of GGUF.
///
/// Initialisation repacks its rows into panels of 16 output columns. It takes as much memory as in the file, plus the
/// padding of the last panel.
public struct QuantizedMatrix: Sendable {
    /// Some output rows of a matrix as stored in GGUF, row-major: [outputs][inputs / 32] blocks.
    public struct Source {
        let outputs: Int
        let blocks: UnsafeRawBufferPointer

        /// `outputs` rows in `blocks`, which needs no alignment and is read only while the matrix is made.
        public init(outputs: Int, blocks: UnsafeRawBufferPointer) {
            self.outputs = outputs
            self.blocks = blocks
        }
    }

    /// The format of the weights.
    public let format: BlockFormat
    /// Rows of the matrix: elements of a result.
    public let outputs: Int
    /// Columns of the matrix, a multiple of 32.
    public let inputs: Int
    let panels: Panels

    /// Repacks the rows in `blocks`; the caller must have checked the size.
    public init(format: BlockFormat, outputs: Int, inputs: Int, blocks: UnsafeRawBufferPointer, compute: Compute) {
        let source = Source(outputs: outputs, blocks: blocks)
        self.init(format: format, inputs: inputs, concatenating: [source], compute: compute)
    }

    /// Repacks the rows in `blocks`; the caller must have checked the size.
    public init(format: BlockFormat, outputs: Int, inputs: Int, blocks: [UInt8], compute: Compute) {
        self = blocks.withUnsafeBytes {
            QuantizedMatrix(format: format, outputs: outputs, inputs: inputs, blocks: $0, compute: compute)
        }
    }

    /// Repacks several matrices with equal inputs into one; the outputs of the first source come first.
    public init(format: BlockFormat, inputs: Int, concatenating sources: [Source], compute: Compute) {
        precondition(inputs > 0 && inputs % BlockFormat.blockSize == 0, "\(inputs) inputs are not whole blocks")
        let rowBytes = inputs / BlockFormat.blockSize * format.blockBytes
        for source in sources {
            precondition(
                source.outputs >= 0 && source.blocks.count == source.outputs * rowBytes,
                "\(source.blocks.count) bytes for \(source.outputs) rows of \(rowBytes)")
        }
        self.format = format
        self.outputs = sources.reduce(0) { $0 + $1.outputs }
        self.inputs = inputs
        self.panels = Panels(format: format, inputs: inputs, outputs: outputs, slabs: compute.slabs)
        panels.pack(sources, rowBytes: rowBytes, pool: compute.pool)
    }

    /// The bytes of the weights in memory.
    public var byteCount: Int { panels.count * panels.stride }

    var blocks: Int { inputs / BlockFormat.blockSize }
}

/// The memory of a quantised matrix: panels of 16 columns, one after the other.
final class Panels: @unchecked Sendable {
    // Sendable: written only by `pack`, before the matrix that owns it exists.
    let base: UnsafeMutablePointer<UInt8>
    let stride: Int
    let count: Int
    private let format: BlockFormat
    private let blocks: Int
    private let memory: LargePages

    static let columns = Int(APUS_PANEL_COLUMNS)

    init(format: BlockFormat, inputs: Int, outputs: Int, slabs: SlabAllocator) {
        self.format = format
        self.blocks = inputs / BlockFormat.blockSize
        self.stride = apus_panel_bytes(format.kernel, blocks)
        self.count = (outputs + Self.columns - 1) / Self.columns
        self.memory = slabs.take(bytes: stride * count)
        self.base = memory.base.bindMemory(to: UInt8.self, capacity: stride * count)
    }

    fileprivate func pack(_ sources: [QuantizedMatrix.Source], rowBytes: Int, pool: ThreadPool) {
        var rows: [UnsafePointer<UInt8>?] = sources.flatMap { source in
            (0..<source.outputs).map { row in
                source.blocks.baseAddress.map { ($0 + row * rowBytes).assumingMemoryBound(to: UInt8.self) }
            }
        }
        rows += Array(repeating: nil, count: count * Self.columns - rows.count)
        rows.withUnsafeBufferPointer { rows in
            pool.run(count: count) { panel in
                guard let first = rows.baseAddress else { return }
                apus_pack_panel(format.kernel, first + panel * Self.columns, blocks, base + panel * stride)
            }
        }
    }
}
