import Synchronization
import apus

/// What a command left behind.
struct CommandRun {
    /// The exit code.
    let code: Int32
    /// Standard output.
    let output: String
    /// Standard error.
    let error: String

    /// Runs `apus` with these arguments in this process.
    ///
    /// - Parameters:
    ///   - interactive: whether a terminal shows the progress.
    ///   - input: the lines that a person types.
    init(
        _ arguments: [String], interactive: Bool = false, input: @escaping @Sendable (String) -> String? = { _ in nil }
    ) async {
        let (output, error) = (Text(), Text())
        let console = Console(
            isInteractive: interactive, input: input, output: output.append, error: error.append)
        code = await Apus.run(arguments, console: console)
        self.output = output.all
        self.error = error.all
    }

    init(_ arguments: String..., interactive: Bool = false) async {
        await self.init(arguments, interactive: interactive)
    }
}

/// Text that several threads write.
private final class Text: Sendable {
    private let text = Mutex("")

    var all: String { text.withLock { $0 } }

    @Sendable func append(_ more: String) { text.withLock { $0 += more } }
}
