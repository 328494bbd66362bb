import Foundation
public import Models

/// One stage of training as the loop sees it: its parameters and its step.
///
/// Everything that a later step depends on must be in `parameters`, `optimizer`, `further`, `state` or the step's
/// number. Otherwise a resumed run would differ from one that never stopped.
public protocol TrainingStage {
    /// The stage's name, with which progress lines begin: "sft".
    var name: String { get }
    /// The unit of the rate: "tokens" or "images".
    var unit: String { get }
    /// The number of steps of the whole run.
    var steps: Int { get }
    /// The trained parameters.
    var parameters: ParameterSet { get set }
    /// The optimiser of the parameters.
    var optimizer: Optimizer { get set }
    /// Further tensors of the training state, for example an average of weights or a second optimiser's moments.
    var further: ParameterSet { get set }
    /// Further state in text form, for example a data cursor or a generator's words.
    var state: [String: String] { get set }
    /// The plots of the log.
    var plots: [MetricPlot] { get }
    /// Whether the stage is validated before the first step too.
    var validatesAtStart: Bool { get }

    /// Makes step `step`, counted from 0: forward, backward and update.
    mutating func advance(step: Int) throws -> StepReport
    /// Measures on held-out data. Called after every `TrainingRun.Options.validationInterval` steps and after the last
    /// step, whether all steps are done or a rule stopped the run.
    mutating func validate() throws -> [(name: String, value: Double)]
    /// Why no further step should be made although some are left; nil to continue.
    func stopReason() throws -> String?
}

// Defaults for most stages.
extension TrainingStage {
    /// None.
    public var further: ParameterSet {
        get { ParameterSet([]) }
        set { precondition(newValue.names.isEmpty, "this stage has no further tensors") }
    }

    /// Losses and accuracies, in one plot.
    public var plots: [MetricPlot] {
        [MetricPlot(file: "loss.svg", title: "\(name): figures by step", names: ["loss*", "accuracy*"])]
    }

    /// No: it has learned nothing yet.
    public var validatesAtStart: Bool { false }

    /// Nil: all steps are made.
    public func stopReason() throws -> String? { nil }
}

/// The result of one step.
public struct StepReport: Sendable {
    /// Mean loss of the step.
    public var loss: Double
    /// The units processed in the step, for the rate.
    public var units: Int
    /// Further metrics for the log.
    public var metrics: [(name: String, value: Double)]
    /// The step's text in the progress line; nil for its loss.
    public var summary: String?

    /// A report with the given values.
    public init(
        loss: Double, units: Int, metrics: [(name: String, value: Double)] = [], summary: String? = nil
    ) {
        self.loss = loss
        self.units = units
        self.metrics = metrics
        self.summary = summary
    }
}

/// Why training stopped.
public enum TrainingError: Error, Equatable, CustomStringConvertible {
    /// The loss of a step is infinite or NaN.
    case lossNotFinite(step: Int)

    /// What happened, at which step.
    public var description: String {
        switch self {
        case .lossNotFinite(let step): "the loss of step \(step) is not a finite number; try a lower learning rate"
        }
    }
}

/// The loop around a stage: resumes from the folder's checkpoint, logs each step, reports progress, saves every few
/// minutes, and pauses when its time is up.
public struct TrainingRun<Stage: TrainingStage> {
    /// How a run ended.
    public enum Outcome: Sendable, Equatable {
        /// All steps are done.
        case finished
        /// The time was up after this many steps; another call continues from there.
        case paused(step: Int)
        /// The stage stopped itself after this many steps.
        case stopped(step: Int, reason: String)
    }

    /// The settings of a run that do not change its result.
    public struct Options: Sendable {
        /// Pause before this much time has passed: a step that would end later is not begun. Each call makes at least
        /// one step.
        public var timeLimit: Duration?
        /// Time between checkpoints.
        public var checkpointInterval: Duration
        /// Steps between validations; 0 for none.
        public var validationInterval: Int
        /// Steps between progress lines.
        public var reportInterval: Int
        /// Receives the number of finished steps after each one.
        public var stepped: @Sendable (_ step: Int) -> Void = { _ in }

        /// The given options.
        public init(
            timeLimit: Duration? = nil, checkpointInterval: Duration = .seconds(120), validationInterval: Int = 50,
            reportInterval: Int = 10
        ) {
            self.timeLimit = timeLimit
            self.checkpointInterval = checkpointInterval
            self.validationInterval = validationInterval
            self.reportInterval = reportInterval
        }
    }

    /// The stage with its current parameters.
    public private(set) var stage: Stage
    private let folder: RunFolder
    private let options: Options
    private let report: (String) -> Void
    private var step = 0
    private var log: [LogLine] = []

    /// A run of `stage` in `folder`, resumed from the checkpoint there if there is one; `report` prints one line.
    public init(stage: Stage, folder: RunFolder, options: Options, report: @escaping (String) -> Void) throws {
        self.stage = stage
        self.folder = folder
        self.options = options
        self.report = report
        guard FileManager.default.fileExists(atPath: folder.checkpointPath) else {
            self.log = try folder.log(upTo: -1)
            return
        }
        let checkpoint = try TrainingCheckpoint(
            path: folder.checkpointPath, expected: stage.parameters, further: stage.further)
        self.stage.parameters = checkpoint.parameters
        self.stage.optimizer.restore(checkpoint)
        self.stage.further = checkpoint.further
        self.stage.state = checkpoint.state
        self.step = checkpoint.step
        self.log = try folder.log(upTo: step)
        report("\(stage.name): going on after step \(step) of \(stage.steps)")
    }

    /// Trains until all steps are done or the time is up.
    ///
    /// - Parameter start: the start of the time limit; nil for now. Reading the data takes time, too.
    public mutating func run<C: Clock>(
        clock: C = ContinuousClock(), since start: C.Instant? = nil
    ) throws -> Outcome where C.Duration == Duration {
        let began = clock.now
        let start = start ?? began
        report("\(stage.name): \(stage.steps - step) of \(stage.steps) steps to make")
        var saved = began
        var pace = StepPace()
        var progress = ProgressMeter(stage: stage, from: step)
        if step == 0, log.isEmpty, stage.validatesAtStart, options.validationInterval > 0 {
            try record(validate())
        }
        while step < stage.steps {
            if let reason = try stage.stopReason() {
                try save()
                return .stopped(step: step, reason: reason)
            }
            let stepStart = clock.now
            let validates = validatesAfter(step + 1)
            if let limit = options.timeLimit, let expected = pace.expected(validates: validates),
                start.duration(to: stepStart) + expected > limit
            {
                try save()
                return .paused(step: step)
            }
            let line = try advance()
            let now = clock.now
            pace.note(stepStart.duration(to: now), validated: validates)
            progress.count(line.units)
            options.stepped(step)
            if step % options.reportInterval == 0 || step == stage.steps {
                report(progress.line(step: step, line, elapsed: began.duration(to: now)))
            }
            if saved.duration(to: now) >= options.checkpointInterval {
                try save()
                saved = now
            }
        }
        try save()
        return .finished
    }

    /// Makes one step and logs it.
    private mutating func advance() throws -> StepReport {
        let result = try stage.advance(step: step)
        guard result.loss.isFinite else { throw TrainingError.lossNotFinite(step: step) }
        step += 1
        var values = [(name: "loss", value: result.loss)] + result.metrics
        if try isValidationDue() { values += try validate() }
        try record(values)
        return result
    }

    private func isValidationDue() throws -> Bool {
        guard options.validationInterval > 0 else { return false }
        return try validatesAfter(step) || stage.stopReason() != nil
    }

    /// Whether a validation follows step `step`, counted from 1, unless a rule stops the run before.
    private func validatesAfter(_ step: Int) -> Bool {
        options.validationInterval > 0 && (step % options.validationInterval == 0 || step == stage.steps)
    }

    private mutating func validate() throws -> [(name: String, value: Double)] {
        let metrics = try stage.validate()
        let text = metrics.map { String(format: "%@ %.4f", $0.name, $0.value) }.joined(separator: "  ")
        report("\(stage.name) step \(step)/\(stage.steps)  held out: \(text)")
        return metrics
    }

    private mutating func record(_ values: [(name: String, value: Double)]) throws {
        let line = LogLine(step: step, values: values)
        log.append(line)
        try folder.append(line)
    }

    private func save() throws {
        let checkpoint = TrainingCheckpoint(
            step: step, parameters: stage.parameters, first: stage.optimizer.first, second: stage.optimizer.second,
            further: stage.further, updates: stage.optimizer.updates, state: stage.state)
        try checkpoint.write(to: folder.checkpointPath)
        for plot in stage.plots { try folder.draw(plot, of: log) }
    }
}

/// The durations of steps, from which the loop decides whether there is time for another one.
private struct StepPace {
    private var plain: Duration?
    private var validating: Duration?

    /// The longest duration of such a step; nil before the first step.
    func expected(validates: Bool) -> Duration? { validates ? validating ?? plain : plain ?? validating }

    mutating func note(_ duration: Duration, validated: Bool) {
        if validated {
            validating = max(validating ?? .zero, duration)
        } else {
            plain = max(plain ?? .zero, duration)
        }
    }
}

/// The progress line: the current step, the rate, and the remaining time.
private struct ProgressMeter {
    let name: String
    let unit: String
    let steps: Int
    let first: Int
    var units = 0

    init(stage: some TrainingStage, from step: Int) {
        self.name = stage.name
        self.unit = stage.unit
        self.steps = stage.steps
        self.first = step
    }

    mutating func count(_ more: Int) { units += more }

    func line(step: Int, _ report: StepReport, elapsed: Duration) -> String {
        let seconds = max(1e-9, elapsed / .seconds(1))
        let left = Int(seconds / Double(max(1, step - first)) * Double(steps - step))
        let rate = String(format: "%.1f", Double(units) / seconds)
        let time = left < 90 ? "\(left) s" : "\((left + 30) / 60) min"
        let summary = report.summary ?? "loss \(String(format: "%.4f", report.loss))"
        return "\(name) step \(step)/\(steps)  \(summary)  \(rate) \(unit)/s  \(time) left"
    }
}

extension Optimizer {
    mutating func restore(_ checkpoint: TrainingCheckpoint) {
        first = checkpoint.first
        second = checkpoint.second
        updates = checkpoint.updates
    }
}
