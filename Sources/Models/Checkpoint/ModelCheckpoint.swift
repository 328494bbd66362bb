public import Checkpoints
import Foundation
import Support
public import Tokenizers

/// A model's files, read but for the weights: what decides its answers, in one form for GGUF files and Hugging Face
/// folders.
///
///     let model = try ModelCheckpoint(path: "SmolVLM-256M-Instruct")
///     let decoder = try TransformerDecoder(model.decoder, precision: .q8_0, compute: compute)
public struct ModelCheckpoint: Sendable {
    /// The file or folder.
    public let path: String
    /// Whether the files are a Hugging Face folder.
    public let isFolder: Bool
    /// The decoder.
    public let decoder: DecoderFiles
    /// The tokens.
    public let vocabulary: Vocabulary
    /// The text of the chat template; nil if the files have none.
    public let chatTemplate: String?
    /// The chat template; nil if the files have none.
    public let template: ChatTemplate?
    /// The vision; nil for a text model.
    public let vision: VisionFiles?
    /// How the model's authors draw tokens.
    public let sampling: GenerationDefaults
    /// The digest of the file, or of all files of the folder that decide its answers.
    public let digest: FileDigest

    /// The small files of a folder that decide its answers.
    private static let smallFiles = [
        "config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json",
        "preprocessor_config.json", "processor_config.json", "chat_template.jinja", "chat_template.json",
    ]

    /// Opens the GGUF file or Hugging Face folder at `path`.
    ///
    /// - Throws: the errors of the files' types, each with the file and the field.
    public init(path: String) throws {
        var isDirectory: ObjCBool = false
        if FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory), isDirectory.boolValue {
            // The model type comes first: of a model that is not known, no other field means anything.
            try CheckpointFields(path: "\(path)/config.json").require("model_type", oneOf: DecoderFiles.modelTypes)
            try self.init(CheckpointFolder(path: path))
        } else {
            try self.init(GGUFArchitecture.open(path))
        }
    }

    private init(_ file: GGUFFile) throws {
        path = file.path
        isFolder = false
        decoder = try DecoderFiles(file)
        do { vocabulary = try Vocabulary(file) } catch let error as VocabularyError {
            throw CheckpointError(path, error.description)
        }
        guard vocabulary.endOfText != nil else {
            throw CheckpointError(
                path, "tokenizer.ggml.eos_token_id: expected the token that ends a text, found nothing")
        }
        let key = "tokenizer.chat_template"
        chatTemplate = file.metadata[key] == nil ? nil : try file.string(key)
        template = try chatTemplate.map { [vocabulary, path] text in
            try Self.template(text, in: "\(path): \(key)", vocabulary: vocabulary)
        }
        vision = nil
        sampling = GenerationDefaults()
        digest = try FileDigest(path: file.path)
    }

    private init(_ folder: CheckpointFolder) throws {
        path = folder.path
        isFolder = true
        decoder = try DecoderFiles(folder)
        let tokens = try Vocabulary(folder: folder.path)
        let rows = decoder.configuration.vocabulary
        do { vocabulary = try tokens.padded(to: rows) } catch {
            throw CheckpointError(
                "\(path)/tokenizer.json",
                "model.vocab: expected at most \(rows) tokens, vocab_size, found \(tokens.tokens.count)")
        }
        guard vocabulary.endOfText != nil else {
            throw CheckpointError(
                path,
                "eos_token_id: expected the token that ends a text in generation_config.json or config.json, or "
                    + "eos_token in tokenizer_config.json, found nothing")
        }
        let found = try folder.chatTemplate()
        chatTemplate = found?.text
        template = try found.map { [vocabulary] text, file in
            try Self.template(text, in: file, vocabulary: vocabulary)
        }
        let type = try folder.fields("config.json").string("model_type") ?? ""
        vision = VisionConfiguration.modelTypes.contains(type) ? try VisionFiles(folder) : nil
        sampling = try GenerationDefaults(folder)
        digest = try folder.digest(with: Self.smallFiles)
    }

    /// The template in `text`; a construct that is not supported is an error of `file`.
    private static func template(
        _ text: String, in file: String, vocabulary: Vocabulary
    ) throws(CheckpointError) -> ChatTemplate {
        do {
            return try ChatTemplate(jinja: text, specialTokens: vocabulary.namedTokens)
        } catch {
            throw CheckpointError(file, error.description)
        }
    }
}

extension VisionFiles {
    /// The vision in an `mmproj` GGUF file or a Hugging Face folder, and its digest.
    public static func open(path: String) throws -> (files: VisionFiles, digest: String) {
        var isDirectory: ObjCBool = false
        if FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory), isDirectory.boolValue {
            try CheckpointFields(path: "\(path)/config.json")
                .require("model_type", oneOf: VisionConfiguration.modelTypes)
            let folder = try CheckpointFolder(path: path)
            return (
                try VisionFiles(folder),
                try folder.digest(with: ["config.json", "preprocessor_config.json", "processor_config.json"]).sha256
            )
        }
        return (try VisionFiles(mmproj: GGUFFile(path: path)), try FileDigest(path: path).sha256)
    }
}

extension CheckpointFolder {
    /// The text of the chat template, and its file: the first of `chat_template.jinja`, `chat_template.json` and
    /// `tokenizer_config.json` that has one.
    fileprivate func chatTemplate() throws -> (text: String, file: String)? {
        if let text = try text("chat_template.jinja") { return (text, "\(path)/chat_template.jinja") }
        for name in ["chat_template.json", "tokenizer_config.json"] where has(name) {
            let fields = try fields(name)
            guard case .array(let named)? = fields["chat_template"] else {
                if let text = try fields.string("chat_template") { return (text, fields.path) }
                continue
            }
            // Several templates have names; conversations get the one called `default`.
            for case .object(let members) in named {
                let template = CheckpointFields(path: fields.path, members: members, name: "chat_template")
                if try template.string("name") == "default", let text = try template.string("template") {
                    return (text, fields.path)
                }
            }
            throw fields.fault("chat_template", "a template called default", "no such one")
        }
        return nil
    }
}

/// How the authors of a model draw tokens: the fields of `generation_config.json` that change the draw. Nil leaves a
/// parameter neutral.
public struct GenerationDefaults: Sendable, Equatable {
    /// Divides the logits.
    public var temperature: Float?
    /// The number of most likely tokens that are kept.
    public var topK: Int?
    /// The sum of probabilities of the tokens that are kept.
    public var topP: Float?
    /// The least probability of a token that is kept, as a share of the most likely token's.
    public var minP: Float?
    /// The penalty of tokens that the text has already.
    public var repetitionPenalty: Float?

    /// Neutral defaults.
    public init() {}

    init(_ folder: CheckpointFolder) throws {
        guard folder.has("generation_config.json") else { return }
        let fields = try folder.fields("generation_config.json")
        func number(_ name: String, in range: ClosedRange<Float>) throws -> Float? {
            guard fields[name] != nil else { return nil }
            let value = try fields.number(name, positive: false)
            guard range.contains(value) else {
                throw fields.fault(name, "\(range.lowerBound) to \(range.upperBound)", "\(value)")
            }
            return value
        }
        temperature = try number("temperature", in: 0...100)
        topP = try number("top_p", in: 0...1)
        minP = try number("min_p", in: 0...1)
        repetitionPenalty = try number("repetition_penalty", in: 0.01...10)
        let k = try fields.integer("top_k", in: 0...1_000_000, or: 0)
        topK = k == 0 ? nil : k
    }
}
