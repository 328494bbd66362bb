import Support

/// A number, date, price, time, code or address, alone or with names in front.
enum ValuesDocument {
    /// A kind of value with the words that ask for it.
    private struct Kind {
        let sample: TextSamples.Kind
        /// As a question calls it.
        let noun: String
        /// As a page calls it.
        let names: [String]
    }

    private static let kinds = [
        Kind(sample: .number, noun: "number", names: ["Number", "No", "Count", "Amount", "Room", "Page"]),
        Kind(sample: .price, noun: "price", names: ["Price", "Only", "Cost", "Fee", "Ticket", "Sale"]),
        Kind(sample: .date, noun: "date", names: ["Date", "Due", "Start", "Valid until", "Printed", "Since"]),
        Kind(sample: .time, noun: "time", names: ["Time", "Opens", "Departs", "Arrival", "Begins", "Closes"]),
        Kind(sample: .percentage, noun: "percentage", names: ["Share", "Rate", "Discount", "Done", "Battery"]),
        Kind(sample: .code, noun: "code", names: ["Code", "Ref", "Ticket", "Serial", "Key", "Booking"]),
        Kind(sample: .phone, noun: "phone number", names: ["Phone", "Tel", "Call", "Mobile", "Fax"]),
        Kind(sample: .email, noun: "e-mail address", names: ["Mail", "E-mail", "Contact", "Write to"]),
    ]

    private static let read = DocumentWording(
        "What #1 is this?", "Which #1 do you see?", "What #1 is shown?", "Read the #1.", "What is the #1?",
        "What #1 does the picture show?", "Tell me the #1.", "What #1 is written here?", "Can you read the #1?",
        "Please read the #1 in the picture.", "Which #1 is in the picture?",
        heldOut: ["Give me the #1, please.", "The #1 is what?", "Type the #1."])

    static let wordings = [read, DocumentWording.says, .isTrue]

    static func make(_ page: DocumentPage) -> Document {
        var page = page
        let count = page.generator.draw(from: [1, 1, 1, 2, 3])
        let kinds = Array(page.generator.shuffled(Self.kinds).prefix(count))
        let hasNames = count > 1 || page.generator.draw(0...2) == 0
        let fonts = page.fonts(.any)
        var lettering = fonts.any(page.size(count == 1 ? 14...40 : 12...24), &page.generator)
        let values = kinds.map { page.studio.sample($0.sample, page.split, &page.generator) }
        let colon = page.generator.draw(from: [": ", ": ", " ", " - "])
        let lines = zip(kinds, values).map { kind, value in
            hasNames ? page.generator.draw(from: kind.names) + colon + value : value
        }
        while lettering.width(ofWidest: lines) > 440 { lettering = lettering.sized(lettering.size * 0.85) }
        let under = page.mark
        let width = lettering.width(ofWidest: lines)
        for (index, line) in lines.enumerated() {
            let box = page.write(line, lettering, x: 0, baseline: index * lettering.leading, page.theme.ink)
            page.note(kinds[index].noun, text: values[index], box)
        }
        let block = ShapeScene.Box(
            x: 0, y: -lettering.capitals, width: width,
            height: (count - 1) * lettering.leading + lettering.capitals + Int(lettering.size / 5))
        let look = page.look(around: block, size: lettering.size, under: under)
        let (imageWidth, imageHeight, shift) = page.room(around: look.box, margins: 4...40)
        var asking = page.questioner()
        ask(Array(zip(kinds, values)), page, &asking)
        return page.finished(
            width: imageWidth, height: imageHeight, shift: shift, layout: look.name, isHeldOutLayout: look.isHeldOut,
            asking: asking)
    }

    private static func ask(
        _ values: [(kind: Kind, text: String)], _ page: DocumentPage, _ asking: inout DocumentQuestioner
    ) {
        for (kind, text) in values {
            asking.askText(read, [kind.noun], text: text, lead: "The \(kind.noun) is")
            let isTrue = asking.generator.draw(0...1) == 0
            let other = isTrue ? text : changed(text, &asking.generator)
            asking.ask(
                .isTrue, ["the \(kind.noun) is “\(other)”"], isTrue: isTrue, fact: "the \(kind.noun) is “\(text)”")
        }
        while asking.questions.count < 3, let (kind, text) = values.first {
            asking.askText(read, [kind.noun], text: text, lead: "The \(kind.noun) is")
        }
    }

    /// The value with one other digit or letter.
    private static func changed(_ text: String, _ generator: inout SplitMix64) -> String {
        var characters = Array(text)
        let candidates = characters.indices.filter { characters[$0].isNumber || characters[$0].isLetter }
        guard !candidates.isEmpty else { return text + "1" }
        let index = generator.draw(from: candidates)
        let old = characters[index]
        while characters[index] == old {
            if old.isNumber {
                characters[index] = Character("\(generator.draw(0...9))")
            } else {
                let letter = generator.draw(from: Array("abcdefghijklmnopqrstuvwxyz"))
                characters[index] = old.isUppercase ? Character(letter.uppercased()) : letter
            }
            // Letters of one form in both sizes are no other letters.
            if String(characters[index]).lowercased() == String(old).lowercased() { characters[index] = old }
        }
        return String(characters)
    }
}
