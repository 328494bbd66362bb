import Models
import Support
import Tensors

/// This machine's peaks, and how close the quantised products come to them.
struct RoofBenchmark {
    let compute: Compute
    let stopwatch: Stopwatch

    /// Steps in a row per repeat: some tens of milliseconds.
    private static let steps = 8_000_000
    /// Larger than any cache.
    private static let bytes = 256 << 20
    /// Rows of a prefill step.
    private static let rows = 512
    /// Decoder blocks in a row per repeat: some tens of milliseconds.
    private static let blocks = 16

    /// Integer multiplications and additions, the operations of quantised products.
    func integers(_ suffix: String = "") -> BenchmarkMetric {
        stopwatch.operations("integer peak" + suffix) { compute.saturateIntegers(steps: Self.steps) }
    }

    /// Reading memory from start to end.
    func memory(_ suffix: String = "") -> BenchmarkMetric {
        let memory = StreamedMemory(bytes: Self.bytes)
        return stopwatch.gigabytes("memory read" + suffix, count: Self.bytes) { compute.read(memory) }
    }

    /// The matrices of a decoder block in the format of the shipped model, with 512 rows in tiles as in a prefill.
    func products(_ configuration: DecoderConfiguration, peak: BenchmarkMetric) -> [BenchmarkMetric] {
        let c = configuration
        let layers = [
            (c.hidden, c.queryWidth + 2 * c.kvWidth), (c.queryWidth, c.hidden), (c.hidden, 2 * c.feedForward),
            (c.feedForward, c.hidden),
        ]
        let bounds = DecoderRowTile.bounds(of: Self.rows, threads: compute.threads)
        var generator = SplitMix64(seed: 0, stream: 0)
        let products = layers.map { inputs, outputs in
            let format = BlockFormat.q4_1
            let blocks = [UInt8](repeating: 0, count: inputs / format.blockSize * format.blockBytes * outputs)
            let x = Tensor(normal: 1, [Self.rows, inputs], using: &generator)
            return (
                parts: bounds.map(x.rows),
                w: QuantizedMatrix(
                    format: format, outputs: outputs, inputs: inputs, blocks: blocks, compute: compute)
            )
        }
        let reached = stopwatch.operations("Q4_1 products") {
            (0..<Self.blocks).reduce(0) { sum, _ in
                products.reduce(sum) { sum, product in
                    _ = compute.map(product.parts) { compute.alone.multiply($0, product.w) }
                    return sum + 2 * Self.rows * product.w.inputs * product.w.outputs
                }
            }
        }
        return [reached, reached.share(1, of: peak, name: "of the peak")]
    }
}
