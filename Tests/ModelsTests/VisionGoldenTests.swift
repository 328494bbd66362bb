import Checkpoints
import Foundation
import Models
import Support
import Tensors
import TestSupport
import Testing

/// One case of `make_vision.py`: weights, pixels and the results of transformers in double precision.
private struct GoldenCase: Decodable {
    let image: Int
    let patch: Int
    let hidden: Int
    let layers: Int
    let heads: Int
    let ffn: Int
    let scale: Int
    let text: Int
    let stem: [Int]

    func configuration() throws -> VisionConfiguration {
        try VisionConfiguration(
            imageSize: image, patchSize: patch, hidden: hidden, layers: layers, heads: heads, feedForward: ffn,
            scale: scale, textHidden: text, stem: stem)
    }
}

private struct Golden: Decodable {
    struct Buckets: Decodable {
        let side: Int
        let count: Int
        let buckets: [Int]
    }
    let cases: [String: GoldenCase]
    let buckets: [Buckets]

    static func load() throws -> Golden {
        try JSONDecoder().decode(Golden.self, from: Data(contentsOf: fixtureURL("vision.json")))
    }
}

/// The weights of a case, and the file with its other tensors.
private func golden(_ name: String) throws -> (weights: VisionWeights, file: SafetensorsFile) {
    let golden = try #require(try Golden.load().cases[name])
    let file = try SafetensorsFile(path: fixtureURL("vision_\(name).safetensors").path)
    var generator = SplitMix64(seed: 0, stream: 0)
    var weights = VisionWeights(configuration: try golden.configuration(), using: &generator)
    for name in weights.parameters.names where file.entries[name] != nil {
        weights.parameters[name] = try file.tensor(name, shape: weights.parameters[name].shape)
    }
    return (weights, file)
}

/// The largest difference relative to the largest expected value, which must not be near zero itself.
func relativeError(_ found: Tensor, _ expected: Tensor) -> Float {
    guard found.count == expected.count else { return .infinity }
    let largest = expected.elements.reduce(0) { max($0, abs($1)) }
    guard largest > 1e-6 else { return .infinity }
    return zip(found.elements, expected.elements).reduce(0) { max($0, abs($1.0 - $1.1)) } / largest
}

@Suite struct VisionGoldenTests {
    private let compute = Compute(threads: 2)

    @Test(arguments: ["square", "six", "wide", "stem"]) func everyBlockAgreesWithTransformers(name: String) throws {
        let (weights, file) = try golden(name)
        let pass = VisionPass(try file.tensor("pixels"), weights: weights, on: compute)
        #expect(relativeError(pass.embeddings, try file.tensor("output.embeddings")) < 1e-5)
        for (layer, output) in pass.blockOutputs.enumerated() {
            #expect(relativeError(output, try file.tensor("output.layer.\(layer)")) < 1e-5, "block \(layer)")
        }
        #expect(relativeError(pass.features, try file.tensor("output.norm")) < 1e-5)
        if file.entries["output.connector"] != nil {
            let tokens = pass.connect(weights: weights).tokens
            #expect(relativeError(tokens, try file.tensor("output.connector")) < 1e-5)
        }
    }

    @Test(arguments: ["square", "six", "wide", "stem"]) func everyGradientAgreesWithPyTorch(name: String) throws {
        let (weights, file) = try golden(name)
        let pass = VisionPass(try file.tensor("pixels"), weights: weights, on: compute)
        var gradients = weights.parameters.zeros()
        let dlast = try file.tensor("loss_weights")
        let dfeatures: Tensor
        if file.entries["output.connector"] != nil {
            let rows = dlast.reshaped([dlast.rows, dlast.columns])
            dfeatures = pass.connectBackward(
                rows, shuffled: pass.connect(weights: weights).shuffled, weights: weights, gradients: &gradients)
        } else {
            dfeatures = dlast.reshaped([dlast.rows, dlast.columns])
        }
        let dembeddings = pass.backward(dfeatures, weights: weights, gradients: &gradients)
        let dpixels = pass.pixelGradient(dembeddings, weights: weights)
        #expect(relativeError(dpixels, try file.tensor("grad.pixels")) < 1e-4)
        var compared = 0
        for name in gradients.names where file.entries["grad." + name] != nil {
            #expect(relativeError(gradients[name], try file.tensor("grad." + name)) < 1e-4, "\(name)")
            compared += 1
        }
        #expect(compared == file.entries.keys.filter { $0.hasPrefix("grad.model.") }.count)
    }

    @Test(arguments: ["square", "six", "stem"]) func servingAgreesWithTransformers(name: String) throws {
        let (weights, file) = try golden(name)
        let encoder = VisionEncoder(weights, on: compute)
        let tokens = encoder.encode(try file.tensor("pixels"))
        #expect(relativeError(tokens, try file.tensor("output.connector")) < 1e-5)
    }

    @Test func positionsFallIntoTheReferencesBuckets() throws {
        for row in try Golden.load().buckets {
            #expect(
                VisionPatches.buckets(row.count, of: row.side) == row.buckets, "\(row.count) patches of \(row.side)")
        }
    }
}
