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
