import Datasets
import Testing

/// What only the test split may show.
@Suite struct HeldOutRulesTests {
    private static func images(_ split: SeedSplit, _ count: UInt64) -> [FamilyImage] {
        Family.allCases.flatMap { family in (0..<count).map { family.image(seed: split.seed(at: $0)) } }
    }

    @Test(arguments: [SeedSplit.training, .validation])
    func otherSplitsNeverShowOrNameIt(split: SeedSplit) {
        let name = "\(HeldOutRules.pair.colour) \(HeldOutRules.pair.shape)"
        for image in Self.images(split, 400) {
            #expect(!image.scene.objects.contains { Self.isPair($0) })
            #expect(!image.questions.contains { "\($0.text) \($0.answer)".contains(name) })
            #expect(!Self.isDiagonal(image.scene))
            if let number = Self.number(image) { #expect(!HeldOutRules.isTestNumber(number)) }
        }
    }

    @Test func testsShowItAll() {
        let images = Self.images(.test, 200)
        #expect(images.contains { $0.scene.objects.contains { Self.isPair($0) } })
        #expect(images.count { Self.isDiagonal($0.scene) } > 20)
        #expect(images.compactMap(Self.number).allSatisfy(HeldOutRules.isTestNumber))
    }

    @Test func fontsBelongToOneSide() {
        let tested = HeldOutRules(.test).fonts
        for split in [SeedSplit.training, .validation] {
            #expect(HeldOutRules(split).fonts.allSatisfy { !tested.contains($0) })
            #expect(HeldOutRules(split).fonts.count >= 2)
        }
        #expect(!tested.isEmpty)
    }

    @Test func fontsHoldTenDifferentDigitsThatFillTheirGrid() {
        for font in HeldOutRules(.training).fonts + HeldOutRules(.test).fonts {
            let digits = (0...9).map { digit in
                (0..<font.height).flatMap { row in (0..<font.width).map { font.isInked(digit, $0, row) } }
            }
            #expect(Set(digits).count == 10)
            for digit in 0...9 {
                #expect((0..<font.width).contains { font.isInked(digit, $0, 0) })
                #expect((0..<font.width).contains { font.isInked(digit, $0, font.height - 1) })
            }
            #expect(!font.isInked(0, -1, 0) && !font.isInked(0, 0, font.height))
        }
    }

    @Test func diagonalsAreThreeOrMoreInSquaresOfTheDiagonal() {
        #expect(HeldOutRules.isDiagonal([(3, 15), (16, 31), (63, 48)]))
        #expect(!HeldOutRules.isDiagonal([(3, 15), (63, 48)]))
        #expect(!HeldOutRules.isDiagonal([(3, 15), (16, 31), (63, 47)]))
        #expect(HeldOutRules(.test).allows(centres: [(3, 3), (20, 20), (40, 40)]))
        #expect(!HeldOutRules(.training).allows(centres: [(3, 3), (20, 20), (40, 40)]))
    }

    private static func isPair(_ object: SceneObject) -> Bool {
        object.kind == .shape(HeldOutRules.pair.shape) && object.colour == HeldOutRules.pair.colour
    }

    private static func isDiagonal(_ scene: Scene) -> Bool {
        guard scene.objects.allSatisfy({ if case .shape = $0.kind { true } else { false } }) else { return false }
        return HeldOutRules.isDiagonal(
            scene.objects.map { ($0.box.x + $0.box.width / 2, $0.box.y + $0.box.height / 2) })
    }

    /// What an image of a number shows.
    private static func number(_ image: FamilyImage) -> Int? {
        guard image.questions.first?.family == .numbers else { return nil }
        return Int(
            image.scene.objects.map { if case .glyph(let digit) = $0.kind { digit } else { "" } }.joined())
    }
}
