import Checkpoints
import Models
import TestSupport
import Tokenizers

/// The base model's tokenizer, loaded once.
enum SmolLM2 {
    static let tokenizer = Result { Tokenizer(try Vocabulary(GGUFFile(path: baseModelPath()))) }
}
