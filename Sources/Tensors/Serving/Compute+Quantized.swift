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
        let tiles = quantizeRows(of: x, for: w.format)
        result.withMutablePointer { out in
            tiles.withUnsafeElements { tiles in
                guard let base = UnsafeRawPointer(tiles.baseAddress) else { return }
                let product = QuantizedProduct(
                    activations: base.assumingMemoryBound(to: apus_activation_block.self), rows: x.rows, w: w, out: out,
                    compute: self)
                withExtendedLifetime(w) {
                    apply(updates, to: out, columns: w.outputs, of: x, beside: product.pieces) {
                        product.run(piece: $0)
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
                    let panel = w.panels.base + row(index) / Panels.columns * w.panels.stride
                    let column = row(index) % Panels.columns
                    apus_unpack_column(w.format.kernel, panel, w.blocks, column, out + index * w.inputs)
                }
            }
        }
        return result
    }

    /// The tiles of eight rows of `x`. The buffer is a tensor only to reuse recycled memory.
    private func quantizeRows(of x: Tensor, for format: BlockFormat) -> Tensor {
        let tileRows = Int(APUS_TILE_ROWS)
        let blocks = x.columns / BlockFormat.blockSize
        let count = (x.rows + tileRows - 1) / tileRows
        let floats = MemoryLayout<apus_activation_block>.stride / MemoryLayout<Float>.stride
        var tiles = uninitialized([count, blocks * floats])
        let zeroPoint = apus_block_zero_point(format.kernel)
        let kernels = quantized
        x.withUnsafeElements { x in
            tiles.withUnsafeMutableElements { tiles in
                guard let source = x.baseAddress, let target = tiles.baseAddress else { return }
                let columns = blocks * BlockFormat.blockSize
                let rows = x.count / columns
                pool.run(count: count) { tile in
                    let row = tile * tileRows
                    UnsafeMutableRawPointer(target + tile * blocks * floats)
                        .withMemoryRebound(to: apus_activation_block.self, capacity: blocks) {
                            kernels.quantize_rows(
                                source + row * columns, columns, min(tileRows, rows - row), blocks, zeroPoint, $0)
                        }
                }
            }
        }
        return tiles
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
    /// The number of panels that a kernel call processes together.
    private static let panelsTogether = 2

    private let activations: UnsafePointer<apus_activation_block>
    private let rows: Int
    private let weights: UnsafePointer<UInt8>
    private let format: apus_block_format
    private let outputs: Int
    private let blocks: Int
    private let panelBytes: Int
    private let out: MutableElements
    private let kernels: apus_quantized_kernels
    /// The number of pairs of panels.
    private let pairs: Int
    /// The number of pieces that the pairs are divided into: a few per thread, so that a late thread delays little.
    private let across: Int

    /// A product of rows in tiles with `w`, both of which must outlive it.
    init(
        activations: UnsafePointer<apus_activation_block>, rows: Int, w: QuantizedMatrix, out: MutableElements,
        compute: Compute
    ) {
        self.activations = activations
        self.rows = rows
        self.weights = UnsafePointer(w.panels.base)
        self.format = w.format.kernel
        self.outputs = w.outputs
        self.blocks = w.blocks
        self.pairs = (w.panels.count + Self.panelsTogether - 1) / Self.panelsTogether
        self.panelBytes = w.panels.stride
        self.out = out
        self.kernels = compute.quantized
        let work = w.inputs * w.outputs * max(min(rows, Self.rowsPerPass), 4)
        self.across = max(1, min(compute.threads * 4, pairs, work / Self.minimumWork))
    }

    var pieces: Int { (rows + Self.rowsPerPass - 1) / Self.rowsPerPass * across }

    func run(piece: Int) {
        let (pass, part) = (piece / across, piece % across)
        let row = pass * Self.rowsPerPass
        let (first, last) = (pairs * part / across, pairs * (part + 1) / across)
        let columns = Self.panelsTogether * Panels.columns
        let column = first * columns
        kernels.multiply(
            format, weights + first * Self.panelsTogether * panelBytes, blocks,
            activations + row / Int(APUS_TILE_ROWS) * blocks,
            min(Self.rowsPerPass, rows - row), out + row * outputs + column, outputs,
            min(last * columns, outputs) - column)
    }
}
