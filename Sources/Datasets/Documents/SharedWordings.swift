import Support

/// Wordings that several families share. Their placeholders are phrases, so that one list of wordings asks for many
/// things.
extension DocumentWording {
    /// Asks for `#1`, as "the total" or "the price of the tea".
    static let lookUp = DocumentWording(
        "What is #1?", "What's #1?", "Tell me #1.", "Give me #1.", "Can you tell me #1?", "Could you read #1?",
        "Please tell me #1.", "I need #1.", "Look up #1.", "What is #1 here?", "What is #1 in the picture?",
        "Please give me #1.",
        heldOut: ["Find #1.", "Would you look up #1 for me?", "I would like to know #1.", "What would you say is #1?"])

    /// Asks for an amount, as "the total".
    static let amount = DocumentWording(
        "How much is #1?", "What is #1?", "What's #1?", "Tell me #1.", "How much does #1 come to?",
        "What amount is #1?", "Give me #1.", "What does it say for #1?", "How high is #1?", "Please look up #1.",
        "What do you read for #1?", heldOut: ["#1 is how much?", "What does #1 amount to?"])

    /// Asks for the text on `#1`, as "the sign" or "the left button".
    static let says = DocumentWording(
        "What does #1 say?", "What is written on #1?", "What text is on #1?", "Read #1.", "Tell me what #1 says.",
        "What can be read on #1?", "Please read #1.", "What's on #1?", "Can you read #1?", "What do you read on #1?",
        "Read the text on #1.", "What is the text on #1?",
        heldOut: ["Read out #1.", "Which text does #1 carry?", "Could you tell me what #1 says?"])

    /// Asks for the number of `#1`, as "buttons".
    static let count = DocumentWording(
        "How many #1 are there?", "Count the #1.", "What is the number of #1?", "How many #1 do you see?",
        "How many #1 does the picture show?", "How many #1 can you count?", "Tell me how many #1 there are.",
        "Give me the number of #1.", "How many #1 are in the picture?", "How many #1 are shown?",
        heldOut: ["How many #1 appear here?", "What number of #1 do you find?", "Please count all #1."],
        allowsOneWord: true)

    /// Asks whether `#1`, as "the total is $5", is so.
    static let isTrue = DocumentWording(
        "Is it true that #1?", "Is it correct that #1?", "Is it right that #1?", "Would you say that #1?",
        "Can you confirm that #1?", "Do you agree that #1?", "Does the picture show that #1?",
        "Is it the case that #1?", "Do you see that #1?", "I think that #1. Is that right?",
        heldOut: ["My friend says that #1. Is that so?", "Am I right that #1?", "Would it be true to say that #1?"],
        allowsOneWord: true)

    /// Asks which of several `#1`, as "bar", is `#2`, as "the tallest".
    static let which = DocumentWording(
        "Which #1 is #2?", "What #1 is #2?", "Which of the #1s is #2?", "Tell me which #1 is #2.",
        "Name the #1 that is #2.", "What is the name of the #1 that is #2?", "Which #1 do you think is #2?",
        "Can you tell which #1 is #2?", "Say which #1 is #2.", "Which one is the #1 that is #2?",
        heldOut: ["Of all #1s, which is #2?", "Find the #1 that is #2.", "Please name the #1 that is #2."])

    /// Asks whether there is `#1`, as "a red sign".
    static let presence = DocumentWording(
        "Is there #1?", "Do you see #1?", "Does the picture show #1?", "Can you see #1?", "Is #1 in the picture?",
        "Does the picture have #1?", "Can you find #1?", "Is there #1 in the picture?", "Is #1 shown?",
        "Does #1 appear in the picture?",
        heldOut: ["Would you say that there is #1?", "Look for #1. Is there one?"], allowsOneWord: true)

    /// Asks for the color of `#1`.
    static let colour = DocumentWording(
        "What color is #1?", "Which color does #1 have?", "What is the color of #1?", "Tell me the color of #1.",
        "What colour is #1?", "Which color is #1?", "In what color is #1?", "What color does #1 have?",
        "Can you tell the color of #1?", "Name the color of #1.",
        heldOut: ["#1 has which color?", "What would you call the color of #1?", "I want to know the color of #1."],
        allowsOneWord: true)
}

extension DocumentQuestioner {
    /// Asks about a thing that is none of `kinds`, as if it were there. The right answer says that it is not.
    mutating func askAbsent(besides kinds: Set<String>) {
        let things = ["button", "sign", "tag", "clock", "arrow", "flag", "bar", "circle", "star", "triangle", "title"]
        let thing = generator.draw(from: things.filter { !kinds.contains($0) })
        let hasText = ["button", "sign", "tag", "title"].contains(thing)
        let answer = "There is no \(thing)."
        ask(
            hasText ? .says : .colour, ["the \(thing)"], short: hasText ? answer : "none", sentence: answer,
            truth: .absent(thing: thing))
    }

    /// Asks for a number of things. The sentence is "There are 3 buttons."
    mutating func askCount(_ noun: String, _ count: Int) {
        ask(
            .count, [Phrase.plural(noun)], short: "\(count)",
            sentence: count == 1 ? "There is 1 \(noun)." : "There are \(Phrase.counted(count, noun)).",
            truth: .number(Double(count), within: 0))
    }

    /// Asks for the color of a thing.
    mutating func askColour(of thing: String, _ colour: SceneColour) {
        ask(
            .colour, [thing], short: colour.rawValue, sentence: "\(thing.capitalizedFirst) is \(colour).",
            truth: .words(
                right: [colour.rawValue], wrong: SceneColour.allCases.map(\.rawValue).filter { $0 != colour.rawValue }))
    }

    /// Asks which of `names` is so, as "bar", "the tallest".
    mutating func askWhich(_ noun: String, is property: String, _ name: String, of names: [String], fact: String) {
        ask(
            .which, [noun, property], short: name, sentence: "\(fact.capitalizedFirst).",
            truth: .words(right: [name], wrong: names.filter { $0 != name }), isReadOff: true)
    }
}

extension String {
    /// With a capital first letter.
    var capitalizedFirst: String { prefix(1).uppercased() + dropFirst() }
}
