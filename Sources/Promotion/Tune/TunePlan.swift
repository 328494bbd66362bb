package import Checkpoints
import Foundation

/// What a tuning run will do and how long that takes. Data and machine decide the steps once, and `plan.json` keeps
/// them.
public struct TunePlan: Codable, Sendable, Equatable {
    /// Examples to learn from.
    public let training: Int
    /// Examples to measure on.
    public let heldOut: Int
    /// Steps of the fine-tuning.
    public let steps: Int
    /// Seconds of one step, measured on this machine before the run.
    public let secondsPerStep: Double
    /// Answers of each measurement, as the rules of now need them.
    package var answers: Int
    /// The answers among them that are about documents; nil in an older plan.
    package var documentAnswers: Int?
    /// The other reports that the rules need, whose answers are not counted; nil in an older plan.
    package var others: [String]?

    /// Seconds for one answer of a measurement: 100 families' questions took 7.1 s on two cores of a Zen 5 machine.
    public static let secondsPerAnswer = 0.071
    /// Seconds for an answer about a document: 880 took 208 s on two Ice Lake cores.
    public static let secondsPerDocumentAnswer = 0.24

    /// A duration, rounded up.
    private static func words(_ seconds: Double) -> String {
        // A file that a person edited may hold any number.
        let bounded = min(max(1, seconds), 1e12)
        return bounded < 90 ? "\(Int(bounded.rounded(.up))) s" : "\(Int((bounded / 60).rounded(.up))) min"
    }

    /// The plan in words, one entry a stage.
    ///
    /// - Parameters:
    ///   - name: the name under which the policy will be published.
    ///   - rankings: the rankings by people to learn from; 0 for none.
    package func stages(name: String, rankings: Int) -> [String] {
        let training = "about \(Self.words(Double(steps) * secondsPerStep)), by two measured steps"
        let documents = documentAnswers ?? 0
        let seconds =
            Double(documents) * Self.secondsPerDocumentAnswer + Double(answers - documents) * Self.secondsPerAnswer
        var measuring = "about \(Self.words(seconds)) on two idle cores"
        if let others, !others.isEmpty {
            measuring += ", and what the rules need besides, which is not counted: " + others.joined(separator: ", ")
        }
        var stages = [
            "fine-tuning: \(self.training) examples, \(steps) steps; \(training)",
            "measuring: \(answers) answers, also to \(heldOut) held-out examples with controls; \(measuring)",
            "gate: if every rule holds, publishing as \(name)",
        ]
        if rankings > 0 {
            stages += [
                "ranking: people rank \(rankings) comparisons on the page, at their own pace",
                "DPO on the rankings, measuring and the gate as above; publishing as \(name), the next generation",
            ]
        }
        return stages
    }

    /// The stages as numbered lines.
    public func lines(name: String, rankings: Int) -> [String] {
        stages(name: name, rankings: rankings).enumerated().map { "\($0 + 1). \($1)" }
    }

    /// Keeps the plan.
    package func write(to path: String) throws { try AtomicFile.write(json: self, to: path) }

    /// The plan that an earlier call of the command made; nil for none.
    package init?(path: String) throws(FileError) {
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        self = try decodeSmallFile(Self.self, path: path)
        guard (1...1_000_000_000).contains(steps) else {
            throw FileError(
                path: path, operation: "read",
                reason: "steps: expected 1 to 1000000000, found \(steps); delete it to plan again")
        }
    }

    /// The given plan.
    package init(
        training: Int, heldOut: Int, steps: Int, secondsPerStep: Double, answers: Int, documentAnswers: Int = 0,
        others: [String] = []
    ) {
        self.others = others
        (self.training, self.heldOut, self.steps) = (training, heldOut, steps)
        (self.secondsPerStep, self.answers) = (secondsPerStep, answers)
        self.documentAnswers = documentAnswers
    }
}
