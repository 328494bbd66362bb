import Support
import Typography

/// One line of up to 40 characters.
enum LinesDocument {
    static let read = DocumentWording(
        "What does it say?", "Read the line.", "What is written here?", "Read the text.", "What does the line say?",
        "What text do you see?", "Tell me what it says.", "Can you read this?", "What does the picture say?",
        "Please read the text in the picture.", "What is the text in the picture?", "Copy the text.",
        heldOut: ["Type what is written here.", "Which words are on the image?", "Transcribe the picture."])
    static let isThere = DocumentWording(
        "Does the word “#1” occur?", "Is the word “#1” there?", "Can you find “#1” in the text?",
        "Does the text contain “#1”?", "Is “#1” one of the words?", "Do you read the word “#1”?",
        "Does it say “#1” anywhere?", "Is “#1” written in the picture?", "Does “#1” stand in the text?",
        "Is there the word “#1”?", heldOut: ["Could you check for the word “#1”?", "Does “#1” appear here?"],
        allowsOneWord: true)

    static let wordings = [read, isThere, DocumentWording.lookUp, .count]

    static func make(_ page: DocumentPage) -> Document {
        var page = page
        let line = page.studio.line(12...40, page.split, &page.generator)
        var lettering = page.fonts(.any).any(page.size(11...26), &page.generator)
        while lettering.width(of: line) > 440 { lettering = lettering.sized(lettering.size * 0.85) }
        let under = page.mark
        let box = page.write(line, lettering, x: 0, baseline: 0, page.theme.ink)
        page.note("line", text: line, box)
        let look = page.look(around: box, size: lettering.size, under: under)
        let (width, height, shift) = page.room(around: look.box, margins: 3...40)
        var asking = page.questioner()
        asking.askText(read, text: line, lead: "It says")
        askWords(of: [line], page, &asking)
        while asking.questions.count < 3 { asking.askText(read, text: line, lead: "It says") }
        return page.finished(
            width: width, height: height, shift: shift, layout: look.name, isHeldOutLayout: look.isHeldOut,
            asking: asking)
    }

    /// Asks for single words of a text.
    static func askWords(of lines: [String], _ page: DocumentPage, _ asking: inout DocumentQuestioner) {
        let words = lines.flatMap { $0.split(separator: " ").map(String.init) }
        let plain = words.map { $0.filter { $0.isLetter || $0.isNumber } }
        if let first = words.first, let last = words.last, words.count > 1, plain.first != "", plain.last != "" {
            if asking.generator.draw(0...1) == 0 {
                asking.askText(.lookUp, ["the first word"], text: first, lead: "The first word is")
            } else {
                asking.askText(.lookUp, ["the last word"], text: last, lead: "The last word is")
            }
        }
        let known = plain.filter {
            $0.count > 2 && $0.allSatisfy(\.isLetter) && !DocumentStudio.isMisleading($0)
        }
        if !known.isEmpty {
            let isTrue = asking.generator.draw(0...1) == 0
            let lower = Set(plain.map { $0.lowercased() })
            var asked = asking.generator.draw(from: known)
            while !isTrue && lower.contains(asked.lowercased()) {
                asked = page.studio.lookAlike(of: asked, page.split, &asking.generator)
            }
            asking.ask(
                isThere, [asked], isTrue: isTrue,
                fact: isTrue ? "the word “\(asked)” is there" : "the word “\(asked)” is not there")
        }
        if words.count <= 9, asking.generator.draw(0...2) == 0 { asking.askCount("word", words.count) }
    }
}

/// Two to six lines: a paragraph, or lines of their own.
enum ParagraphsDocument {
    private static let read = DocumentWording(
        "What does it say?", "Read all lines.", "What is written here?", "Read the text.", "What does the text say?",
        "What text do you see?", "Tell me everything it says.", "Can you read this?", "What does the picture say?",
        "Please read the whole text in the picture.", "What are the lines of the text?", "Copy the text.",
        heldOut: ["Type what is written here, line by line.", "Transcribe the picture.", "What is the whole text?"])
    private static let readLine = DocumentWording(
        "Read line #1.", "What does line #1 say?", "What is written in line #1?", "What is line #1?",
        "Tell me line #1.", "Please read line #1.", "What does the text say in line #1?", "Copy line #1.",
        "Can you read line #1?", "Give me line #1 of the text.",
        heldOut: ["I need line #1.", "Line #1 says what?", "Which words are in line #1?"])
    private static let readNamed = DocumentWording(
        "Read the #1 line.", "What does the #1 line say?", "What is written in the #1 line?", "What is the #1 line?",
        "Tell me the #1 line.", "Please read the #1 line.", "What is in the #1 line of the text?",
        "Copy the #1 line.", "Can you read the #1 line?", "Give me the #1 line of the text.",
        heldOut: ["I need the #1 line.", "Which words are in the #1 line?"])
    private static let whichLine = DocumentWording(
        "Which line has the word “#1”?", "In which line is “#1”?", "What line contains “#1”?",
        "Where is the word “#1”? Give the number of the line.", "Which line says “#1”?",
        "On which line do you find “#1”?", "Tell me the number of the line with “#1”.",
        "What is the number of the line with “#1”?", "Which line is “#1” in?", "In what line does “#1” stand?",
        heldOut: ["Find the line with “#1”.", "“#1” is in which line?"], allowsOneWord: true)
    private static let ordinals = ["first", "second", "third", "fourth", "fifth", "sixth"]

    static let wordings = [
        read, readLine, readNamed, whichLine, LinesDocument.isThere, DocumentWording.lookUp, .count,
    ]

    static func make(_ page: DocumentPage) -> Document {
        var page = page
        let count = page.generator.draw(2...6)
        // The test split alone shows lines that stand to the right.
        let isHeldOut = page.split == .test && page.happens(1, in: 3)
        let alignment: DocumentPage.Alignment = isHeldOut ? .right : page.happens(1, in: 4) ? .centre : .left
        let lines = page.studio.lines(count, 6...32, page.split, &page.generator)
        var lettering = page.fonts(.any).any(page.size(11...22), &page.generator)
        while lettering.width(ofWidest: lines) > 440 { lettering = lettering.sized(lettering.size * 0.85) }
        let width = lettering.width(ofWidest: lines)
        let leading = lettering.leading + page.generator.draw(0...Int(lettering.size / 2))
        let under = page.mark
        let x = alignment == .left ? 0 : alignment == .centre ? width / 2 : width
        for (index, line) in lines.enumerated() {
            let box = page.write(line, lettering, x: x, baseline: index * leading, page.theme.ink, alignment)
            page.note("line", text: line, box)
        }
        let block = ShapeScene.Box(
            x: 0, y: -lettering.capitals, width: width,
            height: (count - 1) * leading + lettering.capitals + Int(lettering.size / 4))
        let look = page.look(around: block, size: lettering.size, under: under)
        let (imageWidth, imageHeight, shift) = page.room(around: look.box, margins: 4...30)
        var asking = page.questioner()
        ask(lines, page, &asking)
        return page.finished(
            width: imageWidth, height: imageHeight, shift: shift,
            layout: alignment == .left ? "left" : alignment == .centre ? "centred" : "right",
            isHeldOutLayout: isHeldOut || look.isHeldOut, asking: asking)
    }

    private static func ask(_ lines: [String], _ page: DocumentPage, _ asking: inout DocumentQuestioner) {
        let whole = lines.joined(separator: "\n")
        asking.ask(read, answer: whole, form: .short, truth: .transcript(whole), isReadOff: true)
        for index in asking.generator.shuffled(Array(lines.indices)).prefix(2) {
            if asking.generator.draw(0...1) == 0 {
                asking.askText(readLine, ["\(index + 1)"], text: lines[index], lead: "Line \(index + 1) says")
            } else {
                let name = index == lines.count - 1 && index > 0 ? "last" : ordinals[index]
                asking.askText(readNamed, [name], text: lines[index], lead: "The \(name) line says")
            }
        }
        asking.askCount("line", lines.count)
        LinesDocument.askWords(of: lines, page, &asking)
        askWhichLine(lines, &asking)
    }

    private static func askWhichLine(_ lines: [String], _ asking: inout DocumentQuestioner) {
        let line = asking.generator.draw(0...lines.count - 1)
        let words = lines.map { Set($0.lowercased().split { !$0.isLetter }.map(String.init)) }
        let own = words[line].filter { word in
            word.count > 2 && words.indices.allSatisfy { $0 == line || !words[$0].contains(word) }
        }
        guard let word = own.min() else { return }
        let written = lines[line].split { !$0.isLetter }.first { $0.lowercased() == word } ?? ""
        asking.ask(
            whichLine, ["\(written)"], short: "\(line + 1)",
            sentence: "The word “\(written)” is in line \(line + 1).", truth: .number(Double(line + 1), within: 0))
    }
}
