public import Checkpoints
public import Foundation
import Models

/// The results of a finished reward run, to be published as a generation of the policy part `reward`.
public struct FinishedRewardModeling {
    private static let name = "reward"
    private static let adapterFiles = ["adapter_config.json", "adapter_model.safetensors"]
    private static let headFile = "head.safetensors"

    private let files: RewardRunFiles
    private let record: RewardRunRecord
    private let backbone: String
    private let figures: [String: Double]

    /// Opens the run in `folder`.
    ///
    /// - Throws: `RewardModelingJobError`, or the files' own errors if the adapter cannot be read.
    public init(folder: String) throws {
        let files = RewardRunFiles(folder: folder)
        let path = folder + "/config.json"
        let needed = [path, files.report, files.head] + Self.adapterFiles.map { "\(files.adapter)/\($0)" }
        for file in needed where !FileManager.default.fileExists(atPath: file) {
            throw RewardModelingJobError.unfinished(folder: folder, missing: String(file.dropFirst(folder.count + 1)))
        }
        let record: RewardRunRecord
        do {
            record = try JSONDecoder().decode(RewardRunRecord.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
        } catch {
            throw RewardModelingJobError.badFile(path: path, reason: "\(error)")
        }
        guard record.stage == RewardRunRecord.stageName, let backbone = record.inputs["baseModel"] else {
            throw RewardModelingJobError.badFile(
                path: path, reason: "expected the stage \(RewardRunRecord.stageName) and inputs.baseModel")
        }
        _ = try PEFTAdapter(folder: files.adapter)
        self.files = files
        self.record = record
        self.backbone = backbone.sha256
        self.figures = try RewardReport(path: files.report).figures
    }

    /// Publishes adapter and head, with the policy that training started from as parent, and the run's figures beside
    /// `figures`.
    ///
    /// - Throws: `PolicyError`; `.published` if the generation is there already.
    @discardableResult
    public func publish(
        generation: Int, figures more: [String: Double] = [:], in policies: String, at time: Date = Date()
    ) throws -> PolicyFolder {
        let data = record.inputs.filter { ["rankings", "heldOut"].contains($0.key) }.mapValues(\.sha256)
        let manifest = PolicyManifest(
            name: Self.name, generation: generation, parent: record.parent, backbone: backbone, created: time,
            creator: "apus", vision: record.vision, chatTemplate: record.template, image: record.image,
            figures: figures.merging(more) { $1 }, data: data)
        return try PolicyFolder.publish(manifest, in: policies) { staging in
            for name in Self.adapterFiles { try copy("\(files.adapter)/\(name)", to: "\(staging)/\(name)") }
            try copy(files.head, to: "\(staging)/\(Self.headFile)")
        }
    }

    private func copy(_ path: String, to place: String) throws {
        try FileManager.default.copyItem(atPath: path, toPath: place)
    }
}
