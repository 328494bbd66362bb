import Synchronization
import WireFormats

/// How much the caller of a key may use; nil is no limit.
public struct KeyLimits: Sendable, Equatable {
    /// Requests a minute.
    public var requests: Int?
    /// Prompt tokens a minute, images' positions included.
    public var promptTokens: Int?
    /// Requests that are open at the same time.
    public var streams: Int?

    /// The given limits, each at least 1.
    public init(requests: Int? = nil, promptTokens: Int? = nil, streams: Int? = nil) {
        self.requests = requests
        self.promptTokens = promptTokens
        self.streams = streams
    }
}

/// Fills evenly with `limit` a minute, and holds no more than that.
package struct TokenBucket: Sendable {
    private var level: Double
    private var filled: ContinuousClock.Instant

    /// A full bucket.
    package init(limit: Int, at now: ContinuousClock.Instant) {
        level = Double(limit)
        filled = now
    }

    /// Takes `amount`. What is more than the bucket holds is given when it is full, and leaves a debt.
    ///
    /// - Returns: how long to wait if it is not there; nil once it is taken.
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

/// Keeps each key to its limits.
final class RateLimiter: Sendable {
    private struct Account {
        var requests: TokenBucket?
        var promptTokens: TokenBucket?
        var open = 0
    }

    /// By the keys' ids; only keys that are in force get one.
    private let accounts = Mutex<[String: Account]>([:])

    /// Counts a request of a key.
    ///
    /// - Returns: what holds its place among the key's open ones.
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

    /// The header's whole seconds: no one comes back at once, and no one stays away for long.
    static func retryAfter(_ wait: Duration) -> Int { Int(max(1, min(60, wait.seconds.rounded(.up)))) }
}
