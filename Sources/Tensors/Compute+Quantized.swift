import CKernels

extension Compute {
    /// x · wᵀ: [rows, inputs] times [outputs, inputs] gives [rows, outputs].
    ///
    /// Each row of `x` is rounded to 8 bits per block of 32, with the block's largest magnitude at 127. Non-finite
    /// elements give non-finite results.
    public func multiply(_ x: Tensor, _ w: QuantizedMatrix) -> Tensor {
        let results = multiply(x, w, splitting: [w.outputs])
        return results[0]
    }

    /// x · wᵀ as several tensors [rows, width], one for each of `widths`, which sum to the outputs of `w`; all but the
    /// last are multiples of 16.
    ///
    /// The parts of a matrix that was concatenated, without a copy.
    public func multiply(_ x: Tensor, _ w: QuantizedMatrix, splitting widths: [Int]) -> [Tensor] {
        precondition(x.columns == w.inputs, "\(x.shape) times [\(w.outputs), \(w.inputs)]")
        precondition(widths.reduce(0, +) == w.outputs, "\(widths) do not sum to \(w.outputs)")
        precondition(widths.dropLast().allSatisfy { $0 % Panels.columns == 0 }, "\(widths) are not whole panels")
        let rows = x.rows
        var results = widths.map { Tensor(uninitialized: [rows, $0]) }
        guard rows > 0 else { return results }
        let tiles = quantizeRows(of: x, for: w.format)
        var targets: [PanelTarget] = []
        for index in results.indices {
            results[index].withUnsafeMutableElements { elements in
                for column in stride(from: 0, to: widths[index], by: Panels.columns) {
                    guard let base = elements.baseAddress else { continue }
                    let columns = min(Panels.columns, widths[index] - column)
                    targets.append(PanelTarget(out: base + column, stride: widths[index], columns: columns))
                }
            }
        }
        multiply(tiles, rows: rows, w, targets)
        return results
    }

    /// The rows of `w` that `ids` name, in fp32: [ids, inputs].
    public func rows(_ ids: [Int32], of w: QuantizedMatrix) -> Tensor {
        precondition(ids.allSatisfy { $0 >= 0 && Int($0) < w.outputs }, "a row is not in 0..<\(w.outputs)")
        return unpack(w, count: ids.count) { Int(ids[$0]) }
    }

    /// All weights in fp32: [outputs, inputs].
    public func dequantize(_ w: QuantizedMatrix) -> Tensor {
        unpack(w, count: w.outputs) { $0 }
    }

    private func unpack(_ w: QuantizedMatrix, count: Int, row: (Int) -> Int) -> Tensor {
        var result = Tensor(uninitialized: [count, w.inputs])
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

    /// Rows of activations that a pass over the weights works on: with 1,536 inputs they take 250 KB of L2 cache.
    private static let rowsPerPass = 128

    /// The tiles of eight rows of `x`, in a buffer that is a tensor only for its recycled memory.
    private func quantizeRows(of x: Tensor, for format: BlockFormat) -> Tensor {
        let tileRows = Int(APUS_TILE_ROWS)
        let blocks = x.columns / BlockFormat.blockSize
        let count = (x.rows + tileRows - 1) / tileRows
        let floats = MemoryLayout<apus_activation_block>.stride / MemoryLayout<Float>.stride
        var tiles = Tensor(uninitialized: [count, blocks * floats])
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

    private func multiply(_ tiles: Tensor, rows: Int, _ w: QuantizedMatrix, _ targets: [PanelTarget]) {
        let rowsPerPass = Self.rowsPerPass
        let passes = (rows + rowsPerPass - 1) / rowsPerPass
        let columnPieces = pieces(of: w, rows: min(rows, rowsPerPass))
        let kernels = quantized
        tiles.withUnsafeElements { tiles in
            guard let base = UnsafeRawPointer(tiles.baseAddress) else { return }
            let activations = base.assumingMemoryBound(to: apus_activation_block.self)
            pool.run(count: passes * columnPieces) { piece in
                let first = piece / columnPieces * rowsPerPass
                let part = piece % columnPieces
                let pass = activations + first / Int(APUS_TILE_ROWS) * w.blocks
                for panel in w.panels.count * part / columnPieces..<w.panels.count * (part + 1) / columnPieces {
                    let target = targets[panel]
                    kernels.multiply(
                        w.format.kernel, w.panels.base + panel * w.panels.stride, w.blocks, pass,
                        min(rowsPerPass, rows - first), target.out + first * target.stride, target.stride,
                        target.columns)
                }
            }
        }
    }

    /// Pieces that the panels are dealt out in: a few a thread, so that a late thread holds up little, but none so small
    /// that handing it out costs more than its work.
    private func pieces(of w: QuantizedMatrix, rows: Int) -> Int {
        let least = 1 << 17  // multiply-adds, some microseconds
        let panelWork = w.inputs * Panels.columns * max(rows, 4)
        return max(1, min(threads * 4, w.panels.count, w.panels.count * panelWork / least))
    }
}

/// Where the results of one panel go.
private struct PanelTarget {
    let out: UnsafeMutablePointer<Float>
    let stride: Int
    let columns: Int
}
