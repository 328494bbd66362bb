extension JinjaRenderer {
    // MARK: Choosing elements

    /// The elements that `map`, `select` and their relatives give.
    mutating func selected(
        _ subject: JinjaValue, _ name: String, _ arguments: JinjaCallArguments
    ) throws(JinjaError) -> [JinjaValue] {
        var (arguments, elements) = (arguments, try elements(of: subject))
        if name == "map" { return try mapped(elements, arguments) }
        let usesMember = name.hasSuffix("attr")
        let keeps = name.hasPrefix("select")
        var path: MarkedText = ""
        if usesMember {
            guard !arguments.positional.isEmpty else { throw failure("the filter \"\(name)\" needs a member's name") }
            path = try text(arguments.positional.removeFirst(), "")
        }
        var test: String?
        if !arguments.positional.isEmpty { test = try text(arguments.positional.removeFirst(), "").string }
        if let test, !JinjaTests.names.contains(test) { throw failure("the test \"\(test)\" is not supported") }
        var kept: [JinjaValue] = []
        for element in elements {
            try charge(4)
            let value = usesMember ? try self.value(at: path, of: element) : element
            if (try test.map { test throws(JinjaError) in try self.test(value, test, arguments) } ?? value.isTrue)
                == keeps
            {
                kept.append(element)
            }
        }
        elements = kept
        return elements
    }

    private mutating func mapped(_ elements: [JinjaValue], _ arguments: JinjaCallArguments) throws(JinjaError)
        -> [JinjaValue]
    {
        var results: [JinjaValue] = []
        if arguments.positional.isEmpty {
            let given = try arguments.values(of: ["attribute", "default"], of: "filter \"map\"", line: line)
            guard let attribute = given[0] else { throw failure("the filter \"map\" needs a filter or an attribute") }
            for element in elements {
                let value = try self.value(at: try text(of: attribute), of: element)
                results.append(value.isUndefined ? given[1] ?? value : value)
            }
            return results
        }
        var rest = arguments
        let filter = try text(rest.positional.removeFirst(), "").string
        guard JinjaFilters.names.contains(filter) else {
            throw failure("the filter \"\(filter)\" is not supported in \"map\"")
        }
        for element in elements {
            try enter()
            defer { leave() }
            results.append(try self.filter(element, filter, rest))
        }
        return results
    }

    /// The member at a path of names and indices with dots between them.
    private mutating func value(at path: MarkedText, of element: JinjaValue) throws(JinjaError) -> JinjaValue {
        try charge(path.count)
        var value = element
        for part in path.split(at: ".", limit: -1) {
            value = try item(Int(part.string).map { .integer($0) } ?? .text(part), of: value)
        }
        return value
    }

    // MARK: Lists

    /// The value of a filter on elements.
    mutating func listFilter(
        _ subject: JinjaValue, _ name: String, _ arguments: JinjaCallArguments
    ) throws(JinjaError) -> JinjaValue {
        func values(_ parameters: String...) throws(JinjaError) -> [JinjaValue?] {
            try arguments.values(of: parameters, of: "filter \"\(name)\"", line: line)
        }
        switch name {
        case "items":
            _ = try values()
            if subject.isUndefined { return .list([]) }
            guard case .mapping(let mapping) = subject else { throw failure("a \(subject.typeName) has no items") }
            return try items(of: mapping)
        case "dictsort": return try sortedItems(of: subject, try values("case_sensitive", "by", "reverse"))
        case "reverse":
            if case .text(let text) = subject { return .text(text.reversed) }
            return .list(try elements(of: subject).reversed())
        default: break
        }
        let elements = try elements(of: subject)
        switch name {
        case "list":
            _ = try values()
            return .list(elements)
        case "first":
            _ = try values()
            return elements.first ?? .undefined("the first of no elements")
        case "last":
            _ = try values()
            return elements.last ?? .undefined("the last of no elements")
        case "join":
            let given = try values("d", "attribute")
            let parts = try self.values(of: elements, at: given[1])
            return .text(
                try joined(parts, with: try given[0].map { value throws(JinjaError) in try text(of: value) } ?? ""))
        case "sum":
            let given = try values("attribute", "start")
            var sum = given[1] ?? .integer(0)
            for value in try self.values(of: elements, at: given[0]) {
                try charge(4)
                sum = try arithmetic(.add, sum, value)
            }
            return sum
        case "batch": return try batches(of: elements, try values("linecount", "fill_with"))
        case "sort":
            let given = try values("reverse", "case_sensitive", "attribute")
            let keys = try keys(of: elements, at: given[2], isCaseSensitive: given[1]?.isTrue ?? false)
            return .list(try sorted(elements, by: keys, isReversed: given[0]?.isTrue ?? false))
        case "unique":
            let given = try values("case_sensitive", "attribute")
            return .list(try unique(elements, given))
        default:
            let given = try values("case_sensitive", "attribute")
            let keys = try keys(of: elements, at: given[1], isCaseSensitive: given[0]?.isTrue ?? false)
            return try sorted(elements, by: keys, isReversed: name == "max").first
                ?? .undefined("the \(name) of no elements")
        }
    }

    private mutating func batches(of elements: [JinjaValue], _ given: [JinjaValue?]) throws(JinjaError) -> JinjaValue {
        let size = try integer(given[0], 0)
        guard (1...JinjaLimits.range).contains(size) else { throw failure("the filter \"batch\" needs a size") }
        var batches: [JinjaValue] = []
        for start in stride(from: 0, to: elements.count, by: size) {
            var batch = Array(elements[start..<min(start + size, elements.count)])
            if let filler = given[1], filler != .null {
                batch += Array(repeating: filler, count: size - batch.count)
            }
            batches.append(.list(batch))
        }
        return .list(batches)
    }

    private mutating func values(of elements: [JinjaValue], at attribute: JinjaValue?) throws(JinjaError)
        -> [JinjaValue]
    {
        guard let attribute, attribute != .null else { return elements }
        let path = try text(of: attribute)
        var values: [JinjaValue] = []
        for element in elements { values.append(try value(at: path, of: element)) }
        return values
    }

    /// What elements are sorted by.
    private mutating func keys(
        of elements: [JinjaValue], at attribute: JinjaValue?, isCaseSensitive: Bool
    ) throws(JinjaError) -> [JinjaValue] {
        let values = try values(of: elements, at: attribute)
        for value in values { try charge(value.weight) }
        guard !isCaseSensitive else { return values }
        return values.map { if case .text(let text) = $0 { .text(text.lowercased) } else { $0 } }
    }

    private mutating func unique(_ elements: [JinjaValue], _ given: [JinjaValue?]) throws(JinjaError) -> [JinjaValue] {
        let keys = try keys(of: elements, at: given[1], isCaseSensitive: given[0]?.isTrue ?? false)
        var (seen, kept): (Set<JinjaValue>, [JinjaValue]) = ([], [])
        for (element, key) in zip(elements, keys) where seen.insert(try self.key(key)).inserted { kept.append(element) }
        return kept
    }

    private mutating func sortedItems(of subject: JinjaValue, _ given: [JinjaValue?]) throws(JinjaError) -> JinjaValue {
        guard case .mapping(let mapping) = subject else { throw failure("a \(subject.typeName) has no items") }
        let by = try text(given[1], "key").string
        guard by == "key" || by == "value" else { throw failure("the filter \"dictsort\" sorts by key or value") }
        let keys = try keys(
            of: by == "key" ? mapping.keys : mapping.values, at: nil, isCaseSensitive: given[0]?.isTrue ?? false)
        let pairs = try elements(of: try items(of: mapping))
        return .list(try sorted(pairs, by: keys, isReversed: given[2]?.isTrue ?? false))
    }

    /// The elements in the order of their keys. Equal ones stay in order.
    private mutating func sorted(
        _ elements: [JinjaValue], by keys: [JinjaValue], isReversed: Bool
    ) throws(JinjaError) -> [JinjaValue] {
        var order = Array(elements.indices)
        // Merges runs of doubled length, because comparisons can fail.
        var width = 1
        while width < order.count {
            var merged: [Int] = []
            for start in stride(from: 0, to: order.count, by: 2 * width) {
                let middle = min(start + width, order.count)
                let end = min(start + 2 * width, order.count)
                var (left, right) = (start, middle)
                while left < middle || right < end {
                    var takesRight = left == middle
                    if left < middle, right < end {
                        takesRight = try precedes(keys[order[right]], keys[order[left]], isReversed)
                    }
                    merged.append(order[takesRight ? right : left])
                    if takesRight { right += 1 } else { left += 1 }
                }
            }
            order = merged
            width *= 2
        }
        return order.map { elements[$0] }
    }

    private mutating func precedes(_ one: JinjaValue, _ other: JinjaValue, _ isReversed: Bool) throws(JinjaError)
        -> Bool
    {
        try charge(4)
        return try isReversed ? isLess(other, one) : isLess(one, other)
    }
}
