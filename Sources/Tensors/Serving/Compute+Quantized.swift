import CKernels

extension Compute {
    /// x · wᵀ: [rows, inputs] times [outputs, inputs] gives [rows, outputs].
    ///
    /// Each row of `x` is rounded to 8 bits per block of 32, with the block's largest magnitude at 127. Non-finite
    /// elements give non-finite results.
    ///
    /// - Parameter updates: low-rank updates that are added to some of the rows.
    public func multiply(_ x: Tensor, _ w: QuantizedMatrix, updates: [LowRankUpdate] = []) -> Tensor {
        precondition(x.columns == w.inputs, "\(x.shape) times [\(w.outputs), \(w.inputs)]")
        var result = uninitialized([x.rows, w.outputs])
        guard x.rows > 0 else { return result }
        let tiles = quantizeRows(of: x)
        result.withMutablePointer { out in
            tiles.withUnsafeElements { tiles in
                guard let base = UnsafeRawPointer(tiles.baseAddress) else { return }
                let activations = base.assumingMemoryBound(to: apus_activation_block.self)
                w.panels.map(PanelRange.init).withUnsafeBufferPointer { ranges in
                    let product = QuantizedProduct(
                        activations: activations, rows: x.rows, w: w, ranges: ranges, out: out, compute: self)
                    withExtendedLifetime(w) {
                        apply(updates, to: out, columns: w.outputs, of: x, beside: product.pieces) {
                            product.run(piece: $0)
                        }
                    }
                }
            }
        }
        return result
    }

    /// The rows of `w` with the indices `ids`, in fp32: [ids, inputs].
    public func rows(_ ids: [Int32], of w: QuantizedMatrix) -> Tensor {
        precondition(ids.allSatisfy { $0 >= 0 && Int($0) < w.outputs }, "a row is not in 0..<\(w.outputs)")
        return unpack(w, count: ids.count) { Int(ids[$0]) }
    }

    /// All weights in fp32: [outputs, inputs].
    public func dequantize(_ w: QuantizedMatrix) -> Tensor {
        unpack(w, count: w.outputs) { $0 }
    }

    private func unpack(_ w: QuantizedMatrix, count: Int, row: (Int) -> Int) -> Tensor {
        var result = uninitialized([count, w.inputs])
        result.withUnsafeMutableElements { elements in
            guard let out = elements.baseAddress else { return }
            let pieces = min(count, 4 * threads)
            pool.run(count: pieces) { piece in
                for index in count * piece / pieces..<count * (piece + 1) / pieces {
                    let row = row(index)
                    guard let panels = w.panels.first(where: { row < $0.rows.upperBound }) else { continue }
                    let (panel, column) = (row - panels.rows.lowerBound).quotientAndRemainder(
                        dividingBy: Panels.columns)
                    apus_unpack_column(
                        panels.format.kernel, panels.base + panel * panels.stride, w.blocks, column,
                        out + index * w.inputs)
                }
            }
        }
        return result
    }

    /// The tiles of eight rows of `x`. The buffer is a tensor only to reuse recycled memory.
    private func quantizeRows(of x: Tensor) -> Tensor {
        let tileRows = Int(APUS_TILE_ROWS)
        let blocks = x.columns / QuantizedMatrix.blockSize
        let count = (x.rows + tileRows - 1) / tileRows
        let floats = MemoryLayout<apus_activation_block>.stride / MemoryLayout<Float>.stride
        var tiles = uninitialized([count, blocks * floats])
        let kernels = quantized
        x.withUnsafeElements { x in
            tiles.withUnsafeMutableElements { tiles in
                guard let source = x.baseAddress, let target = tiles.baseAddress else { return }
                let columns = blocks * QuantizedMatrix.blockSize
                let rows = x.count / columns
                pool.run(count: count) { tile in
                    let row = tile * tileRows
                    UnsafeMutableRawPointer(target + tile * blocks * floats)
                        .withMemoryRebound(to: apus_activation_block.self, capacity: blocks) {
                            kernels.quantize_rows(
                                source + row * columns, columns, min(tileRows, rows - row), blocks, $0)
                        }
                }
            }
        }
        return tiles
    }
}

/// The addresses of `Panels`.
private struct PanelRange {
    /// The number of panels that a kernel call processes together.
    static let panelsTogether = 2

    let format: apus_block_format
    let base: UnsafePointer<UInt8>
    let stride: Int
    let rows: Range<Int>
    /// The number of pairs of panels.
    let pairs: Int

    init(_ panels: Panels) {
        self.format = panels.format.kernel
        self.base = UnsafePointer(panels.base)
        self.stride = panels.stride
        self.rows = panels.rows
        self.pairs = (panels.count + Self.panelsTogether - 1) / Self.panelsTogether
    }
}

/// A product with quantised weights, cut into pieces for the threads.
///
/// It holds only addresses: references that all threads count would cost more than small pieces.
private struct QuantizedProduct {
    /// Activation rows per pass over the weights: with 1,536 inputs they take 250 KB of L2 cache.
    private static let rowsPerPass = 128
    /// Multiply-adds of a few microseconds: handing out a smaller piece costs more than it saves.
    private static let minimumWork = 1 << 17

    private let activations: UnsafePointer<apus_activation_block>
    private let rows: Int
    private let ranges: UnsafeBufferPointer<PanelRange>
    private let outputs: Int
    private let blocks: Int
    private let out: MutableElements
    private let kernels: apus_quantized_kernels
    /// The number of pairs of panels in all ranges.
    private let pairs: Int
    /// The number of pieces that the pairs are divided into: a few per thread, so that a late thread delays little.
    private let across: Int

    /// A product of rows in tiles with `w`, whose `ranges` of panels, as the rows, must outlive it.
    init(
        activations: UnsafePointer<apus_activation_block>, rows: Int, w: QuantizedMatrix,
        ranges: UnsafeBufferPointer<PanelRange>, out: MutableElements, compute: Compute
    ) {
        self.activations = activations
        self.rows = rows
        self.ranges = ranges
        self.outputs = w.outputs
        self.blocks = w.blocks
        self.pairs = ranges.reduce(0) { $0 + $1.pairs }
        self.out = out
        self.kernels = compute.quantized
        let work = w.inputs * w.outputs * max(min(rows, Self.rowsPerPass), 4)
        self.across = max(1, min(compute.threads * 4, pairs, work / Self.minimumWork))
    }

    var pieces: Int { (rows + Self.rowsPerPass - 1) / Self.rowsPerPass * across }

    func run(piece: Int) {
        let (pass, part) = (piece / across, piece % across)
        let row = pass * Self.rowsPerPass
        var first = pairs * part / across
        var count = pairs * (part + 1) / across - first
        for range in ranges where count > 0 {
            let here = min(count, range.pairs - first)
            if here > 0 { multiply(pairs: first..<first + here, of: range, row: row) }
            count -= max(here, 0)
            first = max(first - range.pairs, 0)
        }
    }

    /// Multiplies the rows of a pass that begins at `row` with some of the panels of `range`.
    private func multiply(pairs: Range<Int>, of range: PanelRange, row: Int) {
        let columns = PanelRange.panelsTogether * Panels.columns
        let column = pairs.lowerBound * columns
        kernels.multiply(
            range.format, range.base + pairs.lowerBound * PanelRange.panelsTogether * range.stride, blocks,
            activations + row / Int(APUS_TILE_ROWS) * blocks,
            min(Self.rowsPerPass, rows - row), out + row * outputs + range.rows.lowerBound + column, outputs,
            min(pairs.upperBound * columns, range.rows.count) - column)
    }
}
