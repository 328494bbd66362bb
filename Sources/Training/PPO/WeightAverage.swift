package import Models
package import Tensors

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
    mutating func add(_ other: ParameterSet, scale: Float = 1, on compute: Compute) {
        precondition(names == other.names, "gradients of other parameters")
        for index in tensors.indices { compute.add(&tensors[index], other.tensors[index], scale: scale) }
    }

    /// √ Σ x² over all tensors.
    func norm(on compute: Compute) -> Double {
        tensors.reduce(0.0) { $0 + compute.squaredNorm($1) }.squareRoot()
    }
}
