import Models
import Support
import Tensors

/// Times the matrix products of training against the peak of the processor's arithmetic units.
struct ProductBenchmark {
    let configuration: DecoderConfiguration
    let compute: Compute
    let stopwatch: Stopwatch

    /// Rows of a usual training batch.
    private static let rows = 640
    /// Steps in a row per repeat: some tens of milliseconds.
    private static let steps = 4_000_000

    /// The peak, the rate of a block's frozen products forward and backward, and its share of the peak in per cent: for
    /// single precision and, if the processor has it, bfloat16.
    func run() -> [BenchmarkMetric] {
        precisions.flatMap { precision, name in
            let peak = peak(precision, name)
            let products = products(precision)
            let reached = stopwatch.operations("\(name) training products") {
                products.reduce(0) { sum, product in
                    _ = compute.multiply(product.x, product.w)
                    return sum + 2 * Self.rows * product.w.inputs * product.w.outputs
                }
            }
            return [peak, reached, reached.share(1, of: peak, name: "of the peak")]
        }
    }

    /// The peaks measured again, with `suffix` after their names.
    func peaks(_ suffix: String) -> [BenchmarkMetric] { precisions.map { peak($0, $1, suffix) } }

    private var precisions: [(Precision, String)] {
        compute.multipliesBFloat16 ? [(.float32, "fp32"), (.bfloat16, "bf16")] : [(.float32, "fp32")]
    }

    private func peak(_ precision: Precision, _ name: String, _ suffix: String = "") -> BenchmarkMetric {
        stopwatch.operations("\(name) peak\(suffix)") { compute.saturate(precision, steps: Self.steps) }
    }

    /// The fused layers of one block, and their transposes for the backward pass.
    private func products(_ precision: Precision) -> [(x: Tensor, w: PackedMatrix)] {
        let c = configuration
        let layers = [
            (c.hidden, c.queryWidth + 2 * c.kvWidth), (c.queryWidth, c.hidden), (c.hidden, 2 * c.feedForward),
            (c.feedForward, c.hidden),
        ]
        var generator = SplitMix64(seed: 0, stream: 0)
        return (layers + layers.map { ($0.1, $0.0) }).map { inputs, outputs in
            let w = Tensor(normal: 0.02, [outputs, inputs], using: &generator)
            return (
                Tensor(normal: 1, [Self.rows, inputs], using: &generator),
                PackedMatrix(w, precision: precision, compute: compute)
            )
        }
    }
}
