import CKernels

extension Compute {
    /// Replaces each value x by exp((x - highest) / temperature), within 2 units in the last place, on the calling
    /// thread. Values below -87 in the exponent become 0.
    ///
    /// - Parameters:
    ///   - highest: the greatest of the values, so that the greatest result is 1.
    ///   - temperature: more than 0.
    public func weights(_ values: inout [Float], highest: Float, temperature: Float) {
        // A temperature near 0 has no inverse.
        let scale = min(1 / temperature, 1e30)
        var (offset, one) = (Float(0), Float(1))
        values.withUnsafeMutableBufferPointer { values in
            guard let first = values.baseAddress else { return }
            for index in values.indices { values[index] -= highest }
            elementwise.scaled_softmax(1, values.count, first, scale, &offset, &one)
        }
    }
}
