import Foundation
public import Models
public import Tensors

/// AdamW or Muon over a set of parameters: their moments, a rule, a learning rate and a weight decay for each group of
/// parameters, and clipping of all gradients by their joint norm.
public struct Optimizer: Sendable {
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

    /// How a group's parameters follow their gradients.
    public enum Rule: String, Sendable, Codable {
        /// Adam with decoupled weight decay (Loshchilov & Hutter 2019, arXiv:1711.05101).
        case adamW
        /// Momentum whose matrix is made orthogonal, for the matrices between hidden layers (K. Jordan et al., "Muon:
        /// An optimizer for hidden layers in neural networks", 2024).
        case muon
    }

    /// The parameters whose names begin with `prefix` and end with `suffix`.
    public struct Group: Sendable, Equatable, Codable {
        /// The beginning of the names; empty for all parameters.
        public var prefix: String
        /// The end of the names; empty for all parameters.
        public var suffix: String
        /// How they follow their gradients.
        public var rule: Rule
        /// The learning rate before the schedule's factor.
        public var learningRate: Float
        /// The share of a parameter, times the learning rate, that each step subtracts.
        public var weightDecay: Float

        /// A group with the given settings.
        public init(
            prefix: String = "", suffix: String = "", rule: Rule = .adamW, learningRate: Float, weightDecay: Float = 0
        ) {
            self.prefix = prefix
            self.suffix = suffix
            self.rule = rule
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
    /// The moving means of the gradients, and Muon's momenta.
    public internal(set) var first: ParameterSet
    /// The moving means of the squared gradients; zeros for Muon's groups.
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
            guard group.rule == .adamW else { continue }
            compute.adamW(
                &parameters.tensors[index], gradient: gradients.tensors[index], moment1: &first.tensors[index],
                moment2: &second.tensors[index],
                settings: AdamW(
                    learningRate: group.learningRate * factor, beta1: settings.beta1, beta2: settings.beta2,
                    epsilon: settings.epsilon, weightDecay: group.weightDecay),
                step: updates, gradientScale: scale)
        }
        updateMatrices(&parameters, gradients: gradients, factor: factor, on: compute)
        return norm
    }

    /// Updates the parameters of Muon's groups, each on a thread of its own: their matrices are too small to divide.
    private mutating func updateMatrices(
        _ parameters: inout ParameterSet, gradients: ParameterSet, factor: Float, on compute: Compute
    ) {
        let indices = parameters.names.indices.filter { group(of: parameters.names[$0]).rule == .muon }
        guard !indices.isEmpty else { return }
        let alone = compute.alone
        for index in indices {
            compute.scale(&first.tensors[index], by: Self.momentum)
            compute.add(&first.tensors[index], gradients.tensors[index])
        }
        let moments = indices.map { (first.tensors[$0], gradients.tensors[$0]) }
        let directions = compute.map(moments) { momentum, gradient in
            // Nesterov's form: the gradient, and the momentum as the next step will have it.
            var direction = momentum
            alone.scale(&direction, by: Self.momentum)
            alone.add(&direction, gradient)
            return alone.orthogonal(direction)
        }
        for (index, direction) in zip(indices, directions) {
            let group = group(of: parameters.names[index])
            let rate = group.learningRate * factor
            // Tall matrices move as far in each output as square ones.
            let tall = max(1, Float(direction.rows) / Float(direction.columns)).squareRoot()
            compute.scale(&parameters.tensors[index], by: 1 - rate * group.weightDecay)
            compute.add(&parameters.tensors[index], direction, scale: -rate * tall)
        }
    }

    /// The decay of Muon's momentum.
    private static let momentum: Float = 0.95

    private func group(of name: String) -> Group {
        guard let group = groups.first(where: { name.hasPrefix($0.prefix) && name.hasSuffix($0.suffix) }) else {
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
