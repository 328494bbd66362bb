import Checkpoints
public import Datasets
import Models
public import Tensors

extension VisionPretraining {
    /// Everything that decides a run's result, as stored in its folder.
    private struct Configuration: Encodable {
        let settings: VisionPretrainingSettings
        let inputs: [String: String]
    }

    /// Trains in `folder`, from the beginning or from the checkpoint there, and at the end writes the encoder and
    /// connector to `model.safetensors` in it.
    ///
    /// - Parameters:
    ///   - start: the file of the initial encoder and connector; nil for random ones.
    ///   - inputs: the SHA-256 of the input files by name; a folder with other inputs or settings is refused.
    ///   - report: prints one line.
    /// - Throws: `RunFolderError`, `EasyVQAError`, `VisionError`, `TrainingError`, `SafetensorsError`.
    public static func run(
        dataset: EasyVQA, words: WordEmbeddings, start: String?, inputs: [String: String],
        settings: VisionPretrainingSettings, folder path: String, options: TrainingRun<VisionPretraining>.Options,
        on compute: Compute,
        report: @escaping (String) -> Void
    ) throws -> TrainingRun<VisionPretraining>.Outcome {
        var inputs = inputs
        if let start { inputs["start"] = try FileDigest(path: start).sha256 }
        let folder = try RunFolder(path: path, configuration: Configuration(settings: settings, inputs: inputs))
        let stage = try VisionPretraining(
            dataset: dataset, words: words, start: start.map { try VisionWeights(path: $0) }, settings: settings,
            on: compute)
        var run = try TrainingRun(stage: stage, folder: folder, options: options, report: report)
        let outcome = try run.run()
        if outcome == .finished { try run.stage.weights.write(to: path + "/model.safetensors") }
        return outcome
    }
}
