import Synchronization
import WireFormats

/// The limits on the use of one key; nil means no limit.
public struct KeyLimits: Sendable, Equatable {
    /// Requests per minute.
    public var requests: Int?
    /// Prompt tokens per minute, image positions included.
    public var promptTokens: Int?
    /// Requests open at the same time.
    public var streams: Int?

    /// The given limits, each at least 1.
    public init(requests: Int? = nil, promptTokens: Int? = nil, streams: Int? = nil) {
        self.requests = requests
        self.promptTokens = promptTokens
        self.streams = streams
    }
}

/// Fills evenly with `limit` per minute, up to `limit`.
package struct TokenBucket: Sendable {
    private var level: Double
    private var filled: ContinuousClock.Instant

    /// A full bucket.
    package init(limit: Int, at now: ContinuousClock.Instant) {
        level = Double(limit)
        filled = now
    }

    /// Takes `amount`. If `amount` exceeds the capacity, a full bucket grants it and goes into debt.
    ///
    /// - Returns: the time to wait if the level is too low; nil if the amount was taken.
    package mutating func take(_ amount: Int, limit: Int, at now: ContinuousClock.Instant) -> Duration? {
        let limit = Double(limit)
        level = min(limit, level + (now - filled).seconds * limit / 60)
        filled = now
        let needed = min(Double(amount), limit)
        guard level >= needed else { return .seconds((needed - level) * 60 / limit) }
        level -= Double(amount)
        return nil
    }
}

/// Enforces each key's limits.
final class RateLimiter: Sendable {
    private struct Account {
        var requests: TokenBucket?
        var promptTokens: TokenBucket?
        var open = 0
    }

    /// By key id; only valid keys have an account.
    private let accounts = Mutex<[String: Account]>([:])

    /// Counts a request of a key.
    ///
    /// - Returns: the slot of the request among the key's open requests.
    func admit(
        _ key: KeyRecord, metrics: ServerMetrics, at now: ContinuousClock.Instant = .now
    ) throws(APIError) -> OpenRequest {
        let refusal = accounts.withLock { accounts -> (scope: String, limit: Int, wait: Duration)? in
            var account = accounts[key.id] ?? Account()
            defer { accounts[key.id] = account }
            if let limit = key.limits.streams, account.open >= limit { return ("streams", limit, .seconds(1)) }
            if let limit = key.limits.requests {
                var bucket = account.requests ?? TokenBucket(limit: limit, at: now)
                let wait = bucket.take(1, limit: limit, at: now)
                account.requests = bucket
                if let wait { return ("requests", limit, wait) }
            }
            account.open += 1
            return nil
        }
        if let refusal {
            throw Self.error(refusal.scope, limit: refusal.limit, wait: refusal.wait, metrics: metrics)
        }
        return OpenRequest { [self] in accounts.withLock { $0[key.id]?.open -= 1 } }
    }

    /// Counts the prompt tokens of a request of a key.
    func charge(
        _ tokens: Int, to key: KeyRecord, metrics: ServerMetrics, at now: ContinuousClock.Instant = .now
    ) throws(APIError) {
        guard let limit = key.limits.promptTokens else { return }
        let wait = accounts.withLock { accounts in
            var bucket = accounts[key.id]?.promptTokens ?? TokenBucket(limit: limit, at: now)
            defer { accounts[key.id, default: Account()].promptTokens = bucket }
            return bucket.take(tokens, limit: limit, at: now)
        }
        if let wait { throw Self.error("prompt_tokens", limit: limit, wait: wait, metrics: metrics) }
    }

    private static func error(_ scope: String, limit: Int, wait: Duration, metrics: ServerMetrics) -> APIError {
        metrics.add(.rateLimited, [("scope", scope)])
        let what =
            switch scope {
            case "streams": "\(limit) open requests"
            case "requests": "\(limit) requests a minute"
            default: "\(limit) prompt tokens a minute"
            }
        var error = APIError(
            .rateLimitExceeded, "The key may have \(what), which is used up.", status: 429, kind: .rateLimit)
        error.retryAfter = retryAfter(wait)
        return error
    }

    /// The seconds in the header, between 1 and 60: clients neither return at once nor stay away for long.
    static func retryAfter(_ wait: Duration) -> Int { Int(max(1, min(60, wait.seconds.rounded(.up)))) }
}
