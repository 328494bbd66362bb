public import Checkpoints
import Tensors

// `head.safetensors`: the tensors `score.weight`, `[1, hidden]`, under the name that transformers gives the head of a
// sequence classifier, and `score.bias`, `[1]`.
extension ScalarHead {
    private static let weightName = "score.weight"
    private static let biasName = "score.bias"

    /// Reads the head in the file at `path`, which must fit hidden states of the width `hidden`.
    ///
    /// - Throws: `SafetensorsError`, or `ModelError.unknownTensor` for what is no part of a head.
    public init(path: String, hidden: Int) throws {
        let file = try SafetensorsFile(path: path)
        let known: Set = [Self.weightName, Self.biasName]
        if let unknown = file.entries.keys.filter({ !known.contains($0) }).min() {
            throw ModelError.unknownTensor(unknown)
        }
        self.init(
            weight: try file.tensor(Self.weightName, shape: [1, hidden]),
            bias: try file.tensor(Self.biasName, shape: [1]))
    }

    /// Writes the head to `path`, with notes of where it came from in the file's metadata.
    public func write(
        to path: String, as format: FloatFormat = .float32, metadata: [String: String] = [:]
    ) throws(SafetensorsError) {
        try SafetensorsFile.write(
            [Self.weightName: weight, Self.biasName: bias], as: format, metadata: metadata, to: path)
    }
}
