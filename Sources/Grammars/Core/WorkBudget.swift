/// Counts the work of one compilation, so that no source takes long.
///
/// A unit is a step that takes at most about a microsecond: a node, a keyword, a comparison of two values. The count
/// depends on the source alone, never on the machine.
final class WorkBudget {
    /// The most units of one compilation.
    static let limit = 500_000

    private(set) var used = 0

    /// Counts units before they are worked. Throws if there would be too many.
    func spend(_ units: Int = 1) throws(GrammarError) {
        guard units <= Self.limit - used else { throw .tooMuchWork }
        used += units
    }
}
