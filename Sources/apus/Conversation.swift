import Checkpoints
import Engine
import Foundation
import Images
import Support
import Tokenizers

/// Why a line of a conversation did nothing.
struct ConversationError: Error, CustomStringConvertible {
    let reason: String

    var description: String { reason }
}

/// What a person's line asks for.
enum ChatCommand: Equatable {
    case ask(String)
    case image(String)
    case retry
    case undo
    case clear
    case system(String?)
    case policy(String?)
    case save(String)
    case help
    case quit

    static let helpText = """
        PATH … question   ask about images; paths with spaces in quotes
        /image PATH       show an image with the next question
        /retry            answer the last question again, with another seed
        /undo             forget the last question and its answer
        /clear            begin a new conversation
        /system [TEXT]    set the instructions, or remove them
        /policy [NAME]    say which policies there are, or let another one answer
        /save FILE        write the conversation, for `apus chat --resume FILE`
        /quit             end, as Ctrl-D does
        """

    /// Nil for an empty line.
    init?(_ line: String) throws(ConversationError) {
        let line = line.trimmingCharacters(in: .whitespaces)
        guard !line.isEmpty else { return nil }
        guard line.hasPrefix("/"), !FileManager.default.fileExists(atPath: Self.firstWord(of: line).word) else {
            self = .ask(line)
            return
        }
        let (name, rest) = Self.split(line)
        switch (name, rest) {
        case ("/image", let path?): self = .image(Self.firstWord(of: path).word)
        case ("/save", let path?): self = .save(Self.firstWord(of: path).word)
        case ("/image", nil), ("/save", nil): throw ConversationError(reason: "\(name) takes a path")
        case ("/retry", nil): self = .retry
        case ("/undo", nil): self = .undo
        case ("/clear", nil): self = .clear
        case ("/system", let text): self = .system(text)
        case ("/policy", let policy): self = .policy(policy)
        case ("/help", nil): self = .help
        case ("/quit", nil), ("/exit", nil), ("/bye", nil): self = .quit
        default: throw ConversationError(reason: "there is no command \(line); /help lists the commands")
        }
    }

    private static func split(_ line: String) -> (name: String, rest: String?) {
        let name = String(line.prefix { !$0.isWhitespace })
        let rest = line.dropFirst(name.count).trimmingCharacters(in: .whitespaces)
        return (name, rest.isEmpty ? nil : rest)
    }

    /// The first word as a shell reads it, quotes and backslashes included, and the rest of the line: terminals write
    /// the paths of dropped files like this.
    static func firstWord(of line: String) -> (word: String, rest: Substring) {
        var word = ""
        var quote: Character?
        var index = line.startIndex
        while index < line.endIndex {
            let character = line[index]
            let next = line.index(after: index)
            if character == quote {
                quote = nil
            } else if quote == nil, character == "'" || character == "\"" {
                quote = character
            } else if character == "\\", quote != "'", next < line.endIndex {
                word.append(line[next])
                index = next
            } else if quote == nil, character.isWhitespace {
                break
            } else {
                word.append(character)
            }
            index = line.index(after: index)
        }
        return (word, line[index...])
    }
}

/// A conversation with its images. Files are read when they are attached, so that a path that later disappears does no
/// harm.
struct Conversation {
    private struct Turn: Codable {
        let role: String
        var images: [String]?
        var text: String
    }

    private struct File: Codable {
        var system: String?
        var turns: [Turn]
    }

    private var turns: [Turn] = []
    private var images: [InputProcessor.Image] = []
    /// Paths of the images for the next question.
    private var attached: [String] = []
    /// The instructions; nil for none.
    var system: String?

    init(system: String? = nil) {
        self.system = system
    }

    /// A conversation that `save` wrote.
    init(file: String) throws {
        do {
            let saved = try decodeSmallFile(File.self, path: file)
            system = saved.system
            turns = saved.turns
        } catch {
            throw ConversationError(reason: "\(file) is no conversation that /save wrote: \(error.reason)")
        }
        guard turns.enumerated().allSatisfy({ $1.role == ($0.isMultiple(of: 2) ? "user" : "assistant") }),
            turns.count.isMultiple(of: 2)
        else { throw ConversationError(reason: "\(file): questions and answers must alternate") }
        for path in turns.flatMap({ $0.images ?? [] }) { images.append(try Self.image(path)) }
    }

    /// Shows an image with the next question.
    mutating func attach(_ path: String) throws(ConversationError) {
        images.append(try Self.image(path))
        attached.append(path)
    }

    /// Adds a question, which may begin with paths of images. False if there was no text: the images then wait for the
    /// next question.
    mutating func ask(_ line: String) throws(ConversationError) -> Bool {
        var rest = line
        while true {
            let (word, after) = ChatCommand.firstWord(of: rest)
            guard Self.isImage(word) else { break }
            try attach(word)
            rest = after.trimmingCharacters(in: .whitespaces)
        }
        guard !rest.isEmpty else { return false }
        turns.append(Turn(role: "user", images: attached.isEmpty ? nil : attached, text: rest))
        attached = []
        return true
    }

    /// Adds the answer to the last question.
    mutating func finish(_ answer: String) { turns.append(Turn(role: "assistant", text: answer)) }

    /// Takes the last answer back, and leaves its question.
    mutating func dropAnswer() throws(ConversationError) {
        guard turns.last?.role == "assistant" else {
            throw ConversationError(reason: "there is no answer yet")
        }
        turns.removeLast()
    }

    /// Takes the last question back, with its answer. Its images are gone too.
    mutating func undo() throws(ConversationError) {
        guard let question = turns.lastIndex(where: { $0.role == "user" }) else {
            throw ConversationError(reason: "there is no question yet")
        }
        images.removeLast(attached.count + (turns[question].images?.count ?? 0))
        attached = []
        turns.removeSubrange(question...)
    }

    /// The turns as messages, and the images that they name by index.
    var prompt: (messages: [ChatMessage], images: [InputProcessor.Image]) {
        var next = 0
        var messages = system.map { [ChatMessage(role: .system, text: $0)] } ?? []
        for turn in turns {
            let count = turn.images?.count ?? 0
            let parts = (next..<next + count).map { ChatMessage.Part.image($0) } + [.text(turn.text)]
            next += count
            messages.append(ChatMessage(role: turn.role == "user" ? .user : .assistant, content: parts))
        }
        return (messages, Array(images.prefix(next)))
    }

    /// Writes the conversation as JSON: `system`, and `turns` of `role`, `images` (paths) and `text`.
    func save(to path: String) throws(ConversationError) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        do {
            try encoder.encode(File(system: system, turns: turns)).write(to: URL(fileURLWithPath: path))
        } catch {
            throw ConversationError(reason: "\(path) cannot be written: \(error.localizedDescription)")
        }
    }

    /// Whether a word is the path of a file that begins like an image.
    private static func isImage(_ path: String) -> Bool {
        guard !path.isEmpty, let file = FileHandle(forReadingAtPath: path) else { return false }
        defer { try? file.close() }
        let head = Array((try? file.read(upToCount: 16)) ?? Data())
        return (try? ImageFormat(of: head)) != nil
    }

    private static func image(_ path: String) throws(ConversationError) -> InputProcessor.Image {
        guard let bytes = FileManager.default.contents(atPath: path) else {
            throw ConversationError(reason: "\(path) cannot be read")
        }
        do throws(ImageError) {
            return InputProcessor.Image(image: try ImageFile.decode(Array(bytes)))
        } catch {
            throw ConversationError(reason: "\(path) is not an image that can be read: \(error)")
        }
    }
}
