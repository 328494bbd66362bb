import Foundation
import Images
import Models
import Support
import Tensors
import TestSupport
import Testing

@Suite struct TextReaderTests {
    private let compute = Compute(threads: 1)

    private func noise(width: Int, height: Int) -> DecodedImage {
        var generator = SplitMix64(seed: 3)
        return DecodedImage(
            width: width, height: height, channels: 1,
            samples: (0..<width * height).map { _ in UInt8.random(in: 0...255, using: &generator) })
    }

    // MARK: Characters

    /// Logits of `columns` patches in `rows` rows: class 0, but for the given probabilities.
    private func logits(
        rows: Int, columns: Int, _ shares: [(row: Int, column: Int, character: Character, probability: Float)]
    ) -> [Float] {
        let count = CharacterClass.count
        var probabilities = Array(repeating: Float(1e-9), count: rows * columns * 2 * count)
        for cell in 0..<rows * columns * 2 { probabilities[cell * count] = 1 }
        for (row, column, character, probability) in shares {
            let cell = row * columns * 2 + column
            let number = Int(CharacterClass.number(of: character.unicodeScalars.first ?? " ") ?? 0)
            probabilities[cell * count + number] = probability
            probabilities[cell * count] -= probability
        }
        return probabilities.map { log(max($0, 1e-9)) }
    }

    private func read(
        _ shares: [(row: Int, column: Int, character: Character, probability: Float)]
    ) -> [ReadCharacter] {
        var grid = CharacterGrid(rows: 3, columns: 4, patch: 8)
        grid.fill(
            rows: 0..<3, columns: 0..<4, row: 0, column: 0, across: 4, logits: logits(rows: 3, columns: 4, shares))
        return grid.characters()
    }

    @Test func aCharacterBetweenTwoColumnsIsTakenOnce() {
        let found = read([(1, 3, "a", 0.45), (1, 4, "a", 0.45)])
        #expect(found.map(\.scalar) == ["a"])
        #expect(abs(found[0].x - 16) < 0.1 && found[0].y == 12)
    }

    @Test func aCharacterBetweenTwoRowsIsTakenOnce() {
        let found = read([(0, 3, "a", 0.4), (1, 3, "a", 0.4)])
        #expect(found.map(\.scalar) == ["a"] && abs((found.first?.y ?? 0) - 8) < 0.1)
    }

    @Test func equalNeighboursAreTwoCharacters() {
        #expect(read([(1, 3, "l", 0.9), (1, 4, "l", 0.9)]).map(\.scalar) == ["l", "l"])
    }

    @Test func doubtfulColumnsAreNoCharacters() {
        #expect(read([(1, 3, "l", 0.3), (1, 6, "l", 0.4)]).isEmpty)
    }

    @Test func theLikeliestOfSeveralCharactersIsTaken() {
        #expect(read([(1, 3, "O", 0.3), (1, 4, "O", 0.1), (1, 3, "0", 0.35), (1, 2, "Q", 0.3)]).map(\.scalar) == ["O"])
    }

    // MARK: Lines

    private func characters(_ text: String, x: Float, y: Float, advance: Float = 8) -> [ReadCharacter] {
        text.unicodeScalars.enumerated().map {
            ReadCharacter(scalar: $1, x: x + Float($0) * advance, y: y)
        }
    }

    @Test func linesAreReadFromTopToBottom() {
        let page = characters("two words", x: 10, y: 60) + characters("one", x: 40, y: 20)
        #expect(TextLines(page.shuffled()).text == "one\ntwo words")
    }

    @Test func gapsWithoutCharactersAreSpaces() {
        let line = characters("one", x: 10, y: 20) + characters("two", x: 46, y: 20)
        #expect(TextLines(line).text == "one two")
    }

    @Test func wideGapsAreColumns() {
        let row = characters("Total", x: 10, y: 20) + characters("9.50", x: 120, y: 22)
        #expect(TextLines(row).text == "Total | 9.50")
    }

    /// A page of lines, 24 pixels apart, whose cells begin, end or have their middles at `edges`.
    private func table(_ lines: [[String]], at edges: [Float] = [10, 96, 166], _ alignment: Float = 0) -> String {
        TextLines(
            lines.enumerated().flatMap { line, cells in
                zip(cells, edges).flatMap { cell, edge in
                    let width = Float(max(0, cell.unicodeScalars.count - 1)) * 8
                    return characters(cell, x: edge - alignment * width, y: 20 + 24 * Float(line))
                }
            }
        ).text
    }

    @Test func theCellsOfATableHaveTheNamesOfTheirColumns() {
        // Long cells leave gaps like those between words.
        #expect(
            table([["Name", "Price", "Stock"], ["Desk lamp", "31.47", "5"], ["Tea", "4.20", "12"]])
                == "Name | Price | Stock\nDesk lamp | Price: 31.47 | Stock: 5\nTea | Price: 4.20 | Stock: 12")
    }

    @Test(arguments: [(0.5, 230), (1, 250)] as [(Float, Float)])
    func columnsMayBeCentredOrEndTogether(alignment: Float, last: Float) {
        // The last gap of the second line is a space's. The lines around it show the strip.
        let lines = [["Monday", "22", "333"], ["Tue", "11111", "2233445566"], ["Wednesday", "9", "8"]]
        #expect(
            table(lines, at: [80, 160, last], alignment)
                == "Monday | 22 | 333\nTue | 11111 | 2233445566\nWednesday | 9 | 8")
    }

    @Test func linesOfTwoCellsMenusAndTabsAreNoTables() {
        #expect(table([["City", "Oslo"], ["Zip code", "51088"]]) == "City | Oslo\nZip code | 51088")
        #expect(table([["Home", "News", "Help"], ["Name", "9800"]]) == "Home | News | Help\nName | 9800")
        // Two of the lower cells would have the name of the last tab.
        #expect(
            table([["Home", "News", "Help"], ["9.00", "9.30", "10.00", "10.30"]], at: [10, 96, 182, 268])
                == "Home | News | Help\n9.00 | 9.30 | 10.00 | 10.30")
    }

    @Test func cellsOfOneCharacterAreNotJoined() {
        #expect(
            table([["", "Price", "Stock"], ["A", "3", "7"], ["Lamp", "12", "125"]])
                == " | Price | Stock\nA | Price: 3 | Stock: 7\nLamp | Price: 12 | Stock: 125")
    }

    @Test func wordsAcrossAColumnsGapAreNotParted() {
        let receipt =
            characters("Coffee", x: 10, y: 20) + characters("3.20", x: 160, y: 20)
            + characters("thank", x: 40, y: 44) + characters("you", x: 96, y: 44)
        #expect(TextLines(receipt).text == "Coffee | 3.20\nthank you")
    }

    @Test func anEmptyColumnOnTheLeftIsMarked() {
        let page =
            characters("Some text", x: 10, y: 20) + characters("Home", x: 160, y: 20)
            + characters("Inbox", x: 160, y: 44) + characters("more text", x: 10, y: 68)
        #expect(TextLines(page).text == "Some text | Home\n | Inbox\nmore text")
    }

    @Test func aCharacterThatWasReadTwiceIsTakenOnce() {
        // The second "a" has the room of half a character; the "ll" is as wide as it should be.
        let middles: [(Unicode.Scalar, Float)] = [
            ("s", 20), ("a", 29), ("a", 33), ("l", 41), ("l", 46), ("t", 51), ("s", 58),
        ]
        let word = middles.map { ReadCharacter(scalar: $0.0, x: $0.1, y: 30) }
        #expect(TextLines(word).text == "sallts")
    }

    @Test func aSlopingLineIsOneLine() {
        let line = (0..<20).map { ReadCharacter(scalar: "x", x: Float($0) * 8, y: 20 + Float($0) * 1.5) }
        #expect(TextLines(line).text == String(repeating: "x", count: 20))
    }

    @Test func aTextHasALimit() {
        let page = (0..<400).flatMap { characters(String(repeating: "x", count: 40), x: 0, y: Float($0) * 20) }
        let text = TextLines(page).text
        #expect(text.utf8.count <= TextReader.maximumCharacters && text.utf8.count > 5_900)
    }

    @Test func largeTextIsReadAtHalfTheSize() {
        // At full size the heading was read badly; at half the size the line below it is lost.
        let body = characters("some small text", x: 10, y: 90)
        var lines = TextLines(characters("WWeoth er", x: 10, y: 40, advance: 14) + body)
        let coarse = characters("Weather", x: 6, y: 20, advance: 9) + characters("sm tx", x: 5, y: 45, advance: 8)
        lines.replaceLargeText(by: TextLines(coarse), scale: 2)
        #expect(lines.text == "Weather\nsome small text")
    }

    // MARK: Images

    @Test func anEncoderWithoutAHeadDoesNotRead() throws {
        let weights = try VisionWeights.reading("A").with(rowEnd: nil, reader: nil)
        #expect(TextReader(weights, on: compute) == nil)
    }

    @Test func weightsKeepTheirHead() throws {
        let weights = try VisionWeights.reading("A")
        try withTemporaryFolder { folder in
            let path = folder.appendingPathComponent("model.safetensors").path
            try weights.write(to: path)
            let read = try VisionWeights(path: path)
            #expect(read.configuration.readsText && read.digest == weights.digest)
            #expect(read.reader?.bias.elements == weights.reader?.bias.elements)
        }
    }

    /// Each patch of the image is read exactly once, whatever tiles see it.
    @Test(arguments: [(32, 32), (40, 33), (100, 70), (24, 200), (8, 8)])
    func everyPatchIsReadOnce(size: (width: Int, height: Int)) throws {
        let reader = try #require(TextReader(.reading("A"), on: compute))
        let found = reader.characters(
            in: reader.sized(noise(width: size.width, height: size.height), detail: .auto), check: {})
        let isSmall = max(size.width, size.height) < 32
        let (width, height) = isSmall ? (32, 32) : size
        #expect(found.count == ((width + 7) / 8) * ((height + 7) / 8))
        #expect(Set(found.map { [$0.x, $0.y] }).count == found.count)
    }

    /// A character's logits are the head's of the features that training sees.
    @Test func logitsAreThoseOfTraining() throws {
        var generator = SplitMix64(seed: 8)
        let plain = try VisionWeights.reading("A")
        let head = VisionWeights.Reader(
            weight: Tensor(normal: 1, [192, 8], using: &generator), bias: Tensor(normal: 1, [192], using: &generator))
        let weights = plain.with(rowEnd: nil, reader: head)
        let pixels = Tensor(normal: 0.5, [2, 3, 32, 32], using: &generator)
        let read = VisionEncoder(weights, on: compute).characters(in: pixels)
        var expected = compute.multiply(
            VisionPass(pixels, weights: weights, on: compute).features, head.weight, transposeB: true)
        compute.addBias(&expected, head.bias)
        #expect(zip(read.elements, expected.elements).allSatisfy { abs($0 - $1) < 1e-3 })
    }

    @Test func evenImagesHaveNoText() throws {
        let reader = try #require(TextReader(.reading("A"), on: compute))
        let blank = DecodedImage(RGBImage(width: 300, height: 100, red: 250, green: 250, blue: 244))
        #expect(reader.text(in: blank, detail: .auto).isEmpty)
    }

    @Test func lowDetailReadsOneTile() throws {
        let reader = try #require(TextReader(.reading("A"), on: compute))
        let found = reader.characters(in: reader.sized(noise(width: 320, height: 160), detail: .low), check: {})
        #expect(found.count == 4 * 2)
    }

    @Test func hugeImagesAreReduced() throws {
        let reader = try #require(TextReader(.reading("A"), on: compute))
        let found = reader.characters(in: reader.sized(noise(width: 1_000, height: 900), detail: .high), check: {})
        // 256 tiles with 24 pixels each that no other tile sees.
        #expect(found.count <= 256 * 9 + 4 * 64 && found.count > 200 * 9)
    }

    @Test func readingCanBeCancelled() throws {
        let reader = try #require(TextReader(.reading("A"), on: compute))
        #expect(throws: CancellationError.self) {
            try reader.text(in: noise(width: 320, height: 160), detail: .auto) { throw CancellationError() }
        }
    }
}
