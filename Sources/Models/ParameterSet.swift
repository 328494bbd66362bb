public import Tensors

/// Named tensors in a fixed order: a model's weights or, under the same names, their gradients or an optimiser's
/// moments.
public struct ParameterSet: Sendable {
    /// The tensors' names in order, without duplicates.
    public let names: [String]
    /// The tensors, in the order of `names`. Writing one must keep its shape.
    public var tensors: [Tensor]
    private let indices: [String: Int]

    /// A set of the given tensors in the given order.
    public init(_ parameters: [(name: String, tensor: Tensor)]) {
        self.names = parameters.map(\.name)
        self.tensors = parameters.map(\.tensor)
        self.indices = Dictionary(uniqueKeysWithValues: zip(names, names.indices))
    }

    /// The tensor called `name`, which must be in the set.
    public subscript(name: String) -> Tensor {
        get { tensors[index(of: name)] }
        _modify { yield &tensors[index(of: name)] }
    }

    /// Whether a tensor is called `name`.
    public func contains(_ name: String) -> Bool {
        indices[name] != nil
    }

    /// Zeros of the same names and shapes, to be kept.
    public func zeros() -> ParameterSet {
        ParameterSet(zip(names, tensors).map { ($0, Tensor(zeros: $1.shape)) })
    }

    /// Zeros of the same names and shapes in memory of `compute`, which the next step uses again.
    public func zeros(on compute: Compute) -> ParameterSet {
        ParameterSet(zip(names, tensors).map { ($0, compute.zeros($1.shape)) })
    }

    private func index(of name: String) -> Int {
        guard let index = indices[name] else { preconditionFailure("no parameter is called \(name)") }
        return index
    }
}

extension ParameterSet {
    /// Updates an exponential moving average with `latest`: decay · average + (1 - decay) · latest. The average of a
    /// run's policies ships, as in Ouyang et al. 2022 (appendix C.4).
    package mutating func average(with latest: ParameterSet, decay: Float, on compute: Compute) {
        precondition(names == latest.names, "an average of other parameters")
        for index in tensors.indices {
            compute.scale(&tensors[index], by: decay)
            compute.add(&tensors[index], latest.tensors[index], scale: 1 - decay)
        }
    }

    /// `self += other`, for gradients of the passes of one batch.
    package mutating func add(_ other: ParameterSet, scale: Float = 1, on compute: Compute) {
        precondition(names == other.names, "gradients of other parameters")
        for index in tensors.indices { compute.add(&tensors[index], other.tensors[index], scale: scale) }
    }

    /// √ Σ x² over all tensors.
    package func norm(on compute: Compute) -> Double {
        tensors.reduce(0.0) { $0 + compute.squaredNorm($1) }.squareRoot()
    }
}
