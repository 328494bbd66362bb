/// Decides when a pool leaves its threads alone.
///
/// A thread that loses its processor in the middle of a piece makes the caller wait for a scheduler's slice, some
/// milliseconds, and a generated token has hundreds of sections. Beside many busy processes one thread is then many
/// times as fast as two. So after a section that waited long, the caller works by itself for a while, longer with each
/// such section.
package struct StallGuard: Sendable {
    /// In nanoseconds of the pool's clock.
    private var aloneUntil: UInt64 = 0
    private var pause = Self.shortest
    /// Sections in a row without a long wait.
    private var calm = 0

    /// A wait is long if it takes this much longer than the caller's own share of the work, in nanoseconds.
    private static let patience: UInt64 = 300_000
    private static let shortest: UInt64 = 4_000_000
    private static let longest: UInt64 = 500_000_000
    /// After so many sections without a long wait the next one counts as the first.
    private static let calmSections = 500

    /// A guard that has seen no wait.
    package init() {}

    /// Whether the caller works by itself at `now`.
    package func isAlone(at now: UInt64) -> Bool { now < aloneUntil }

    /// Notes a section that ended at `now`.
    ///
    /// - Parameters:
    ///   - work: nanoseconds for which the caller worked.
    ///   - wait: nanoseconds for which it then waited for the other threads.
    package mutating func note(work: UInt64, wait: UInt64, at now: UInt64) {
        guard wait > work + Self.patience else {
            calm += 1
            if calm >= Self.calmSections { pause = Self.shortest }
            return
        }
        calm = 0
        aloneUntil = now + pause
        pause = min(Self.longest, 2 * pause)
    }
}
