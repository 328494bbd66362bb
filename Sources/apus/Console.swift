import Foundation

/// Where a command writes, and whether a person watches it write. A test gives one that keeps what is written.
package struct Console: Sendable {
    /// Takes what a command was asked for.
    let output: @Sendable (String) -> Void
    /// Takes everything else: progress, warnings, errors.
    let error: @Sendable (String) -> Void
    /// Whether a terminal shows the progress.
    let isInteractive: Bool

    /// A console of the given parts.
    package init(
        isInteractive: Bool, output: @escaping @Sendable (String) -> Void, error: @escaping @Sendable (String) -> Void
    ) {
        self.isInteractive = isInteractive
        self.output = output
        self.error = error
    }

    /// The process's own.
    package static var standard: Console {
        Console(
            isInteractive: isatty(STDERR_FILENO) == 1,
            output: { FileHandle.standardOutput.write(Data($0.utf8)) },
            error: { FileHandle.standardError.write(Data($0.utf8)) })
    }

    /// The one of the command that runs. The argument parser makes commands and hands nothing on, so the task does.
    @TaskLocal static var current = Console.standard

    /// Shows how far work of `total` pieces is, on one line that is written over. Elsewhere than on a terminal there is
    /// one line, at the end.
    func count(_ done: Int, of total: Int) {
        guard done == total || (isInteractive && done.isMultiple(of: 100)) else { return }
        error("\(isInteractive ? "\r" : "")\(done) of \(total)\(done == total ? "\n" : "")")
    }

    /// Says that a run begins in `folder`, and takes the lines that tell how far it is. Only a terminal shows those:
    /// the folder keeps all of them.
    func progress(in folder: String) -> (String) -> Void {
        error("running; \(folder)/log.jsonl has every step\n")
        return { line in
            if isInteractive { error(line + "\n") }
        }
    }

    /// The same for work that keeps no log: `title` at its beginning, and on a terminal each line.
    func progress(_ title: String) -> @Sendable (String) -> Void {
        error(title + "\n")
        return { line in
            if isInteractive { error(line + "\n") }
        }
    }
}

/// Writes a line of what the command was asked for, at once.
func say(_ line: String) {
    Console.current.output(line + "\n")
}
