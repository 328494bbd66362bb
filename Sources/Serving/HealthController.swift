import HTTPTypes
import Hummingbird
import NIOCore
import WireFormats

/// Probes and metrics. None of them waits for the engine.
struct HealthController: Controller {
    let services: Services

    func addRoutes(to router: Router<ServerContext>) {
        // The models are loaded before the server listens: whoever answers has started.
        router.addResource("/livez", .get) { _, _ in Response(["status": "ok"]) }
        router.addResource("/startupz", .get) { _, _ in Response(["status": "ok"]) }
        router.addResource("/readyz", .get) { _, _ in readiness() }
        router.addResource("/health", .get) { _, _ in readiness() }
        router.addResource("/metrics", .get) { _, _ in
            Response(
                status: .ok, headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"],
                body: ResponseBody(byteBuffer: ByteBuffer(string: MetricsPage.text(services))))
        }
    }

    private func readiness() -> Response {
        guard services.state.phase == .ready else {
            return Response(["status": "draining"], status: .serviceUnavailable, headers: [.retryAfter: "5"])
        }
        return Response(["status": "ok"])
    }
}
