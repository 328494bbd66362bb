public import Checkpoints
import Foundation
public import Tokenizers

extension Vocabulary {
    /// The vocabulary of a Hugging Face folder: `tokenizer.json`, and `tokenizer_config.json`,
    /// `generation_config.json` and `config.json` where they are there.
    ///
    /// - Throws: `FileError` for a file that cannot be read, that is too large, or whose content is not supported.
    public init(folder: String) throws(FileError) {
        func read(_ name: String, limit: Int = 1 << 20) throws(FileError) -> [UInt8]? {
            let path = "\(folder)/\(name)"
            return FileManager.default.fileExists(atPath: path) ? try readSmallFile(path, limit: limit) : nil
        }
        let files = TokenizerFiles(
            tokenizer: try readSmallFile("\(folder)/tokenizer.json", limit: 64 << 20),
            tokenizerConfig: try read("tokenizer_config.json", limit: 8 << 20),
            generationConfig: try read("generation_config.json"), config: try read("config.json"))
        do throws(TokenizerFileError) { try self.init(files) } catch {
            throw FileError(path: "\(folder)/\(error.file)", operation: "read", reason: error.problem)
        }
    }
}
