extension Machine {
    /// The minimum number of bytes until the text may end; `MinimumValues.unreachable` if none is known.
    func bytesToEnd(_ threads: [Thread]) -> Int32 {
        let bytes = threads.map { thread in
            let inside = thread.state < Self.strings ? Int(states[Int(thread.state)].length) : restOfString(thread)
            return inside + Int(rests[Int(thread.frame)])
        }
        return TextLength.kept(bytes.min() ?? .max)
    }

    /// The bytes that a string still lacks, its closing quote included.
    private func restOfString(_ thread: Thread) -> Int {
        let missing = max(0, bounds(of: thread).minimum - thread.count)
        return StringMachine.missingBytes(thread.state - Self.strings) + Int(missing) + 1
    }

    /// The bytes of the rule of a stack's uppermost entry, from the return of what it called to the rule's end.
    func rest(after frame: Frame) -> Int {
        switch grammar.nodes[Int(frame.node)] {
        case .loop(let rule, let minimum, _, let next):
            // The running round is not over.
            let rounds = max(0, Int(minimum) - Int(frame.count))
            let body = Int(grammar.lengths.text[Int(grammar.starts[Int(rule)])])
            return TextLength.loop(rounds, body, Int(grammar.lengths.any[Int(next)]))
        case .string(_, _, let next): return Int(grammar.lengths.any[Int(next)])
        case .end, .bytes, .fork, .call: return Int(grammar.lengths.any[Int(frame.node)])
        }
    }
}
