public import Checkpoints
public import Tensors

extension TransformerDecoder {
    /// The form of the weights in memory.
    public enum Precision: String, Sendable {
        /// As stored in the file: quantised blocks stay quantised, and activations are quantised to match. Floats are
        /// 32-bit floats.
        case asStored
        /// Floats are rounded to Q8_0 blocks; quantised blocks stay as stored.
        case q8_0
        /// Floats are rounded to bfloat16; quantised blocks stay as stored.
        case bfloat16
        /// All weights as 32-bit floats: the reference for the other forms.
        case float32
    }

    /// Loads a decoder.
    ///
    /// - Parameters:
    ///   - contextLength: the positions of a context. A larger number than the file's stretches the positions by YaRN,
    ///     which changes short answers a little too; nil or a smaller number leaves them as trained.
    ///   - progress: called with the loaded share, from 0 to 1.
    /// - Throws: `ModelError`, naming the file and the tensor.
    public convenience init(
        _ files: DecoderFiles, precision: Precision = .asStored, contextLength: Int? = nil, compute: Compute,
        progress: (Double) -> Void = { _ in }
    ) throws {
        var files = files
        if let contextLength { try files.configuration.stretch(to: contextLength) }
        let loader = DecoderLoader(files: files, precision: precision, compute: compute)
        var blocks: [Block] = []
        let layers = files.configuration.layers
        for layer in 0..<layers {
            blocks.append(try loader.block(layer))
            progress(Double(layer + 1) / Double(layers + 1))
        }
        let (embedding, output) = try loader.embeddingAndOutput()
        self.init(
            configuration: files.configuration, embedding: embedding, output: output, blocks: blocks,
            finalNorm: try files.floats(.outputNorm), precision: precision, compute: compute)
        progress(1)
    }

    /// Loads a decoder from a GGUF file.
    ///
    /// - Throws: `GGUFError` or `ModelError`, naming the key or tensor.
    public convenience init(
        _ file: GGUFFile, precision: Precision = .asStored, contextLength: Int? = nil, compute: Compute
    ) throws {
        try self.init(DecoderFiles(file), precision: precision, contextLength: contextLength, compute: compute)
    }
}

/// Reads a decoder's tensors, fuses layers with the same input and brings rows into Hugging Face order.
private struct DecoderLoader {
    let files: DecoderFiles
    let precision: TransformerDecoder.Precision
    let compute: Compute

    private var configuration: DecoderConfiguration { files.configuration }

    func block(_ layer: Int) throws -> TransformerDecoder.Block {
        TransformerDecoder.Block(
            attentionNorm: try files.floats(.attentionNorm(layer: layer)),
            queryKeyValue: try linear(.queryKeyValue, layer: layer),
            headNorms: configuration.normalizesHeads
                ? .init(
                    query: try files.floats(.queryNorm(layer: layer)), key: try files.floats(.keyNorm(layer: layer)))
                : nil,
            output: try linear(.output, layer: layer),
            feedForwardNorm: try files.floats(.feedForwardNorm(layer: layer)),
            gateUp: try linear(.gateUp, layer: layer),
            down: try linear(.down, layer: layer))
    }

    /// The token embeddings and the output projection, which share memory if they share weights.
    func embeddingAndOutput() throws -> (EmbeddingTable, LinearWeights) {
        let tensor = try files.tensor(.embedding)
        let stored = try matrix([(tensor, nil)])
        let output = configuration.hasOwnOutput ? try matrix([(files.tensor(.ownOutput), nil)]) : stored
        if case .quantized(let matrix) = stored { return (.quantized(matrix), output) }
        guard precision == .bfloat16, tensor.type != .f32 else { return (.float(tensor.floats()), output) }
        let rows = StoredRows(format: tensor.type, columns: configuration.hidden, bytes: tensor.bytes)
        return (.stored(rows), output)
    }

    /// A fused layer with its bias.
    private func linear(_ fused: FusedModule, layer: Int) throws -> LinearLayer {
        let parts = try fused.modules.map { module in
            (try files.tensor(.linear(module, layer: layer)), files.rowOrder(of: module))
        }
        return LinearLayer(weights: try matrix(parts), bias: try bias(fused, layer: layer))
    }

    /// The biases of a fused layer, 0 for parts without one; nil if no part has one.
    private func bias(_ fused: FusedModule, layer: Int) throws -> Tensor? {
        guard fused.modules.contains(where: configuration.biases.contains) else { return nil }
        let elements = try fused.modules.flatMap { module in
            configuration.biases.contains(module)
                ? try files.floats(.bias(module, layer: layer)).elements
                : Array(repeating: 0, count: module.shape(in: configuration).outputs)
        }
        return Tensor(elements, shape: [elements.count])
    }

    private typealias Part = (tensor: StoredTensor, order: HuggingFaceRowOrder?)

    /// The matrix of the tensors' rows one after the other. Blocks and floats side by side stay what they are.
    private func matrix(_ parts: [Part]) throws -> LinearWeights {
        var runs: [[Part]] = []
        for part in parts {
            if let last = runs.last?.last, isQuantized(last.tensor) == isQuantized(part.tensor) {
                runs[runs.count - 1].append(part)
            } else {
                runs.append([part])
            }
        }
        let weights = runs.map(uniform)
        return weights.count == 1 ? weights[0] : .joined(weights)
    }

    /// The matrix of tensors that are all in blocks, or rounded to them, or all floats.
    private func uniform(_ parts: [Part]) -> LinearWeights {
        let inputs = parts[0].tensor.shape[1]
        if isQuantized(parts[0].tensor) {
            let sources = parts.map { tensor, order in
                QuantizedMatrix.Source(
                    format: tensor.type, outputs: tensor.shape[0], rowOrder: order?.ggufRow(of:),
                    withBytes: { tensor.withBytes($0) })
            }
            return .quantized(QuantizedMatrix(inputs: inputs, concatenating: sources, compute: compute))
        }
        var weights = Tensor(zeros: [parts.reduce(0) { $0 + $1.tensor.shape[0] }, inputs])
        var row = 0
        for part in parts {
            let floats = part.tensor.floats()
            weights.replaceRows(from: row, with: part.order?.reordered(floats) ?? floats)
            row += floats.rows
        }
        return .float(
            PackedMatrix(weights, precision: precision == .bfloat16 ? .bfloat16 : .float32, compute: compute))
    }

    /// Whether the matrix is in blocks in memory. Rows that are not whole blocks stay floats.
    private func isQuantized(_ tensor: StoredTensor) -> Bool {
        switch precision {
        case .float32: false
        case .asStored, .bfloat16: tensor.type.blockFormat != nil
        case .q8_0: tensor.shape[1] % BlockFormat.q8_0.blockSize == 0
        }
    }
}

/// Token embeddings.
enum EmbeddingTable: Sendable {
    case quantized(QuantizedMatrix)
    case float(Tensor)
    /// Rows of 16-bit floats as in the file.
    case stored(StoredRows)

    /// The embeddings of the given tokens, `[ids, hidden]`.
    func rows(_ ids: [Int32], _ compute: Compute) -> Tensor {
        switch self {
        case .quantized(let matrix): compute.rows(ids, of: matrix)
        case .float(let table): compute.gather(ids, from: table)
        case .stored(let table): table.rows(ids)
        }
    }
}

/// A linear layer of the serving decoder, or several with the same input.
struct LinearLayer: Sendable {
    let weights: LinearWeights
    /// `[outputs]`; nil without one.
    let bias: Tensor?
}

/// The matrix of a linear layer as stored in the file: quantised blocks, or floats.
indirect enum LinearWeights: Sendable {
    case quantized(QuantizedMatrix)
    case float(PackedMatrix)
    /// Rows in several forms, one matrix after the other.
    case joined([LinearWeights])

    var byteCount: Int {
        switch self {
        case .quantized(let matrix): matrix.byteCount
        case .float(let matrix): matrix.byteCount
        case .joined(let parts): parts.reduce(0) { $0 + $1.byteCount }
        }
    }
}

extension Compute {
    /// x·wᵀ: `[rows, inputs]` to `[rows, outputs]`, plus `updates` for their rows.
    func multiply(_ x: Tensor, _ weights: LinearWeights, updates: [LowRankUpdate] = []) -> Tensor {
        switch weights {
        case .quantized(let matrix): return multiply(x, matrix, updates: updates)
        case .float(let matrix): return multiply(x, matrix, updates: updates)
        case .joined(let parts):
            var result = joinColumns(parts.map { multiply(x, $0) })
            add(updates, to: &result, of: x)
            return result
        }
    }
}
