import Checkpoints
import Foundation
import Models

/// The files of a PPO run for later reading and comparison: sample answers, and the policies that gave them.
package struct PPORunFiles: Sendable {
    /// The number of snapshots that are kept, without the last one.
    private static let snapshots = 16

    private let folder: String
    /// The number of iterations between kept snapshots.
    private let stride: Int

    /// - Parameters:
    ///   - iterations: the number of iterations of the whole run.
    ///   - interval: the number of iterations between validations; 0 for none.
    package init(folder: String, iterations: Int, interval: Int) {
        self.folder = folder
        let validations = iterations / max(1, interval)
        stride = max(1, interval) * max(1, (validations + Self.snapshots - 1) / Self.snapshots)
    }

    /// Writes some answers of an iteration: `samples/0001.json`.
    package func write(_ record: RolloutRecord) throws {
        try write(record, in: "samples")
    }

    /// Writes a validated policy's answers into `held-out/0005.json` and, beside the answers of all earlier policies,
    /// into `held-out.md`; and its adapter as a PEFT folder, bf16, `snapshots/0005`. Of a long run's snapshots only
    /// some, at equal intervals, are kept, and the last one. The reference is not written again.
    package func write(_ snapshot: PolicySnapshot) throws {
        try write(snapshot.answers, in: "held-out")
        let records = try Self.heldOutAnswers(in: folder).filter { $0.iteration <= snapshot.iteration }
        try AtomicFile.write([UInt8](AnswersOverTime(records).markdown.utf8), to: folder + "/held-out.md")
        guard snapshot.iteration > 0 else { return }
        let snapshotFolder = path("snapshots", snapshot.iteration)
        try FileManager.default.createDirectory(atPath: snapshotFolder, withIntermediateDirectories: true)
        try PEFTAdapter(snapshot.adapter).write(to: snapshotFolder, as: .bfloat16)
        for earlier in try names(in: "snapshots") where earlier < snapshot.iteration && earlier % stride != 0 {
            try FileManager.default.removeItem(atPath: path("snapshots", earlier))
        }
    }

    private func write(_ record: RolloutRecord, in subfolder: String) throws {
        try FileManager.default.createDirectory(atPath: "\(folder)/\(subfolder)", withIntermediateDirectories: true)
        try AtomicFile.write(try record.json(), to: path(subfolder, record.iteration) + ".json")
    }

    /// The answers to held-out prompts in a run folder, in the order of iterations.
    package static func heldOutAnswers(in folder: String) throws -> [RolloutRecord] {
        let subfolder = "\(folder)/held-out"
        let names = try FileManager.default.contentsOfDirectory(atPath: subfolder).filter { $0.hasSuffix(".json") }
        return try names.map { name in
            let data = try Data(contentsOf: URL(fileURLWithPath: "\(subfolder)/\(name)"))
            return try JSONDecoder().decode(RolloutRecord.self, from: data)
        }.sorted { $0.iteration < $1.iteration }
    }

    private func path(_ subfolder: String, _ iteration: Int) -> String {
        let number = "\(iteration)"
        return "\(folder)/\(subfolder)/" + String(repeating: "0", count: max(0, 4 - number.count)) + number
    }

    /// The iterations with a folder in `subfolder`, in order.
    private func names(in subfolder: String) throws -> [Int] {
        try FileManager.default.contentsOfDirectory(atPath: "\(folder)/\(subfolder)")
            .compactMap { Int($0) }.sorted()
    }
}
