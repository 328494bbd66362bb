extension JinjaValue {
    /// Python's `str` of the value; nil for one that has no text, such as a function. Numbers and words such as `True`
    /// count as the template's text: no caller can spell a special token with them.
    var printed: MarkedText? {
        switch self {
        case .undefined: MarkedText("", isTrusted: true)
        case .text(let text): text
        case .list, .mapping: representation
        case .null, .boolean, .integer, .float: representation
        case .namespace, .macro, .function, .method, .loop: nil
        }
    }

    /// Python's `repr` of the value; nil for one that has none here.
    private var representation: MarkedText? {
        switch self {
        case .undefined: "Undefined"
        case .null: "None"
        case .boolean(let flag): flag ? "True" : "False"
        case .integer(let integer): MarkedText(String(integer), isTrusted: true)
        case .float(let number): MarkedText(Self.python(number), isTrusted: true)
        case .text(let text): MarkedText(Self.quoted(text.string), isTrusted: false)
        case .list(let list): Self.representation(of: list)
        case .mapping(let mapping): Self.representation(of: mapping)
        case .namespace, .macro, .function, .method, .loop: nil
        }
    }

    private static func representation(of list: JinjaList) -> MarkedText? {
        var text: MarkedText = list.isTuple ? "(" : "["
        for (index, element) in list.elements.enumerated() {
            guard let part = element.representation else { return nil }
            text += (index > 0 ? ", " : "") + part
        }
        if list.isTuple, list.elements.count == 1 { text += "," }
        return text + (list.isTuple ? ")" : "]")
    }

    private static func representation(of mapping: JinjaMapping) -> MarkedText? {
        var text: MarkedText = "{"
        for (index, item) in mapping.items.enumerated() {
            guard let key = item.key.representation, let value = item.value.representation else { return nil }
            text += (index > 0 ? ", " : "") + key + ": " + value
        }
        return text + "}"
    }

    /// A string literal of Python.
    private static func quoted(_ text: String) -> String {
        let scalars = text.unicodeScalars
        let quote: Unicode.Scalar = scalars.contains("'") && !scalars.contains("\"") ? "\"" : "'"
        var result = String(Character(quote))
        for scalar in scalars {
            switch scalar {
            case quote, "\\": result += "\\" + String(Character(scalar))
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            default:
                result += scalar.isPrintable ? String(Character(scalar)) : escape(scalar)
            }
        }
        return result + String(Character(quote))
    }

    private static func escape(_ scalar: Unicode.Scalar) -> String {
        switch scalar.value {
        case ..<0x100: "\\x" + hexadecimal(scalar.value, digits: 2)
        case ..<0x10000: "\\u" + hexadecimal(scalar.value, digits: 4)
        default: "\\U" + hexadecimal(scalar.value, digits: 8)
        }
    }

    private static func hexadecimal(_ value: UInt32, digits: Int) -> String {
        let text = String(value, radix: 16)
        return String(repeating: "0", count: max(0, digits - text.count)) + text
    }

    /// Python's shortest text of a number.
    static func python(_ number: Double) -> String {
        guard number.isFinite else { return number.isNaN ? "nan" : number < 0 ? "-inf" : "inf" }
        let parts = number.magnitude.description.split(separator: "e")
        let mantissa = parts[0].split(separator: ".")
        let fraction = mantissa.count > 1 && mantissa[1] != "0" ? mantissa[1] : ""
        let all = String(mantissa[0] + fraction)
        let leading = all.prefix { $0 == "0" }.count
        // The value is 0.DIGITS × 10^point.
        let point = mantissa[0].count + (parts.count > 1 ? Int(parts[1]) ?? 0 : 0) - leading
        var digits = String(all.dropFirst(leading))
        while digits.last == "0" { digits.removeLast() }
        let sign = number.sign == .minus ? "-" : ""
        guard !digits.isEmpty else { return sign + "0.0" }
        if point > 16 || point < -3 {
            let rest = digits.dropFirst()
            let exponent = String((point - 1).magnitude)
            return sign + digits.prefix(1) + (rest.isEmpty ? "" : "." + rest)
                + (point - 1 < 0 ? "e-" : "e+") + (exponent.count < 2 ? "0" : "") + exponent
        }
        if point <= 0 { return sign + "0." + String(repeating: "0", count: -point) + digits }
        if digits.count <= point {
            return sign + digits + String(repeating: "0", count: point - digits.count) + ".0"
        }
        return sign + digits.prefix(point) + "." + digits.dropFirst(point)
    }
}

extension Unicode.Scalar {
    /// Whether Python's `repr` writes it as it is.
    fileprivate var isPrintable: Bool {
        switch properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator: false
        case .spaceSeparator: self == " "
        default: true
        }
    }
}

/// Writes values as JSON as Python's `json.dumps` does.
struct JinjaJSONWriter {
    /// Whether scalars above U+007F are escaped.
    var isASCII = false
    /// The blanks of each level; nil for one line.
    var indent: String?
    /// Between elements.
    var separator = ", "
    /// Between a name and its value.
    var colon = ": "
    /// Whether members are in the order of their names.
    var sortsKeys = false

    /// The value as text of the caller. Nil if it has no JSON, such as an undefined one.
    func text(of value: JinjaValue) -> String? {
        var output = ""
        return write(value, level: 0, to: &output) ? output : nil
    }

    private func write(_ value: JinjaValue, level: Int, to output: inout String) -> Bool {
        switch value {
        case .null: output += "null"
        case .boolean(let flag): output += flag ? "true" : "false"
        case .integer(let integer): output += String(integer)
        case .float(let number): output += Self.json(number)
        case .text(let text): write(text.string, to: &output)
        case .list(let list):
            return write(list.elements, "[", "]", level: level, to: &output) { element, output in
                write(element, level: level + 1, to: &output)
            }
        case .mapping(let mapping):
            guard var items = names(of: mapping) else { return false }
            if sortsKeys { items.sort { MarkedText($0.0, isTrusted: false) < MarkedText($1.0, isTrusted: false) } }
            return write(items, "{", "}", level: level, to: &output) { item, output in
                write(item.0, to: &output)
                output += colon
                return write(item.1, level: level + 1, to: &output)
            }
        case .undefined, .namespace, .macro, .function, .method, .loop: return false
        }
        return true
    }

    private func names(of mapping: JinjaMapping) -> [(String, JinjaValue)]? {
        var names: [(String, JinjaValue)] = []
        for (key, value) in mapping.items {
            switch key {
            case .text(let text): names.append((text.string, value))
            case .null: names.append(("null", value))
            case .boolean(let flag): names.append((flag ? "true" : "false", value))
            case .integer(let integer): names.append((String(integer), value))
            case .float(let number): names.append((Self.json(number), value))
            default: return nil
            }
        }
        return names
    }

    private func write<Element>(
        _ elements: [Element], _ opening: String, _ closing: String, level: Int, to output: inout String,
        each: (Element, inout String) -> Bool
    ) -> Bool {
        output += opening
        let line = indent.map { "\n" + String(repeating: $0, count: level + 1) } ?? ""
        for (index, element) in elements.enumerated() {
            output += (index > 0 ? separator : "") + line
            guard each(element, &output) else { return false }
        }
        if let indent, !elements.isEmpty { output += "\n" + String(repeating: indent, count: level) }
        output += closing
        return true
    }

    private static func json(_ number: Double) -> String {
        number.isFinite ? JinjaValue.python(number) : number.isNaN ? "NaN" : number < 0 ? "-Infinity" : "Infinity"
    }

    private func write(_ text: String, to output: inout String) {
        output += "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": output += "\\\""
            case "\\": output += "\\\\"
            case "\n": output += "\\n"
            case "\r": output += "\\r"
            case "\t": output += "\\t"
            case "\u{8}": output += "\\b"
            case "\u{C}": output += "\\f"
            case "\u{0}"..<"\u{20}": output += Self.escape(UInt16(scalar.value))
            case "\u{7F}"... where isASCII:
                for unit in UTF16.encode(scalar) ?? UTF16.encodedReplacementCharacter { output += Self.escape(unit) }
            default: output.unicodeScalars.append(scalar)
            }
        }
        output += "\""
    }

    private static func escape(_ unit: UInt16) -> String {
        let digits = String(unit, radix: 16)
        return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
    }
}
