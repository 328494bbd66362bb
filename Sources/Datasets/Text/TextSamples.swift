package import Support

/// Pieces of text as people print and type them, drawn from a generator: what a vision encoder learns to read.
///
/// Half of all characters other than spaces are capitals, digits or punctuation, because those are learnt last when
/// they are rare.
package enum TextSamples {
    /// What a sample is.
    package enum Kind: String, Sendable, CaseIterable {
        case word
        case words
        case sentence
        case number
        case price
        case date
        case time
        case percentage
        case code
        case phone
        case email
        case address
        case program
        case field
        case random
    }

    /// The characters of all samples: space and the 94 printable ones of ASCII.
    package static let alphabet: [Unicode.Scalar] = (32...126).map { Unicode.Scalar(UInt8($0)) }

    /// How often each kind is drawn, of 100.
    private static let shares: [(Kind, Int)] = [
        (.word, 14), (.words, 19), (.sentence, 10), (.number, 8), (.price, 8), (.date, 7), (.time, 3), (.percentage, 3),
        (.code, 7), (.phone, 2), (.email, 2), (.address, 2), (.program, 5), (.field, 4), (.random, 6),
    ]

    /// A sample of any kind, with words of `side`.
    package static func sample(from side: WordList.Side, _ generator: inout SplitMix64) -> String {
        var drawn = generator.draw(0...99)
        for (kind, share) in shares {
            if drawn < share { return sample(kind, from: side, &generator) }
            drawn -= share
        }
        return sample(.random, from: side, &generator)
    }

    /// A sample of `kind`, with words of `side`.
    package static func sample(_ kind: Kind, from side: WordList.Side, _ generator: inout SplitMix64) -> String {
        var maker = SampleMaker(side: side, generator: generator)
        defer { generator = maker.generator }
        return switch kind {
        case .word: maker.punctuated(maker.word())
        case .words: maker.words()
        case .sentence: maker.sentence()
        case .number: maker.number()
        case .price: maker.price()
        case .date: maker.date()
        case .time: maker.time()
        case .percentage: maker.percentage()
        case .code: maker.code()
        case .phone: maker.phone()
        case .email: maker.email()
        case .address: maker.address()
        case .program: maker.program()
        case .field: maker.field()
        case .random: maker.random()
        }
    }
}

/// Makes samples, one method a kind.
private struct SampleMaker {
    let side: WordList.Side
    var generator: SplitMix64

    private mutating func draw(_ range: ClosedRange<Int>) -> Int { generator.draw(range) }
    private mutating func pick<Element>(_ choices: [Element]) -> Element { generator.draw(from: choices) }
    private mutating func happens(_ percent: Int) -> Bool { draw(1...100) <= percent }

    // MARK: Words

    /// A word in small letters.
    private mutating func plainWord(frequent share: Int = 35) -> String {
        happens(side.frequentShare(share)) ? pick(side.frequent) : pick(side.words)
    }

    /// A word: of small letters, with a capital first, or all in capitals.
    mutating func word() -> String { cased(plainWord()) }

    private mutating func cased(_ word: String) -> String {
        switch draw(1...100) {
        case ...36: word
        case ...58: capitalised(word)
        default: word.uppercased()
        }
    }

    private func capitalised(_ word: String) -> String { word.prefix(1).uppercased() + word.dropFirst() }

    /// The word, often with punctuation around it.
    mutating func punctuated(_ word: String) -> String {
        switch draw(1...100) {
        case ...50: word
        case ...56: word + ","
        case ...61: word + "."
        case ...65: word + ":"
        case ...68: word + "!"
        case ...71: word + "?"
        case ...73: word + ";"
        case ...77: "(\(word))"
        case ...80: "\"\(word)\""
        case ...82: "'\(word)'"
        case ...84: "[\(word)]"
        case ...86: "#\(word)"
        case ...88: "@\(word)"
        case ...90: "*\(word)"
        case ...91: "{\(word)}"
        case ...92: "<\(word)>"
        case ...93: "_\(word)_"
        case ...94: "\(word)'s"
        case ...95: "~\(word)"
        case ...96: "+ \(word)"
        case ...97: "- \(word)"
        case ...98: "> \(word)"
        case ...99: "\(word)/\(plainWord())"
        default: "`\(word)`"
        }
    }

    /// Two to five words, in one case.
    mutating func words() -> String {
        let count = draw(2...5)
        let style = draw(1...100)
        var made: [String] = []
        for index in 0..<count {
            let word = plainWord()
            switch style {
            case ...26: made.append(word)
            case ...44: made.append(index == 0 ? capitalised(word) : word)
            case ...66: made.append(capitalised(word))
            default: made.append(word.uppercased())
            }
        }
        if happens(12) { made.insert(pick(["&", "-", "+", "/", "|", "=", "@", "*", ">"]), at: draw(1...(count - 1))) }
        let text = made.joined(separator: " ")
        return happens(20) ? punctuated(text) : text
    }

    /// Frequent words with the punctuation of prose.
    mutating func sentence() -> String {
        let count = draw(4...9)
        var text = ""
        for index in 0..<count {
            let word = plainWord(frequent: 75)
            let isFirst = index == 0 || text.hasSuffix(". ")
            text += isFirst ? capitalised(word) : word
            if index == count - 1 { break }
            text += happens(12) ? pick([", ", "; ", ": ", ". ", " - ", "-"]) : " "
        }
        text += pick([".", ".", ".", ".", "!", "?", "...", ""])
        switch draw(1...100) {
        case ...8: return "\"\(text)\""
        case ...12: return "(\(text))"
        default: return text
        }
    }

    // MARK: Numbers

    private mutating func digits(_ count: Int) -> String {
        var text = ""
        for _ in 0..<count { text += String(draw(0...9)) }
        return text
    }

    /// A whole number of up to `places` digits; short ones are as frequent as long ones.
    private mutating func whole(_ places: Int) -> String {
        let count = draw(1...places)
        return String(draw(1...9)) + digits(count - 1)
    }

    /// `digits` with `separator` between thousands.
    private func grouped(_ digits: String, _ separator: String) -> String {
        var text = ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index) % 3 == 0 { text += separator }
            text.append(digit)
        }
        return text
    }

    private static let units = [
        " kg", " g", "kg", " km", "km", " cm", "mm", " m", " GB", "MB", " kB", " ml", "L", " W", "kWh", "V",
    ]

    mutating func number() -> String {
        switch draw(1...12) {
        case 1...3: whole(6)
        case 4: grouped(whole(9), ",")
        case 5: whole(3) + "." + digits(draw(1...3))
        case 6: whole(3) + "," + digits(draw(1...2))
        case 7: pick(["-", "+", "+/-", "~", "<", ">", "= ", "x"]) + whole(4)
        case 8: pick(["#", "No. ", "No.", "Nr. ", "n="]) + whole(5)
        case 9: whole(3) + pick(Self.units)
        case 10: whole(2) + pick(["/", " / ", ":", " x ", "x", " of "]) + whole(2)
        case 11: whole(2) + pick(["-", " - ", "..", " to "]) + whole(3)
        default: whole(2) + pick(["st", "nd", "rd", "th", "%", "x", "*", ".", ")", "+"])
        }
    }

    mutating func price() -> String {
        let cents = pick([".00", ".50", ".95", ".99"] + (0..<4).map { _ in "." + digits(2) })
        let amount = happens(25) ? grouped(whole(7), ",") + cents : whole(4) + cents
        switch draw(1...14) {
        case 1...5: return "$" + amount
        case 6: return "$" + whole(3)
        case 7: return "-$" + amount
        case 8: return pick(["USD", "EUR", "GBP", "CHF", "JPY", "CAD", "SEK", "INR", "AUD"]) + " " + amount
        case 9: return amount + " " + pick(["USD", "EUR", "GBP", "CHF", "kr", "PLN", "CZK"])
        case 10: return whole(4) + "," + digits(2) + " EUR"
        case 11: return pick(["Rs. ", "R$ ", "US$", "C$", "kr ", "CHF "]) + whole(4)
        case 12: return "$" + whole(2) + "." + digits(2) + pick(["/kg", "/mo", " each", "/lb", " (10% off)"])
        case 13: return "(" + amount + ")"
        default: return whole(3) + " x $" + whole(2) + cents
        }
    }

    private static let months = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
        "December",
    ]
    private static let days = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]

    private func padded(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }

    mutating func date() -> String {
        let (year, month, day) = (draw(1950...2039), draw(1...12), draw(1...28))
        let name = Self.months[month - 1]
        let short = String(name.prefix(3))
        let text: String =
            switch draw(1...14) {
            case 1...2: "\(year)-\(padded(month))-\(padded(day))"
            case 3: "\(padded(day)).\(padded(month)).\(year)"
            case 4: "\(day).\(month).\(year % 100)"
            case 5: "\(padded(month))/\(padded(day))/\(year)"
            case 6: "\(month)/\(day)/\(padded(year % 100))"
            case 7: "\(name) \(day), \(year)"
            case 8: "\(day) \(name) \(year)"
            case 9: "\(short) \(day), \(year)"
            case 10: "\(day)-\(short)-\(year)"
            case 11: "\(pick(Self.days).prefix(3)), \(short) \(day)"
            case 12: "\(short) '\(padded(year % 100))"
            case 13: "Q\(draw(1...4)) \(year)"
            default: "\(year)/\(padded(month))/\(padded(day))"
            }
        return happens(25) ? text.uppercased() : text
    }

    mutating func time() -> String {
        let (hour, minute) = (draw(0...23), padded(draw(0...59)))
        return switch draw(1...7) {
        case 1...2: "\(padded(hour)):\(minute)"
        case 3: "\(hour % 12 + 1):\(minute) \(pick(["AM", "PM", "am", "pm", "a.m.", "p.m."]))"
        case 4: "\(padded(hour)):\(minute):\(padded(draw(0...59)))"
        case 5: "\(draw(1...9))h \(minute)min"
        case 6: "\(hour % 12 + 1)\(pick(["am", "PM"]))-\(draw(1...12))\(pick(["pm", "PM"]))"
        default: "T-\(draw(1...99))s"
        }
    }

    mutating func percentage() -> String {
        switch draw(1...6) {
        case 1...2: "\(draw(0...100))%"
        case 3: "\(draw(0...99)).\(digits(draw(1...2)))%"
        case 4: "\(pick(["+", "-", "~"]))\(draw(0...99)).\(draw(0...9))%"
        case 5: "\(draw(1...100)) %"
        default: "(\(pick(["+", "-"]))\(draw(0...99))%)"
        }
    }

    // MARK: Names of things

    private mutating func capitals(_ count: Int) -> String {
        var text = ""
        for _ in 0..<count { text.unicodeScalars.append(Unicode.Scalar(UInt8(draw(65...90)))) }
        return text
    }

    private mutating func mixture(_ count: Int, of characters: String) -> String {
        let characters = Array(characters)
        var text = ""
        for _ in 0..<count { text.append(pick(characters)) }
        return text
    }

    private static let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    private static let punctuation = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
    /// What nothing else has often.
    private static let rarePunctuation = "!&;<>?[\\]^_`{|}~^^^^||\\\\<]&"
    private static let capitalsAndDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

    mutating func code() -> String {
        switch draw(1...14) {
        case 1...2: capitals(draw(1...3)) + pick(["-", "", " ", "/", "_", "."]) + digits(draw(2...5))
        case 3: mixture(draw(4...8), of: Self.capitalsAndDigits)
        case 4: mixture(4, of: Self.capitalsAndDigits) + "-" + mixture(4, of: Self.capitalsAndDigits)
        case 5: pick(["INV", "SKU", "ORD", "REF", "PO", "ID"]) + pick(["-", "#", ": ", "/"]) + digits(draw(4...7))
        case 6: "v" + whole(2) + "." + whole(2) + "." + whole(2)
        case 7: "0x" + mixture(draw(2...8), of: happens(50) ? "0123456789ABCDEF" : "0123456789abcdef")
        case 8: "#" + mixture(6, of: happens(50) ? "0123456789ABCDEF" : "0123456789abcdef")
        case 9: whole(3) + "." + whole(3) + "." + whole(2) + "." + whole(3)
        case 10: capitals(2) + digits(2) + " " + digits(4) + " " + digits(4)
        case 11: capitals(1) + digits(1) + pick([":", "", "-"]) + capitals(1) + digits(draw(1...2))
        case 12: mixture(draw(5...9), of: Self.letters + "0123456789")
        case 13: digits(3) + "-" + digits(2) + "-" + digits(4)
        default: "**** **** **** " + digits(4)
        }
    }

    mutating func phone() -> String {
        switch draw(1...5) {
        case 1: "+\(draw(1...99)) \(digits(3)) \(digits(draw(5...7)))"
        case 2: "(\(digits(3))) \(digits(3))-\(digits(4))"
        case 3: "\(digits(3))-\(digits(3))-\(digits(4))"
        case 4: "0\(digits(3))/\(digits(6))"
        default: "Tel. 0\(digits(2)) \(digits(3)) \(digits(2)) \(digits(2))"
        }
    }

    mutating func email() -> String {
        var name = plainWord()
        if happens(50) { name += pick([".", "_", "-", "+", ""]) + plainWord() }
        if happens(25) { name += digits(2) }
        return "\(name)@\(plainWord()).\(pick(["com", "org", "net", "de", "co.uk", "io", "edu", "fr"]))"
    }

    /// An address on the web or in a file system.
    mutating func address() -> String {
        let host = "\(plainWord()).\(pick(["com", "org", "net", "io", "dev", "eu"]))"
        return switch draw(1...7) {
        case 1: "https://\(host)/\(plainWord())"
        case 2: "www.\(host)"
        case 3: "http://\(host)/?\(pick(["id", "q", "p", "s"]))=\(digits(3))&\(pick(["a", "x", "n"]))=\(plainWord())"
        case 4:
            "/\(pick(["usr", "home", "etc", "var", "opt"]))/\(plainWord())/\(plainWord())"
                + pick([".txt", ".log", ".conf", ".py", ".c"])
        case 5: "C:\\\(capitalised(plainWord()))\\\(plainWord()).\(pick(["exe", "doc", "ini", "PNG"]))"
        case 6: "~/\(plainWord())_\(digits(2)).\(pick(["pdf", "csv", "json", "jpg"]))"
        default: "../\(plainWord())/*.\(pick(["swift", "h", "md", "zip"]))"
        }
    }

    /// A fragment of a program: brackets, operators and rare punctuation.
    mutating func program() -> String {
        let (name, other) = (plainWord(), plainWord())
        return switch draw(1...18) {
        case 1: "\(name)(\(other))"
        case 2: "\(name)[\(draw(0...99))] = \(draw(0...99));"
        case 3: "if (\(name) != \(draw(0...9))) {"
        case 4: "{\"\(name)\": \(draw(0...999))}"
        case 5: "<\(name) id=\"\(draw(1...99))\">"
        case 6: "</\(name)>"
        case 7: "$\(name.uppercased())"
        case 8: "\(name) | \(other) > \(pick(["a", "b"])).txt"
        case 9: "\(pick(["x", "y", "n", "k"]))^\(draw(2...9)) + \(draw(2...99))\(pick(["x", "y", "n"]))"
        case 10: "`\(name)`"
        case 11: "\(name)_\(other) += \(draw(1...9))"
        case 12: "\(name) && !\(other)"
        case 13: "[\(draw(0...9)), \(draw(0...9)), \(draw(0...9))]"
        case 14: "// \(name) \(other)"
        case 15: "{\(pick(["a", "b", "x"])) ~ \(pick(["c", "d", "y"]))}"
        case 16: "\\\(name){\(other)}"
        case 17: "@\(name) #\(other)"
        default: "\(name)->\(other)(\(draw(0...9)) * \(draw(2...99)))"
        }
    }

    /// What forms and receipts print: a name and its value.
    mutating func field() -> String {
        let name = cased(plainWord(frequent: 90))
        let value: String =
            switch draw(1...5) {
            case 1: price()
            case 2: number()
            case 3: date()
            case 4: code()
            default: word()
            }
        return name + pick([": ", ": ", ": ", " = ", " ... ", "  "]) + value
    }

    /// Characters without meaning: all 94 equally often, or letters and digits, or more punctuation.
    mutating func random() -> String {
        let count = draw(3...9)
        switch draw(1...10) {
        case 1...2: return mixture(count, of: Self.letters + "0123456789")
        case 3...6: return mixture(count, of: Self.rarePunctuation + Self.rarePunctuation + Self.letters)
        default: return mixture(count, of: Self.punctuation + Self.letters + "0123456789")
        }
    }
}
