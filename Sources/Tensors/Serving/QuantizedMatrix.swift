import CKernels

/// An immutable weight matrix, [outputs, inputs], in block formats of GGUF.
///
/// Its rows may have several formats: the parts of a fused layer keep their own. Initialisation repacks the rows into
/// panels of 16 output columns. It takes as much memory as the blocks, plus the padding of the last panel of each range
/// of rows with a common format.
public struct QuantizedMatrix: Sendable {
    /// Some output rows of a matrix as a file stores them, row-major: [outputs, inputs].
    public struct Source {
        let format: ElementFormat
        let outputs: Int
        let rowOrder: ((Int) -> Int)?
        let withBytes: ((UnsafeRawBufferPointer) -> Void) -> Void

        /// `outputs` rows in the bytes that `withBytes` passes on. They need no alignment and are read only while the
        /// matrix is made.
        ///
        /// Rows in a block format keep it. Floats are rounded to Q8_0 as ggml does, a few rows at a time.
        ///
        /// - Parameter rowOrder: the stored row that becomes a given output; nil keeps the order.
        public init(
            format: ElementFormat, outputs: Int, rowOrder: ((Int) -> Int)? = nil,
            withBytes: @escaping ((UnsafeRawBufferPointer) -> Void) -> Void
        ) {
            self.format = format
            self.outputs = outputs
            self.rowOrder = rowOrder
            self.withBytes = withBytes
        }

        /// `outputs` rows in `bytes`.
        public init(format: ElementFormat, outputs: Int, bytes: [UInt8]) {
            self.init(format: format, outputs: outputs) { bytes.withUnsafeBytes($0) }
        }

        /// The rows of `matrix`, `[outputs, inputs]`, rounded to Q8_0.
        public init(rounding matrix: Tensor) {
            self.init(format: .f32, outputs: matrix.rows) { body in
                matrix.withUnsafeElements { body(UnsafeRawBufferPointer($0)) }
            }
        }

        /// The format of the rows in memory.
        var stored: BlockFormat { format.blockFormat ?? .q8_0 }
    }

    /// Rows of the matrix: elements of a result.
    public let outputs: Int
    /// Columns of the matrix, a multiple of 32.
    public let inputs: Int
    /// Consecutive ranges of rows, each in one format.
    let panels: [Panels]

    /// Repacks the rows in `blocks`; the caller must have checked the size.
    public init(format: BlockFormat, outputs: Int, inputs: Int, blocks: [UInt8], compute: Compute) {
        let source = Source(format: .blocks(format), outputs: outputs, bytes: blocks)
        self.init(inputs: inputs, concatenating: [source], compute: compute)
    }

    /// Repacks matrices with equal inputs into one; the outputs of the first source come first.
    ///
    /// The caller must have checked the sizes: `inputs` is a positive multiple of 32 and of each source's blocks, and
    /// the bytes of a source are its rows.
    public init(inputs: Int, concatenating sources: [Source], compute: Compute) {
        precondition(inputs > 0 && inputs % Self.blockSize == 0, "\(inputs) inputs are not whole blocks")
        var ranges: [[Source]] = []
        for source in sources where source.outputs > 0 {
            if let last = ranges.indices.last, ranges[last][0].stored == source.stored {
                ranges[last].append(source)
            } else {
                ranges.append([source])
            }
        }
        var row = 0
        self.panels = ranges.map { sources in
            let outputs = sources.reduce(0) { $0 + $1.outputs }
            let panels = Panels(format: sources[0].stored, inputs: inputs, rows: row..<row + outputs, compute: compute)
            StoredRow.withRows(of: sources[...], inputs: inputs) { panels.pack($0, pool: compute.pool) }
            row += outputs
            return panels
        }
        self.outputs = row
        self.inputs = inputs
    }

    /// The bytes of the weights in memory.
    public var byteCount: Int { panels.reduce(0) { $0 + $1.count * $1.stride } }

    /// Inputs that are rounded to 8 bits together.
    static let blockSize = Int(APUS_BLOCK)

    /// Blocks of inputs.
    var blocks: Int { inputs / Self.blockSize }
}

/// The memory of rows of a quantised matrix with one format: panels of 16 columns, one after the other.
final class Panels: @unchecked Sendable {
    // Sendable: written only by `pack`, before the matrix that owns it exists.
    let base: UnsafeMutablePointer<UInt8>
    let stride: Int
    let count: Int
    let format: BlockFormat
    /// Its rows of the matrix.
    let rows: Range<Int>
    private let inputs: Int
    private let memory: LargePages

    static let columns = Int(APUS_PANEL_COLUMNS)

    fileprivate init(format: BlockFormat, inputs: Int, rows: Range<Int>, compute: Compute) {
        self.format = format
        self.rows = rows
        self.inputs = inputs
        self.stride = apus_panel_bytes(format.kernel, inputs / QuantizedMatrix.blockSize)
        self.count = (rows.count + Self.columns - 1) / Self.columns
        self.memory = compute.slabs.take(bytes: stride * count)
        self.base = memory.base.bindMemory(to: UInt8.self, capacity: stride * count)
    }

    fileprivate func pack(_ stored: [StoredRow], pool: ThreadPool) {
        pool.run(count: count) { panel in
            let first = panel * Self.columns
            pack(stored[first..<min(first + Self.columns, rows.count)], into: base + panel * stride)
        }
    }

    /// Packs up to 16 rows; floats are rounded first.
    private func pack(_ stored: ArraySlice<StoredRow>, into panel: UnsafeMutablePointer<UInt8>) {
        let rowBytes = inputs / format.blockSize * format.blockBytes
        let floats = stored.count { $0.format.blockFormat == nil }
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: floats * rowBytes) { rounded in
            var next = rounded.baseAddress
            var addresses = stored.map { row -> UnsafePointer<UInt8>? in
                guard row.format.blockFormat == nil, let target = next else { return row.address }
                row.round(inputs: inputs, to: target)
                next = target + rowBytes
                return UnsafePointer(target)
            }
            addresses += Array(repeating: nil, count: Self.columns - stored.count)
            apus_pack_panel(format.kernel, addresses, inputs / QuantizedMatrix.blockSize, panel)
        }
    }
}

/// One row of a matrix in a file.
private struct StoredRow {
    let format: ElementFormat
    let address: UnsafePointer<UInt8>

    /// Calls `body` with the rows of all sources.
    static func withRows(
        of sources: ArraySlice<QuantizedMatrix.Source>, inputs: Int, before: [StoredRow] = [],
        _ body: ([StoredRow]) -> Void
    ) {
        guard let source = sources.first else { return body(before) }
        source.withBytes { bytes in
            withRows(
                of: sources.dropFirst(), inputs: inputs, before: before + rows(of: source, in: bytes, inputs: inputs),
                body)
        }
    }

    private static func rows(
        of source: QuantizedMatrix.Source, in bytes: UnsafeRawBufferPointer, inputs: Int
    ) -> [StoredRow] {
        let (format, outputs) = (source.format, source.outputs)
        precondition(inputs % format.blockSize == 0, "\(inputs) inputs are not whole blocks of \(format.blockSize)")
        let rowBytes = inputs / format.blockSize * format.blockBytes
        precondition(bytes.count == outputs * rowBytes, "\(bytes.count) bytes for \(outputs) rows of \(rowBytes)")
        guard let base = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return [] }
        return (0..<outputs).map { output in
            let row = source.rowOrder?(output) ?? output
            precondition((0..<outputs).contains(row), "row \(row) of \(outputs)")
            return StoredRow(format: format, address: base + row * rowBytes)
        }
    }

    /// Rounds a row of floats to Q8_0.
    func round(inputs: Int, to blocks: UnsafeMutablePointer<UInt8>) {
        withUnsafeTemporaryAllocation(of: Float.self, capacity: inputs) { floats in
            guard let base = floats.baseAddress else { return }
            format.convert(address, count: inputs, to: base)
            apus_quantize_q8_0(base, inputs / QuantizedMatrix.blockSize, blocks)
        }
    }
}
