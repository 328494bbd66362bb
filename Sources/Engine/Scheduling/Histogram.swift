/// Counts values by how large they are, as Prometheus' histograms do.
public struct Histogram: Sendable, Equatable {
    /// Upper bounds of the buckets, rising.
    public let bounds: [Double]
    /// Values of each bucket alone; those above the last bound are in `count` only.
    public private(set) var counts: [Int]
    /// Values in all.
    public private(set) var count = 0
    /// The sum of all values.
    public private(set) var sum = 0.0

    /// An empty histogram.
    public init(bounds: [Double]) {
        self.bounds = bounds
        self.counts = Array(repeating: 0, count: bounds.count)
    }

    /// Counts a value.
    public mutating func observe(_ value: Double) {
        count += 1
        sum += value
        if let index = bounds.firstIndex(where: { value <= $0 }) { counts[index] += 1 }
    }
}
