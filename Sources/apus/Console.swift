import CLineEditor
import Foundation

/// Where a command writes, and whether a terminal shows it. Tests pass a console that keeps the text.
package struct Console: Sendable {
    /// Writes the command's result.
    let output: @Sendable (String) -> Void
    /// Writes progress, warnings and errors.
    let error: @Sendable (String) -> Void
    /// Reads a person's next line, after a prompt on a terminal; nil at the end.
    let input: @Sendable (_ prompt: String) -> String?
    /// Whether a terminal shows the progress.
    let isInteractive: Bool

    /// A console that reads and writes with the given closures.
    package init(
        isInteractive: Bool, input: @escaping @Sendable (_ prompt: String) -> String? = { _ in nil },
        output: @escaping @Sendable (String) -> Void, error: @escaping @Sendable (String) -> Void
    ) {
        self.isInteractive = isInteractive
        self.input = input
        self.output = output
        self.error = error
    }

    /// The standard output and standard error of the process.
    package static var standard: Console {
        Console(
            isInteractive: isatty(STDERR_FILENO) == 1, input: read,
            output: { FileHandle.standardOutput.write(Data($0.utf8)) },
            error: { FileHandle.standardError.write(Data($0.utf8)) })
    }

    @Sendable private static func read(_ prompt: String) -> String? {
        guard isatty(STDIN_FILENO) == 1 else { return readLine() }
        guard let line = apus_line_read(prompt) else { return nil }
        defer { apus_line_free(line) }
        return String(cString: line)
    }

    /// The console of the running command. The argument parser makes the commands and passes them nothing, so the task
    /// carries the console.
    @TaskLocal static var current = Console.standard

    /// Asks a person; an empty line means yes, the end of the input no.
    package func confirms(_ question: String) -> Bool {
        guard let answer = input("\(question) [Y/n] ") else { return false }
        return answer.isEmpty || answer.lowercased().hasPrefix("y")
    }

    /// Shows the progress of work with `total` pieces, on one line that each call overwrites. Without a terminal there
    /// is one line, at the end.
    func count(_ done: Int, of total: Int) {
        guard done == total || (isInteractive && done.isMultiple(of: 100)) else { return }
        error("\(isInteractive ? "\r" : "")\(done) of \(total)\(done == total ? "\n" : "")")
    }

    /// Shows the lines of a run in `folder` on a terminal alone: the folder keeps them. The first line comes when the
    /// run begins, after its inputs were checked; before it a line says where the others are.
    func progress(in folder: String) -> (String) -> Void {
        var show: ((String) -> Void)?
        return { line in
            let shown = show ?? progress("running; \(folder)/log.jsonl has every step")
            show = shown
            shown(line)
        }
    }

    /// Shows `title` at once, and each line of progress on a terminal alone.
    func progress(_ title: String) -> @Sendable (String) -> Void {
        error(title + "\n")
        return { line in
            if isInteractive { error(line + "\n") }
        }
    }
}

/// Writes one line of the command's result to standard output.
func say(_ line: String) {
    Console.current.output(line + "\n")
}
