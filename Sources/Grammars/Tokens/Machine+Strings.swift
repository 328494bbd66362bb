extension Machine {
    /// The bounds of the string that a thread is in.
    func bounds(of thread: Thread) -> (minimum: Int32, maximum: Int32?) {
        guard case .string(let minimum, let maximum, _) = grammar.nodes[Int(frames[Int(thread.frame)].node)] else {
            return (0, nil)
        }
        return (minimum, maximum)
    }

    /// The threads after a byte of a string.
    mutating func stringStep(_ thread: Thread, _ byte: UInt8) -> [Thread] {
        let (minimum, maximum) = bounds(of: thread)
        let state = thread.state - Self.strings
        switch StringMachine.next(state, byte) {
        case StringMachine.dead: return []
        case StringMachine.closed: return thread.count >= minimum ? returned(from: thread.frame) : []
        case let next:
            var count = thread.count
            if state == StringMachine.between {
                if let maximum, count >= maximum { return [] }
                // Without a maximum only the characters up to the minimum count.
                count = maximum == nil ? min(count + 1, minimum) : count + 1
            }
            return [Thread(state: Self.strings + next, frame: thread.frame, count: count)]
        }
    }
}
