import Checkpoints
import Foundation
import Models
import Support
import Tensors
import TestSupport
import Testing

private func small(scale: Int = 2, stem: [Int] = []) throws -> VisionConfiguration {
    try VisionConfiguration(
        imageSize: 8 * scale, patchSize: 4, hidden: 6, layers: 2, heads: 2, feedForward: 10, scale: scale,
        textHidden: 5, stem: stem)
}

/// Weights, including norms and biases, that are all far from zero and from each other.
private func weights(_ configuration: VisionConfiguration, seed: UInt64) -> VisionWeights {
    var generator = SplitMix64(seed: seed, stream: 0)
    var weights = VisionWeights(configuration: configuration, using: &generator)
    for (index, name) in weights.parameters.names.enumerated() {
        let shape = weights.parameters.tensors[index].shape
        let inputs = max(1, shape.dropFirst().reduce(1, *))
        let noise = Tensor(normal: 1 / Float(inputs).squareRoot(), shape, using: &generator).elements
        let center: Float = name.contains("norm") && name.hasSuffix("weight") ? 1 : 0
        weights.parameters.tensors[index] = Tensor(noise.map { center + 0.5 * $0 }, shape: shape)
    }
    return weights
}

@Suite struct VisionEncoderTests {
    private let compute = Compute(threads: 2)

    /// The loss Σ tokens · a + Σ features · b, in double precision.
    private func loss(_ pixels: Tensor, _ weights: VisionWeights, _ a: Tensor, _ b: Tensor) -> Double {
        let pass = VisionPass(pixels, weights: weights, on: compute)
        func dot(_ x: Tensor, _ y: Tensor) -> Double {
            zip(x.elements, y.elements).reduce(0) { $0 + Double($1.0) * Double($1.1) }
        }
        return dot(pass.connect(weights: weights).tokens, a) + dot(pass.features, b)
    }

    @Test(arguments: [1, 2, 3]) func gradientsAreTheLossesSlopes(scale: Int) throws {
        let configuration = try small(scale: scale)
        var generator = SplitMix64(seed: 7, stream: 0)
        var weights = weights(configuration, seed: 8)
        let pixels = Tensor(normal: 1, [2, 3, 8 * scale, 8 * scale], using: &generator)
        let pass = VisionPass(pixels, weights: weights, on: compute)
        let (tokens, shuffled) = pass.connect(weights: weights)
        let a = Tensor(normal: 1, tokens.shape, using: &generator)
        let b = Tensor(normal: 1, pass.features.shape, using: &generator)
        var gradients = weights.parameters.zeros()
        var dfeatures = pass.connectBackward(a, shuffled: shuffled, weights: weights, gradients: &gradients)
        compute.add(&dfeatures, b)
        pass.backward(dfeatures, weights: weights, gradients: &gradients)
        for (index, name) in weights.parameters.names.enumerated() where !name.hasSuffix("k_proj.bias") {
            // Along the gradient itself the slope is its norm, so that single-precision rounding matters least.
            let (start, gradient) = (weights.parameters.tensors[index], gradients.tensors[index])
            let norm = compute.squaredNorm(gradient).squareRoot()
            try #require(norm > 1e-3, "\(name) has no gradient")
            let step = 4e-3
            func shifted(_ sign: Double) -> Double {
                var moved = start
                compute.add(&moved, gradient, scale: Float(sign * step / norm))
                weights.parameters.tensors[index] = moved
                defer { weights.parameters.tensors[index] = start }
                return loss(pixels, weights, a, b)
            }
            let slope = (shifted(1) - shifted(-1)) / (2 * step)
            #expect(abs(slope - norm) < 5e-3 * norm, "\(name): slope \(slope), gradient \(norm)")
        }
    }

    @Test(arguments: [[], [16, 32]]) func aViewIsEncodedTheSameWhateverIsBesideIt(stem: [Int]) throws {
        let configuration = try VisionConfiguration(
            imageSize: 64, patchSize: 8, hidden: 48, layers: 2, heads: 3, feedForward: 96, scale: 2, textHidden: 40,
            stem: stem)
        let encoder = VisionEncoder(weights(configuration, seed: 1), on: compute)
        var generator = SplitMix64(seed: 2, stream: 0)
        let pixels = Tensor(normal: 1, [11, 3, 64, 64], using: &generator)
        let together = encoder.encode(pixels)
        #expect(together.shape == [11 * 16, 40])
        for tile in [0, 4, 7, 8, 10] {
            let lines = pixels.reshaped([11 * 3, 64 * 64]).rows(tile * 3..<tile * 3 + 3)
            let alone = encoder.encode(lines.reshaped([1, 3, 64, 64]))
            #expect(alone.elements == together.rows(tile * 16..<(tile + 1) * 16).elements)
        }
    }

    /// Heads of 16 elements, and heads that the kernels pad.
    @Test(arguments: [(48, 3), (72, 3)]) func integersAreCloseToFloats(hidden: Int, heads: Int) throws {
        let configuration = try VisionConfiguration(
            imageSize: 160, patchSize: 8, hidden: hidden, layers: 3, heads: heads, feedForward: 128, scale: 2,
            textHidden: 40)
        let weights = weights(configuration, seed: 11)
        let reference = VisionEncoder(weights, on: compute)
        let encoder = VisionEncoder(weights, arithmetic: .integers, on: compute)
        var generator = SplitMix64(seed: 12, stream: 0)
        let pixels = Tensor(normal: 1, [2, 3, 160, 160], using: &generator)
        let (expected, found) = (reference.encode(pixels), encoder.encode(pixels))
        for row in 0..<expected.rows {
            let (a, b) = (expected.rows(row..<row + 1).elements, found.rows(row..<row + 1).elements)
            let dot = zip(a, b).reduce(0) { $0 + $1.0 * $1.1 }
            let norms = a.reduce(0) { $0 + $1 * $1 } * b.reduce(0) { $0 + $1 * $1 }
            #expect(dot / norms.squareRoot() > 0.999)
        }
        let second = encoder.encode(pixels.reshaped([6, 160 * 160]).rows(3..<6).reshaped([1, 3, 160, 160]))
        #expect(second.elements == found.rows(100..<200).elements)
    }

    @Test func trainingAndServingAgree() throws {
        let configuration = try small()
        let weights = weights(configuration, seed: 3)
        var generator = SplitMix64(seed: 4, stream: 0)
        let pixels = Tensor(normal: 1, [3, 3, 16, 16], using: &generator)
        let trained = VisionPass(pixels, weights: weights, on: compute).connect(weights: weights).tokens
        #expect(relativeError(VisionEncoder(weights, on: compute).encode(pixels), trained) < 1e-5)
    }

    @Test func sizesThatDoNotFitAreRefused() {
        func sizes(
            image: Int = 64, patch: Int = 8, hidden: Int = 12, heads: Int = 3, scale: Int = 2, stem: [Int] = []
        ) -> VisionError? {
            do throws(VisionError) {
                _ = try VisionConfiguration(
                    imageSize: image, patchSize: patch, hidden: hidden, layers: 1, heads: heads, feedForward: 8,
                    scale: scale, textHidden: 4, stem: stem)
                return nil
            } catch {
                return error
            }
        }
        #expect(sizes() == nil)
        #expect("\(String(describing: sizes(image: 60)))".contains("image_size 60"))
        #expect("\(String(describing: sizes(scale: 3)))".contains("scale_factor 3"))
        #expect("\(String(describing: sizes(heads: 5)))".contains("num_attention_heads 5"))
        #expect("\(String(describing: sizes(patch: 0)))".contains("patch_size is 0"))
        #expect(sizes(stem: [4, 6]) == nil)
        for stem in [[4], [4, 6, 8], [4, 0], Array(repeating: 1, count: 70)] {
            #expect("\(String(describing: sizes(stem: stem)))".contains("a stem of"))
        }
        #expect("\(String(describing: sizes(hidden: .max)))".contains("hidden_size is"))
    }
}

@Suite struct VisionWeightsFileTests {
    @Test(arguments: [[], [7]]) func whatIsWrittenIsRead(stem: [Int]) throws {
        try withTemporaryFolder { folder throws in
            let path = folder.appendingPathComponent("model.safetensors").path
            let weights = weights(try small(stem: stem), seed: 5)
            try weights.write(to: path)
            let read = try VisionWeights(path: path)
            #expect(read.configuration == weights.configuration)
            #expect(read.parameters.names == weights.parameters.names)
            #expect(zip(read.parameters.tensors, weights.parameters.tensors).allSatisfy { $0.elements == $1.elements })
        }
    }

    /// The error of reading a file after `change` has damaged its tensors or metadata.
    private func failure(_ change: (inout [String: Tensor], inout [String: String]) -> Void) throws -> VisionError? {
        try withTemporaryFolder { folder throws in
            let path = folder.appendingPathComponent("model.safetensors").path
            try weights(try small(), seed: 5).write(to: path)
            let file = try SafetensorsFile(path: path)
            var tensors: [String: Tensor] = [:]
            for name in file.entries.keys { tensors[name] = try file.tensor(name) }
            var metadata = file.metadata
            change(&tensors, &metadata)
            try SafetensorsFile.write(tensors, as: .float32, metadata: metadata, to: path)
            do {
                _ = try VisionWeights(path: path)
                return nil
            } catch let error as VisionError {
                return error
            }
        }
    }

    @Test func aWrongFileIsRefusedByName() throws {
        let norm = "model.vision_model.post_layernorm.bias"
        #expect(try failure { _, _ in } == nil)
        #expect(try failure { tensors, _ in tensors[norm] = nil } == .missingTensor(norm))
        #expect(try failure { tensors, _ in tensors["extra"] = Tensor(zeros: [2]) } == .unknownTensor("extra"))
        #expect(
            try failure { tensors, _ in tensors[norm] = Tensor(zeros: [7]) }
                == .shape(norm, expected: [6], found: [7]))
        #expect(try failure { _, metadata in metadata["scale_factor"] = nil } == .metadata("scale_factor"))
        #expect(try failure { _, metadata in metadata["patch_size"] = "four" } == .metadata("patch_size"))
        #expect(try failure { _, metadata in metadata["stem"] = "7,x" } == .metadata("stem"))
        #expect(try failure { _, metadata in metadata["image_size"] = "4611686018427387904" } != nil)
    }
}
