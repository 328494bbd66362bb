import Engine
import WireFormats

extension Services {
    /// Waits for a request without text: scores, or embeddings. Its metrics are counted like an answer's.
    func completions(of admitted: Admitted, context: ServerContext) async throws -> [Completion] {
        var meter = AnswerMeter(admitted, metrics: metrics, record: context.record)
        do {
            let completed = try await Serving.completions(
                of: admitted.streams, monitor: context.monitor(), keepAlive: configuration.keepAlive)
            for (choice, completion) in completed.enumerated() { meter.finished(completion, choice: choice) }
            meter.end(outcome: "stop")
            return completed
        } catch {
            meter.end(error)
            throw error
        }
    }
}
