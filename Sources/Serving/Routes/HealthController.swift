import HTTPTypes
import Hummingbird
import NIOCore
import Support
import WireFormats

/// Probes and metrics. They never wait for the engine, and need no key.
struct HealthController: Controller {
    let services: Services
    /// Whether metrics are served here as well.
    let hasMetrics: Bool

    func addRoutes(to routes: Routes) {
        routes.add("/livez", for: .everyone, get: { _, _ in Response(["status": "ok"]) })
        routes.add(
            "/startupz", for: .everyone,
            get: { _, _ in services.state.phase == .loading ? unavailable("loading") : Response(["status": "ok"]) })
        for path: RouterPath in ["/readyz", "/health"] {
            routes.add(path, for: .everyone, get: { _, _ in readiness() })
        }
        guard hasMetrics else { return }
        routes.add(
            "/metrics", for: .everyone,
            get: { _, _ in
                Response(
                    status: .ok, headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"],
                    body: ResponseBody(byteBuffer: ByteBuffer(string: MetricsPage.text(services))))
            })
    }

    private func readiness() -> Response {
        switch services.state.phase {
        case .ready: Response(["status": "ok"])
        case .loading: unavailable("loading")
        case .leaving, .draining: unavailable("draining")
        }
    }

    private func unavailable(_ status: JSON) -> Response {
        Response(["status": status], status: .serviceUnavailable, headers: [.retryAfter: "5"])
    }
}
