import Checkpoints
import Foundation
import Support
import Tensors
import Tokenizers

extension ModelCheckpoint {
    /// The format of the matrices in a GGUF file.
    public enum MatrixFormat: String, CaseIterable, Sendable {
        /// Blocks of 32 signed bytes with a scale.
        case q8_0
        /// The upper halves of 32-bit floats.
        case bf16
        /// IEEE half floats.
        case f16
        /// 32-bit floats.
        case f32

        fileprivate var element: ElementFormat {
            switch self {
            case .q8_0: .blocks(.q8_0)
            case .bf16: .bf16
            case .f16: .f16
            case .f32: .f32
            }
        }

        /// llama.cpp's code for a file whose matrices are in this format (`llama.h`, `enum llama_ftype`).
        fileprivate var fileType: UInt32 {
            switch self {
            case .f32: 0
            case .f16: 1
            case .q8_0: 7
            case .bf16: 32
            }
        }
    }

    /// Writes the decoder, the tokens and the chat template as a GGUF file, as llama.cpp's converter does.
    ///
    /// Matrices are rounded to `format`, or to F16 where `format` has blocks and a row is not whole ones; vectors are
    /// 32-bit floats. The metadata of a GGUF file stays as it is, and so do its quantised matrices. The vision of a
    /// folder is not written.
    ///
    /// - Throws: `CheckpointError` with the option of the model that GGUF cannot express, or `FileError`.
    public func writeGGUF(to path: String, as format: MatrixFormat) throws {
        var writer = GGUFWriter()
        if isFolder {
            try addMetadata(to: &writer, format)
            try addTensors(to: &writer, format)
        } else {
            try add(GGUFFile(path: self.path), to: &writer, format)
        }
        try writer.write(to: path)
    }

    private static let fileType = "general.file_type"
    private static let quantization = "general.quantization_version"

    private func add(_ file: GGUFFile, to writer: inout GGUFWriter, _ format: MatrixFormat) {
        let tensors = file.orderedTensors
        let isFloat = tensors.allSatisfy { $0.type.blockFormat == nil }
        let replaced = Set(["general.alignment", Self.quantization] + (isFloat ? [Self.fileType] : []))
        for (key, value) in file.storedMetadata where !replaced.contains(key) { writer.add(key, value) }
        if isFloat { writer.add(Self.fileType, .uint32(format.fileType)) }
        writer.add(Self.quantization, .uint32(2))
        for tensor in tensors { writer.add(tensor, as: tensor.name, format.element) }
    }

    private func addMetadata(to writer: inout GGUFWriter, _ format: MatrixFormat) throws(CheckpointError) {
        writer.add("general.architecture", .string(decoder.architecture.rawValue))
        writer.add("general.type", .string("model"))
        writer.add("general.name", .string(URL(fileURLWithPath: path).lastPathComponent))
        writer.add(Self.fileType, .uint32(format.fileType))
        writer.add(Self.quantization, .uint32(2))
        do {
            for (key, value) in try decoder.configuration.metadata(of: decoder.architecture) { writer.add(key, value) }
        } catch {
            throw CheckpointError("\(path)/config.json", "\(error.description). Serve the folder itself instead")
        }
        let fields: VocabularyFields
        do { fields = try vocabulary.fields() } catch {
            throw CheckpointError("\(path)/tokenizer.json", "\(error.description). Serve the folder itself instead")
        }
        for (key, value) in fields.metadata { writer.add(key, value) }
        if let chatTemplate { writer.add("tokenizer.chat_template", .string(chatTemplate)) }
    }

    private func addTensors(to writer: inout GGUFWriter, _ format: MatrixFormat) throws(CheckpointError) {
        let configuration = decoder.configuration
        for weight in DecoderWeight.all(in: configuration) {
            var order: HuggingFaceRowOrder?
            if case .linear(let module, _) = weight { order = module.rowOrder(in: configuration) }
            if case .bias(let module, _) = weight { order = module.rowOrder(in: configuration) }
            if !decoder.architecture.interleavesHeads { order = nil }
            writer.add(try decoder.tensor(weight), as: weight.ggufName, format.element, order: order)
        }
        if let divisors = configuration.rotaryDivisors {
            writer.addTensor(DecoderWeight.rotaryFactors.ggufName, shape: [divisors.count], divisors)
        }
    }
}

extension GGUFWriter {
    /// Adds a tensor of a decoder: floats of matrices in `format`, vectors as 32-bit floats, blocks as they are.
    ///
    /// - Parameter order: how the rows are interleaved; nil if they are not.
    fileprivate mutating func add(
        _ tensor: StoredTensor, as name: String, _ format: ElementFormat, order: HuggingFaceRowOrder? = nil
    ) {
        guard tensor.type.blockFormat == nil else {
            addTensor(name, shape: tensor.shape, type: tensor.type) { append throws(FileError) in
                try append(tensor.bytes)
            }
            return
        }
        let isMatrix = tensor.shape.count == 2
        let isWhole = (tensor.shape.last ?? 1) % format.blockSize == 0
        let format = !isMatrix ? .f32 : isWhole ? format : .f16
        addTensor(name, shape: tensor.shape, type: format) { append throws(FileError) in
            if let order {
                try append(tensor.converted(to: format) { order.interleaved($0) })
            } else if isMatrix {
                let step = max(1, (1 << 20) / max(1, tensor.shape[1]))
                for row in stride(from: 0, to: tensor.shape[0], by: step) {
                    let rows = tensor.rows(row..<min(row + step, tensor.shape[0]))
                    try append(rows.converted(to: format))
                }
            } else {
                try append(tensor.converted(to: format))
            }
        }
    }
}

extension StoredTensor {
    /// The numbers in `format`.
    fileprivate func converted(
        to format: ElementFormat, _ arrange: (Tensor) -> Tensor = { $0 }
    ) throws(FileError) -> [UInt8] {
        let floats = floats()
        let largest = Float(Float16.greatestFiniteMagnitude)
        guard format != .f16 || floats.elements.allSatisfy({ abs($0) <= largest }) else {
            throw FileError(
                path: path, operation: "convert", reason: "tensor \(name) has numbers beyond \(largest), F16's largest")
        }
        let matrix = shape.count == 2 ? floats : floats.reshaped([floats.count, 1])
        return arrange(matrix).bytes(as: format)
    }
}
