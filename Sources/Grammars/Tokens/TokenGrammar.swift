import Synchronization

/// A grammar over the tokens of a model. Any number of answers can follow it at the same time.
///
/// Masks are kept: those of a state inside a rule, and those of whole places. Which tokens fit depends only on the text
/// so far, never on what was asked before.
public final class TokenGrammar: Sendable {
    let vocabulary: TokenVocabulary
    /// Whether a text may be brought to an early end, so that it fits the grammar whatever its length.
    let mayBeShortened: Bool
    private let tables: Mutex<Tables>

    init(_ grammar: Grammar, vocabulary: TokenVocabulary, mayBeShortened: Bool) {
        self.vocabulary = vocabulary
        self.mayBeShortened = mayBeShortened
        tables = Mutex(Tables(machine: Machine(grammar), vocabulary: vocabulary))
    }

    /// A position at the beginning of a text.
    public func start() -> TokenPosition {
        tables.withLock { tables in
            tables.limitMemory()
            let threads = tables.machine.start()
            return tables.position(threads, of: self, isAtStart: vocabulary.dropsFirstSpace)
        }
    }

    /// The tokens that may come next.
    func mask(at position: inout TokenPosition) -> TokenMask {
        tables.withLock { tables in
            tables.limitMemory()
            let threads = tables.threads(of: &position)
            return position.isAtStart ? tables.firstMask(threads) : tables.mask(threads)
        }
    }

    /// The tokens after which at most `room` bytes end the text.
    func endingMask(at position: inout TokenPosition, within room: Int32) -> TokenMask {
        tables.withLock { tables in
            tables.limitMemory()
            let threads = tables.threads(of: &position)
            return tables.endingMask(threads, within: room, isAtStart: position.isAtStart)
        }
    }

    /// The position after a token; nil if the token does not fit.
    func position(after token: Int32, at position: inout TokenPosition) -> TokenPosition? {
        var text = vocabulary.text(of: token)[...]
        guard !text.isEmpty else { return nil }
        if position.isAtStart, text.first == UInt8(ascii: " ") { text = text.dropFirst() }
        return tables.withLock { tables in
            tables.limitMemory()
            let threads = tables.threads(of: &position)
            var after = tables.machine.steps(threads, text)
            // A mask is made thread by thread. All threads together may exceed the limit and lose the one that fits.
            for thread in threads where after.isEmpty && threads.count > 1 {
                after = tables.machine.steps([thread], text)
            }
            return after.isEmpty ? nil : tables.position(after, of: self, isAtStart: false)
        }
    }
}

/// A position in a text that follows a grammar.
public struct TokenPosition: Sendable {
    /// A thread without numbers of the machine, which may have forgotten them.
    fileprivate struct Lasting: Sendable {
        var nodes: [Int32]
        var isString: Bool
        var state: Int32
        var stack: [Machine.Frame]
        var count: Int32
    }

    private let grammar: TokenGrammar
    /// Whether a text may end here.
    public let isEnd: Bool
    /// The minimum number of bytes until a text may end. As many tokens suffice, since each byte has a token.
    fileprivate let bytesToEnd: Int32
    /// Whether the first blank is still to come, which is not printed.
    fileprivate let isAtStart: Bool
    fileprivate var threads: [Thread]
    fileprivate var epoch: Int
    fileprivate let lasting: [Lasting]

    fileprivate init(
        grammar: TokenGrammar, isEnd: Bool, bytesToEnd: Int32, isAtStart: Bool, threads: [Thread], epoch: Int,
        lasting: [Lasting]
    ) {
        self.grammar = grammar
        self.isEnd = isEnd
        self.bytesToEnd = bytesToEnd
        self.isAtStart = isAtStart
        self.threads = threads
        self.epoch = epoch
        self.lasting = lasting
    }

    /// The tokens that may come next. An end token may come where `isEnd`; the mask has none.
    public mutating func mask() -> TokenMask { grammar.mask(at: &self) }

    /// The position after a token; nil if the token does not fit.
    public mutating func advanced(by token: Int32) -> TokenPosition? { grammar.position(after: token, at: &self) }

    /// The tokens that leave the text time to end, if a drawn token does not.
    ///
    /// - Parameters:
    ///   - next: the position after the drawn token.
    ///   - tokens: how many tokens may follow it.
    /// - Returns: nil if the text can still end after the drawn token, or if the text must not be shortened. Empty if
    ///   the text must end here. Nil too if no token would help.
    public mutating func endingMask(insteadOf next: TokenPosition, tokens: Int) -> TokenMask? {
        guard grammar.mayBeShortened, next.bytesToEnd > tokens, bytesToEnd <= tokens + 1 else { return nil }
        let mask = grammar.endingMask(at: &self, within: Int32(tokens))
        return mask.isEmpty && !isEnd ? nil : mask
    }

    /// Moves behind a token.
    ///
    /// - Returns: false, without a move, if the token does not fit.
    public mutating func advance(_ token: Int32) -> Bool {
        guard let next = advanced(by: token) else { return false }
        self = next
        return true
    }
}

/// What a grammar has built so far.
private struct Tables {
    var machine: Machine
    let vocabulary: TokenVocabulary
    private var masks: [[Int32]: TokenMask] = [:]
    private(set) var epoch = 0

    /// Limits of what is kept: together at most about 32 MB, for most grammars far less.
    private static let maximumSize = 4_000_000
    private static let maximumFrames = 131_072
    private static let maximumMasks = 1_024

    init(machine: Machine, vocabulary: TokenVocabulary) {
        self.machine = machine
        self.vocabulary = vocabulary
    }

    /// Forgets everything if it has become too much. Positions find their threads again by their nodes.
    mutating func limitMemory() {
        if masks.count > Self.maximumMasks { masks = [:] }
        guard machine.size > Self.maximumSize || machine.frames.count > Self.maximumFrames else { return }
        machine.clear()
        masks = [:]
        epoch += 1
    }

    // MARK: Positions

    func position(_ threads: [Thread], of grammar: TokenGrammar, isAtStart: Bool) -> TokenPosition {
        let lasting = threads.map { thread in
            let isString = thread.state >= Machine.strings
            var stack: [Machine.Frame] = []
            var frame = thread.frame
            while frame != Machine.bottom {
                stack.append(machine.frames[Int(frame)])
                frame = machine.frames[Int(frame)].parent
            }
            return TokenPosition.Lasting(
                nodes: isString ? [] : machine.states[Int(thread.state)].nodes, isString: isString, state: thread.state,
                stack: stack.reversed(), count: thread.count)
        }
        return TokenPosition(
            grammar: grammar, isEnd: threads.contains { machine.hasEnded($0) },
            bytesToEnd: machine.bytesToEnd(threads), isAtStart: isAtStart, threads: threads, epoch: epoch,
            lasting: lasting)
    }

    mutating func threads(of position: inout TokenPosition) -> [Thread] {
        guard position.epoch != epoch else { return position.threads }
        position.threads = position.lasting.map { lasting in
            var frame = Machine.bottom
            for entry in lasting.stack {
                frame = machine.push(.init(parent: frame, node: entry.node, count: entry.count))
            }
            let state = lasting.isString ? lasting.state : machine.state(lasting.nodes)
            return Thread(state: state, frame: frame, count: lasting.count)
        }
        position.epoch = epoch
        return position.threads
    }

    // MARK: Masks

    mutating func mask(_ threads: [Thread]) -> TokenMask {
        let key = self.key(threads)
        if let mask = masks[key] { return mask }
        let vocabulary = vocabulary
        let (bits, _) = machine.count { machine in
            var search = MaskSearch(vocabulary)
            for thread in threads { search.add(thread, &machine) }
            return search.bits
        }
        let mask = TokenMask(bits.words)
        masks[key] = mask
        return mask
    }

    /// The mask where the first blank of a token is not printed.
    mutating func firstMask(_ threads: [Thread]) -> TokenMask {
        let words = mask(threads).words
        guard let blank = vocabulary.child(UInt8(ascii: " ")) else { return TokenMask(words) }
        let vocabulary = vocabulary
        let (bits, _) = machine.count { machine in
            var search = MaskSearch(vocabulary)
            search.addFirst(words, behind: blank, threads, &machine)
            return search.bits
        }
        return TokenMask(bits.words)
    }

    mutating func endingMask(_ threads: [Thread], within room: Int32, isAtStart: Bool) -> TokenMask {
        let vocabulary = vocabulary
        let (bits, _) = machine.count { machine in
            var search = MaskSearch(vocabulary)
            search.addEnding(threads, within: room, &machine)
            // Their first blank would not be printed. Other tokens suffice.
            if isAtStart, let blank = vocabulary.child(UInt8(ascii: " ")) { search.removeTokens(below: blank) }
            return search.bits
        }
        return TokenMask(bits.words)
    }

    /// Threads of equal keys have equal masks.
    private mutating func key(_ threads: [Thread]) -> [Int32] {
        var key: [Int32] = []
        key.reserveCapacity(4 * threads.count)
        for thread in threads {
            key += [thread.state, thread.frame]
            guard thread.state >= Machine.strings else { continue }
            let (minimum, maximum) = machine.bounds(of: thread)
            let longest = vocabulary.strings.withLock { $0.longest(thread.state - Machine.strings, vocabulary) }
            key.append(min(longest + 1, maximum.map { $0 - thread.count } ?? .max))
            key.append(max(0, minimum - thread.count))
        }
        return key
    }
}
