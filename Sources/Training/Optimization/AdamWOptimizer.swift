import Foundation
public import Models
public import Tensors

/// AdamW over a set of parameters: their moments, a learning rate and a weight decay for each group of parameters, and
/// clipping of all gradients by their joint norm.
public struct AdamWOptimizer: Sendable {
    /// The settings that apply to all parameters.
    public struct Settings: Sendable, Equatable, Codable {
        /// The decay of the gradients' moving mean.
        public var beta1: Float
        /// The decay of the squared gradients' moving mean.
        public var beta2: Float
        /// Keeps the division finite.
        public var epsilon: Float
        /// Upper bound on the joint norm of all gradients; larger gradients are scaled down to it.
        public var maximumNorm: Float

        /// The given settings; the defaults are for fine-tuning.
        public init(beta1: Float = 0.9, beta2: Float = 0.95, epsilon: Float = 1e-8, maximumNorm: Float = 1) {
            self.beta1 = beta1
            self.beta2 = beta2
            self.epsilon = epsilon
            self.maximumNorm = maximumNorm
        }
    }

    /// The parameters whose names begin with `prefix`.
    public struct Group: Sendable, Equatable, Codable {
        /// The beginning of the names; empty for all parameters.
        public var prefix: String
        /// The learning rate before the schedule's factor.
        public var learningRate: Float
        /// The share of a parameter, times the learning rate, that each step subtracts.
        public var weightDecay: Float

        /// A group with the given settings.
        public init(prefix: String = "", learningRate: Float, weightDecay: Float = 0) {
            self.prefix = prefix
            self.learningRate = learningRate
            self.weightDecay = weightDecay
        }
    }

    /// The settings that apply to all parameters.
    public let settings: Settings
    /// The groups; a parameter belongs to the first group that matches its name.
    public let groups: [Group]
    /// The number of updates so far.
    public internal(set) var updates = 0
    /// The moving means of the gradients.
    public internal(set) var first: ParameterSet
    /// The moving means of the squared gradients.
    public internal(set) var second: ParameterSet

    /// An optimiser for `parameters`, each of which must belong to a group.
    public init(parameters: ParameterSet, groups: [Group], settings: Settings = Settings()) {
        self.settings = settings
        self.groups = groups
        self.first = parameters.zeros()
        self.second = parameters.zeros()
        for name in parameters.names { _ = group(of: name) }
    }

    /// Moves `parameters` against `gradients`, a set of the same names and shapes.
    ///
    /// - Parameter factor: multiplies the learning rates; see `CosineSchedule`.
    /// - Returns: the norm of all gradients before clipping.
    @discardableResult
    public mutating func update(
        _ parameters: inout ParameterSet, gradients: ParameterSet, factor: Float, on compute: Compute
    ) -> Double {
        precondition(parameters.names == gradients.names, "gradients of other parameters")
        let norm = gradients.tensors.reduce(0.0) { $0 + compute.squaredNorm($1) }.squareRoot()
        let scale = Float(min(1, Double(settings.maximumNorm) / (norm + 1e-6)))
        updates += 1
        for (index, name) in parameters.names.enumerated() {
            let group = group(of: name)
            compute.adamW(
                &parameters.tensors[index], gradient: gradients.tensors[index], moment1: &first.tensors[index],
                moment2: &second.tensors[index],
                settings: AdamW(
                    learningRate: group.learningRate * factor, beta1: settings.beta1, beta2: settings.beta2,
                    epsilon: settings.epsilon, weightDecay: group.weightDecay),
                step: updates, gradientScale: scale)
        }
        return norm
    }

    private func group(of name: String) -> Group {
        guard let group = groups.first(where: { name.hasPrefix($0.prefix) }) else {
            preconditionFailure("no group for the parameter \(name)")
        }
        return group
    }
}

/// The schedule of the learning rate: a linear rise, then half a cosine down to a floor.
///
/// It counts steps, never time, so that a pause changes nothing. Its values are factors of the groups' learning rates.
public struct CosineSchedule: Sendable, Equatable, Codable {
    /// Steps of the whole run.
    public var steps: Int
    /// Steps of the rise; the first step has the factor `1 / warmUp`.
    public var warmUp: Int
    /// The factor at the end of the run.
    public var floor: Float

    /// A schedule over `steps` steps.
    public init(steps: Int, warmUp: Int, floor: Float) {
        precondition(steps > 0 && warmUp >= 0 && floor >= 0, "a schedule of \(steps) steps, \(warmUp) to warm up")
        self.steps = steps
        self.warmUp = warmUp
        self.floor = floor
    }

    /// The factor of step `step`, counted from 0.
    public func factor(at step: Int) -> Float {
        if step < warmUp { return Float(step + 1) / Float(warmUp) }
        let progress = min(1, Double(step - warmUp) / Double(max(1, steps - warmUp)))
        return floor + (1 - floor) * Float(0.5 * (1 + cos(.pi * progress)))
    }
}
