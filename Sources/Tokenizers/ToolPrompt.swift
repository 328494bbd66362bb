import Support

/// Shows functions to a model whose template knows none: in the words of the Hermes and Qwen models, which many models
/// were trained with.
enum ToolPrompt {
    /// What the model writes before a call.
    static let opening = "<tool_call>"
    private static let closing = "</tool_call>"

    /// The conversation as text alone: the functions in the system turn, calls in the model's turns, and their results
    /// in turns of the user.
    static func applied(to messages: [ChatMessage], tools: [JSON]) -> [ChatMessage] {
        var messages = withResultsFromUser(messages).map(withCallsAsText)
        guard !tools.isEmpty else { return messages }
        let text = instructions(tools)
        if let first = messages.first, first.role == .system {
            messages[0] = ChatMessage(role: .system, content: first.content + [.text("\n\n" + text)])
        } else {
            messages.insert(ChatMessage(role: .system, text: text), at: 0)
        }
        return messages
    }

    /// The conversation with the results of functions in turns of the user; results in a row share a turn.
    static func withResultsFromUser(_ messages: [ChatMessage]) -> [ChatMessage] {
        var turns: [ChatMessage] = []
        var follows = false
        for message in messages {
            guard message.role == .tool else {
                turns.append(message)
                follows = false
                continue
            }
            let result = [.text("<tool_response>\n")] + message.content + [.text("\n</tool_response>")]
            if follows, let last = turns.popLast() {
                turns.append(ChatMessage(role: .user, content: last.content + [.text("\n")] + result))
            } else {
                turns.append(ChatMessage(role: .user, content: result))
            }
            follows = true
        }
        return turns
    }

    private static func withCallsAsText(_ message: ChatMessage) -> ChatMessage {
        guard !message.toolCalls.isEmpty else { return message }
        let calls = message.toolCalls.map { call in
            "\(opening)\n{\"name\": \(JSON.string(call.name).text), \"arguments\": \(call.arguments)}\n\(closing)"
        }
        let separator = message.content.isEmpty ? "" : "\n"
        return ChatMessage(
            role: message.role, content: message.content + [.text(separator + calls.joined(separator: "\n"))])
    }

    private static func instructions(_ tools: [JSON]) -> String {
        // Models see functions as Python writes them, with a blank behind commas and colons.
        let lines = tools.map { tool in
            (try? JinjaValue(tool)).flatMap { JinjaJSONWriter().text(of: $0) } ?? tool.text
        }
        return """
            # Tools

            You may call one or more functions to assist with the user query.

            You are provided with function signatures within <tools></tools> XML tags:
            <tools>
            \(lines.joined(separator: "\n"))
            </tools>

            For each function call, return a json object with function name and arguments within \
            \(opening)\(closing) XML tags:
            \(opening)
            {"name": <function-name>, "arguments": <args-json-object>}
            \(closing)
            """
    }
}
