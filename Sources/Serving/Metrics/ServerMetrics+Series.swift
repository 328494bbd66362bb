import Engine
import HTTPTypes
import Policies
import WireFormats

extension Services {
    /// Begins every series that can be known beforehand at zero: a counter that appears with its first value has no
    /// rate before the second. To be called when the model is loaded, and whenever its policies change.
    func declareSeries() {
        metrics.declareRefusals()
        for entry in routes.entries { metrics.declareResponses(of: entry) }
        guard let catalog = state.model?.policies.catalog else { return }
        for policy in catalog.all { metrics.declareTokens(of: policy) }
        for policy in catalog.policies {
            metrics.declareTimes(of: policy)
            if catalog.reward != nil { metrics.declare(.answerReward, [("model", policy.name)]) }
        }
        for entry in routes.entries where entry.isGenerating {
            let isReward = entry.path == RewardController.path
            let policies = isReward ? [catalog.reward].compactMap { $0 } : catalog.policies
            metrics.declareRequests(route: entry.path, policies: policies)
        }
    }
}

extension ServerMetrics {
    fileprivate func declareRefusals() {
        for code in APIError.Code.ofImages { declare(.rejectedImages, [("reason", code.rawValue)]) }
        for reason in ["missing", "invalid", "expired", "scope"] { declare(.authFailures, [("reason", reason)]) }
        for scope in ["streams", "requests", "prompt_tokens"] { declare(.rateLimited, [("scope", scope)]) }
        for limit in ["total", "address"] { declare(.refusedConnections, [("limit", limit)]) }
        for outcome in ["published", "failed"] { declare(.policySwaps, [("outcome", outcome)]) }
        for family in [MetricFamily.imageDecode, .imageEncode, .imagePixels] { declare(family, []) }
    }

    fileprivate func declareResponses(of entry: RouteTable.Entry) {
        let generating = [400, 401, 403, 404, 408, 413, 415, 429, 499, 503, 504]
        for method in entry.methods {
            for status in [200, 500] + (entry.isGenerating ? generating : []) {
                declare(.responses, [("route", entry.path), ("method", method.rawValue), ("status", "\(status)")])
            }
        }
    }

    fileprivate func declareRequests(route: String, policies: [Policy]) {
        func declare(_ model: String, _ modality: String, _ outcomes: [String]) {
            for outcome in outcomes {
                self.declare(
                    .requests, [("route", route), ("model", model), ("modality", modality), ("outcome", outcome)])
            }
        }
        declare("", "text", ["rejected", "cancelled"])
        for policy in policies {
            for modality in policy.modalities {
                declare(policy.name, modality, ["stop", "length", "cancelled", "rejected", "error"])
            }
        }
    }

    fileprivate func declareTokens(of policy: Policy) {
        declare(.generatedTokens, [("model", policy.name)])
        for kind in policy.modalities { declare(.promptTokens, [("model", policy.name), ("kind", kind)]) }
    }

    fileprivate func declareTimes(of policy: Policy) {
        for modality in policy.modalities {
            for family in [MetricFamily.firstToken, .interToken, .request, .queue, .prefill] {
                declare(family, [("model", policy.name), ("modality", modality)])
            }
        }
    }
}

extension RouteTable.Entry {
    /// Whether its requests are computed by the engine.
    fileprivate var isGenerating: Bool {
        if case .scope(let scope) = access { scope != .admin } else { false }
    }
}

extension Policy {
    /// What can be asked of it, as labels write it.
    fileprivate var modalities: [String] { vision == nil ? ["text"] : ["text", "image"] }
}
