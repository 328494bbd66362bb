import Foundation

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
