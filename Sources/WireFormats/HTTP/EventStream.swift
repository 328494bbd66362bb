/// Frames of `text/event-stream`. There are no `id` and `retry` lines: clients stumble over them.
public enum EventStream {
    /// A frame of one line of data.
    public static func frame(event: String? = nil, _ data: JSON) -> String {
        let name = event.map { "event: \($0)\n" } ?? ""
        return "\(name)data: \(data.text)\n\n"
    }

    /// The last frame of OpenAI's streams.
    public static let done = "data: [DONE]\n\n"

    /// A comment that keeps the connection from looking dead.
    public static let keepAlive = ": keep-alive\n\n"
}
