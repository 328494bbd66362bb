/// An expression of a template.
indirect enum JinjaExpression: Sendable {
    case literal(JinjaValue)
    case name(String)
    case list([JinjaExpression])
    case tuple([JinjaExpression])
    case dictionary([(key: JinjaExpression, value: JinjaExpression)])
    case attribute(JinjaExpression, String)
    case item(JinjaExpression, JinjaExpression)
    case slice(JinjaExpression, start: JinjaExpression?, stop: JinjaExpression?, step: JinjaExpression?)
    case call(JinjaExpression, JinjaArguments)
    /// A filter; without a subject it filters the text of a block.
    case filter(JinjaExpression?, String, JinjaArguments)
    case test(JinjaExpression, String, JinjaArguments)
    case not(JinjaExpression)
    case and(JinjaExpression, JinjaExpression)
    case or(JinjaExpression, JinjaExpression)
    case comparison(JinjaExpression, [(symbol: JinjaComparison, operand: JinjaExpression)])
    case arithmetic(JinjaOperator, JinjaExpression, JinjaExpression)
    case negative(JinjaExpression)
    case positive(JinjaExpression)
    case concatenation([JinjaExpression])
    case conditional(test: JinjaExpression, JinjaExpression, otherwise: JinjaExpression?)
}

/// The arguments of a call, a filter or a test.
struct JinjaArguments: Sendable {
    var positional: [JinjaExpression] = []
    var named: [(name: String, value: JinjaExpression)] = []
}

/// An operator on two values.
enum JinjaOperator: String, Sendable {
    case add = "+"
    case subtract = "-"
    case multiply = "*"
    case divide = "/"
    case floorDivide = "//"
    case remainder = "%"
    case power = "**"
}

/// A comparison of two values.
enum JinjaComparison: String, Sendable {
    case equal = "=="
    case unequal = "!="
    case less = "<"
    case lessOrEqual = "<="
    case greater = ">"
    case greaterOrEqual = ">="
    case isIn = "in"
    case notIn = "not in"
}

/// What an assignment or a loop gives values to.
enum JinjaTarget: Sendable {
    case name(String)
    case names([JinjaTarget])
    case member(namespace: String, String)
}

/// A statement of a template, with its line.
struct JinjaStatement: Sendable {
    indirect enum Kind: Sendable {
        /// The template's text between tags.
        case text(MarkedText)
        case output(JinjaExpression)
        case condition([(test: JinjaExpression, body: [JinjaStatement])], otherwise: [JinjaStatement])
        case loop(JinjaLoop)
        case assignment(JinjaTarget, JinjaExpression)
        /// The text of a block, filtered, as a value.
        case blockAssignment(JinjaTarget, filter: JinjaExpression?, [JinjaStatement])
        /// The text of a block, filtered.
        case filtered(JinjaExpression, [JinjaStatement])
        /// Statements with variables of their own.
        case scope([(JinjaTarget, JinjaExpression)], [JinjaStatement])
        case macro(JinjaMacro)
        case breakLoop
        case continueLoop
    }

    let line: Int
    let kind: Kind
}

/// A loop over the elements of a value.
struct JinjaLoop: Sendable {
    let target: JinjaTarget
    let elements: JinjaExpression
    /// Elements for which it is false are left out.
    let filter: JinjaExpression?
    let body: [JinjaStatement]
    /// The statements for a loop without elements.
    let otherwise: [JinjaStatement]
}

/// A function that a template defines.
struct JinjaMacro: Sendable {
    let name: String
    let parameters: [(name: String, standard: JinjaExpression?)]
    let body: [JinjaStatement]
}
