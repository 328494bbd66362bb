public import Checkpoints
public import Tensors

extension TransformerDecoder {
    /// The precision of the weights in memory.
    public enum Precision: Sendable {
        /// As stored in the file: quantised blocks stay quantised, and activations are quantised to match.
        case asStored
        /// All weights as 32-bit floats: the reference for the quantised path.
        case float32
    }

    /// Loads a decoder from a GGUF file of architecture `llama`.
    ///
    /// - Parameters:
    ///   - contextLength: the positions of a context. A larger number than the file's stretches the positions by YaRN,
    ///     which changes short answers a little too; nil or a smaller number leaves them as trained.
    ///   - progress: called with the loaded share, from 0 to 1.
    /// - Throws: `GGUFError` or `ModelError`, naming the key or tensor.
    public convenience init(
        _ file: GGUFFile, precision: Precision = .asStored, contextLength: Int? = nil, compute: Compute,
        progress: (Double) -> Void = { _ in }
    ) throws {
        var configuration = try DecoderConfiguration(file)
        if let contextLength { try configuration.stretch(to: contextLength) }
        let loader = DecoderLoader(file: file, configuration: configuration, precision: precision, compute: compute)
        try loader.checkNames()
        var blocks: [Block] = []
        for layer in 0..<configuration.layers {
            blocks.append(try loader.block(layer))
            progress(Double(layer + 1) / Double(configuration.layers + 1))
        }
        self.init(
            configuration: configuration, embedding: try loader.embedding(), blocks: blocks,
            finalNorm: try loader.floats(.outputNorm), compute: compute)
        progress(1)
    }
}

/// Reads a decoder's tensors, checks their shapes, fuses layers with the same input and brings rows into Hugging Face
/// order.
private struct DecoderLoader {
    let file: GGUFFile
    let configuration: DecoderConfiguration
    let precision: TransformerDecoder.Precision
    let compute: Compute

    func checkNames() throws {
        var known: Set = [DecoderWeight.embedding.ggufName, DecoderWeight.outputNorm.ggufName]
        for layer in 0..<configuration.layers {
            known.insert(DecoderWeight.attentionNorm(layer: layer).ggufName)
            known.insert(DecoderWeight.feedForwardNorm(layer: layer).ggufName)
            for module in AdapterModule.allCases { known.insert(DecoderWeight.linear(module, layer: layer).ggufName) }
        }
        if let unknown = file.tensors.keys.filter({ !known.contains($0) }).min() {
            throw ModelError.unknownTensor(unknown)
        }
    }

    func block(_ layer: Int) throws -> TransformerDecoder.Block {
        TransformerDecoder.Block(
            attentionNorm: try floats(.attentionNorm(layer: layer)),
            queryKeyValue: try linear(.queryKeyValue, layer: layer),
            output: try linear(.output, layer: layer),
            feedForwardNorm: try floats(.feedForwardNorm(layer: layer)),
            gateUp: try linear(.gateUp, layer: layer),
            down: try linear(.down, layer: layer))
    }

    func embedding() throws -> EmbeddingTable {
        let tensor = try tensor(.embedding)
        if precision == .asStored, let format = tensor.type.blockFormat {
            return .quantized(
                QuantizedMatrix(
                    format: format, outputs: configuration.vocabulary, inputs: configuration.hidden,
                    blocks: tensor.bytes, compute: compute))
        }
        let floats = tensor.floats()
        return .float(floats, PackedMatrix(floats, precision: .float32, compute: compute))
    }

    func floats(_ weight: DecoderWeight) throws -> Tensor {
        try tensor(weight).floats()
    }

    private func tensor(_ weight: DecoderWeight) throws -> GGUFTensor {
        try file.tensor(weight, of: configuration)
    }

    /// A fused layer; quantised only if all of its layers are.
    private func linear(_ fused: FusedModule, layer: Int) throws -> LinearWeights {
        let matrices = try fused.modules.map { module in
            (tensor: try tensor(.linear(module, layer: layer)), order: module.rowOrder(in: configuration))
        }
        let inputs = matrices[0].tensor.shape[1]
        let outputs = matrices.reduce(0) { $0 + $1.tensor.shape[0] }
        if precision == .asStored, matrices.allSatisfy({ $0.tensor.type.blockFormat != nil }) {
            let sources = matrices.map { tensor, order in
                QuantizedMatrix.Source(
                    format: tensor.type, outputs: tensor.shape[0], rowOrder: order?.ggufRow(of:),
                    withBytes: { tensor.withBytes($0) })
            }
            return .quantized(QuantizedMatrix(inputs: inputs, concatenating: sources, compute: compute))
        }
        var weights = Tensor(zeros: [outputs, inputs])
        var row = 0
        for matrix in matrices {
            let floats = matrix.tensor.floats()
            weights.replaceRows(from: row, with: matrix.order?.reordered(floats) ?? floats)
            row += floats.rows
        }
        return .float(PackedMatrix(weights, precision: .float32, compute: compute))
    }
}
