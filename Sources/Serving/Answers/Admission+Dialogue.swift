import Tokenizers
import WireFormats

extension Admission {
    /// A dialogue for the template, with numbered images, and the beginning of the answer if the last message is it.
    static func dialogue(
        _ messages: [DialogueMessage], continuesLast: Bool = false
    ) -> (messages: [ChatMessage], beginning: String) {
        let last = messages.last.flatMap { continuesLast && $0.role == .assistant && $0.toolCalls.isEmpty ? $0 : nil }
        var next = 0
        let dialogue = messages.dropLast(last == nil ? 0 : 1).map { message in
            ChatMessage(
                role: message.role.templateRole,
                content: message.parts.map { part in
                    switch part {
                    case .text(let text): return .text(text)
                    case .image:
                        defer { next += 1 }
                        return .image(next)
                    }
                }, toolCalls: message.toolCalls.map { .init(name: $0.name, arguments: $0.arguments) })
        }
        return (dialogue, last?.texts.joined() ?? "")
    }
}

extension DialogueMessage {
    /// All text of the message, and the arguments of its calls.
    var texts: [String] {
        parts.compactMap { if case .text(let text) = $0 { text } else { nil } } + toolCalls.map(\.arguments)
    }
}

extension [DialogueMessage] {
    /// The bytes of all text.
    var textBytes: Int { reduce(0) { $0 + $1.texts.reduce(0) { $0 + $1.utf8.count } } }
}

extension DialogueMessage.Role {
    fileprivate var templateRole: ChatMessage.Role {
        switch self {
        case .system: .system
        case .user: .user
        case .assistant: .assistant
        case .tool: .tool
        }
    }
}
