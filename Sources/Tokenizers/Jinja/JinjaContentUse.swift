/// How a chat template uses the content of messages, found in its statements.
///
/// A template that loops over a message's content, or over a variable or parameter that holds it, reads it as a list of
/// parts. vLLM decides alike (`_detect_content_format`).
struct JinjaContentUse {
    /// Whether the template loops over a message's content.
    private(set) var loops = false
    /// Variables, and parameters of macros, that hold a message's content.
    private var names: Set<String> = []
    private var parameters: [String: [String]] = [:]
    private var grew = true

    init(of statements: [JinjaStatement]) {
        // A name found late may matter earlier, in a macro's body; every round finds one more name, or is the last.
        while grew, !loops {
            grew = false
            visit(statements)
        }
    }

    private mutating func hold(_ name: String) {
        if names.insert(name).inserted { grew = true }
    }

    /// Whether the value is a message's content, or elements chosen from it.
    private func isContent(_ expression: JinjaExpression) -> Bool {
        switch expression {
        case .name(let name): names.contains(name)
        case .attribute(_, "content"): true
        case .item(_, .literal(.text(let name))): name.string == "content"
        case .filter(let subject?, let name, _): name != "tojson" && isContent(subject)
        case .slice(let subject, _, _, _): isContent(subject)
        case .conditional(_, let value, let otherwise): isContent(value) || otherwise.map(isContent) == true
        default: false
        }
    }

    // MARK: Statements

    private mutating func visit(_ statements: [JinjaStatement]) {
        for statement in statements { visit(statement.kind) }
    }

    private mutating func visit(_ kind: JinjaStatement.Kind) {
        switch kind {
        case .text, .breakLoop, .continueLoop: break
        case .output(let expression): visit(expression)
        case .condition(let branches, let otherwise):
            for branch in branches {
                visit(branch.test)
                visit(branch.body)
            }
            visit(otherwise)
        case .loop(let loop):
            if isContent(loop.elements) { loops = true }
            visit(loop.elements)
            visit(loop.body)
            visit(loop.otherwise)
        case .assignment(let target, let value): assign(value, to: target)
        case .blockAssignment(_, _, let body), .filtered(_, let body): visit(body)
        case .scope(let values, let body):
            for (target, value) in values { assign(value, to: target) }
            visit(body)
        case .macro(let macro):
            parameters[macro.name] = macro.parameters.map(\.name)
            visit(macro.body)
        }
    }

    private mutating func assign(_ value: JinjaExpression, to target: JinjaTarget) {
        visit(value)
        if case .name(let name) = target, isContent(value) { hold(name) }
    }

    // MARK: Calls of macros

    private mutating func visit(_ expression: JinjaExpression) {
        switch expression {
        case .call(.name(let name), let arguments):
            for (parameter, value) in zip(parameters[name] ?? [], arguments.positional) where isContent(value) {
                hold(parameter)
            }
            for argument in arguments.named where isContent(argument.value) { hold(argument.name) }
        case .filter(let subject?, _, _): visit(subject)
        case .concatenation(let operands): for operand in operands { visit(operand) }
        case .arithmetic(_, let left, let right):
            visit(left)
            visit(right)
        case .conditional(_, let value, let otherwise):
            visit(value)
            if let otherwise { visit(otherwise) }
        default: break
        }
    }
}
