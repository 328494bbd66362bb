import Datasets
import Images
import Testing

/// What images show, found again from their pixels and masks.
@Suite struct FamilyImageTests {
    static let seeds = (0..<250).map { SeedSplit.training.seed(at: $0) } + (0..<100).map { SeedSplit.test.seed(at: $0) }

    @Test(arguments: Family.allCases)
    func everyObjectIsOneIslandOfTheMask(family: Family) {
        for seed in Self.seeds {
            let scene = family.image(seed: seed).scene
            // Cells of a font that meet at a corner meet in a pixel of which they may cover less than half.
            let reach = [.digits, .numbers].contains(family) ? 2 : 1
            let islands = Islands(of: scene.mask, width: scene.image.width, reach: reach)
            #expect(scene.image.width == 64 && scene.image.height == 64 && scene.mask.count == 64 * 64)
            #expect(islands.owners.sorted() == scene.objects.indices.map { UInt8($0 + 1) }, "seed \(seed)")
        }
    }

    @Test(arguments: Family.allCases)
    func boxesFitTheMaskAndLieApart(family: Family) {
        for seed in Self.seeds {
            let scene = family.image(seed: seed).scene
            for (index, object) in scene.objects.enumerated() {
                let inside = scene.mask.indices.filter { scene.mask[$0] == UInt8(index + 1) }
                let (columns, rows) = (inside.map { $0 % 64 }, inside.map { $0 / 64 })
                #expect(columns.min() == object.box.x && columns.max() == object.box.right, "seed \(seed)")
                #expect(rows.min() == object.box.y && rows.max() == object.box.bottom, "seed \(seed)")
                for other in scene.objects[..<index] {
                    #expect(object.box.isApart(from: other.box), "seed \(seed)")
                }
            }
        }
    }

    /// Characters are placed by their fonts' grids, which not all of them fill.
    @Test(arguments: Family.allCases.filter { $0 != .numbers })
    func noVisualTokenHoldsTwoCentres(family: Family) {
        for seed in Self.seeds {
            let boxes = family.image(seed: seed).scene.objects.map(\.box)
            let squares = boxes.map { ($0.y * 2 + $0.height) / 32 * 4 + ($0.x * 2 + $0.width) / 32 }
            #expect(Set(squares).count == boxes.count, "seed \(seed)")
        }
    }

    @Test(arguments: Family.allCases)
    func pixelsHaveTheColoursThatTheObjectsName(family: Family) {
        for seed in Self.seeds {
            let scene = family.image(seed: seed).scene
            let outside = scene.mask.indices.filter { scene.mask[$0] == 0 }
            let ground = (0..<3).map { channel in
                Int(outside.map { scene.image.pixels[$0 * 3 + channel] }.sorted()[outside.count / 2])
            }
            for (index, object) in scene.objects.enumerated() {
                let inside = scene.mask.indices.filter { scene.mask[$0] == UInt8(index + 1) }
                // Edges are mixed with the background, so that the pixel least like it is asked.
                let pure = inside.max { Self.distance(scene, $0, ground) < Self.distance(scene, $1, ground) } ?? 0
                let seen = scene.image.pixels[pure * 3..<pure * 3 + 3].map(Int.init)
                // Jitter and noise move each channel by 25 at most, the finest edges lighten it.
                #expect(Self.distance(seen, from: object.colour) < 60, "seed \(seed): \(object.colour) \(seen)")
            }
        }
    }

    @Test func coloursOfDifferentNamesLieApart() {
        for (one, other) in [(SceneColour.red, SceneColour.brown), (.teal, .green), (.teal, .blue), (.purple, .blue)] {
            for shade in [one.rgb, one.otherShade] {
                #expect(Self.distance(shade.map(Int.init), from: other) > 30, "\(one) and \(other)")
            }
        }
    }

    /// From the nearest of the colours that a word names.
    private static func distance(_ seen: [Int], from colour: SceneColour) -> Double {
        let squares = (0...16).map { shade in
            distance(
                seen, zip(colour.rgb, colour.otherShade).map { (Int($0) * (16 - shade) + Int($1) * shade) / 16 })
        }
        return Double(squares.min() ?? .max).squareRoot()
    }

    private static func distance(_ scene: Scene, _ pixel: Int, _ colour: [Int]) -> Int {
        distance(scene.image.pixels[pixel * 3..<pixel * 3 + 3].map(Int.init), colour)
    }

    private static func distance(_ one: [Int], _ other: [Int]) -> Int {
        zip(one, other).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    }

    @Test func formsAreToldByWhatTheyCoverOfTheirBoxes() {
        var shares: [SceneShape: [Double]] = [:]
        for seed in 0..<400 as Range<UInt64> {
            let scene = Family.attributes.image(seed: seed).scene
            for (index, object) in scene.objects.enumerated() {
                guard case .shape(let shape) = object.kind, object.box.width >= 16 else { continue }
                let covered = scene.mask.count { $0 == UInt8(index + 1) }
                shares[shape, default: []].append(Double(covered) / Double(object.box.width * object.box.height))
            }
        }
        // Thin points cover less than half of their pixels, so that the boxes of stars are cut by one each.
        let expected: [SceneShape: Double] = [
            .circle: .pi / 4, .rectangle: 1, .triangle: 0.5, .cross: 5.0 / 9, .ring: .pi / 4 * 0.75, .star: 0.46,
        ]
        for (shape, share) in expected {
            let found = shares[shape] ?? []
            #expect(found.count > 50)
            #expect(
                abs(found.reduce(0, +) / Double(found.count) - share) < 0.05,
                "\(shape) \(found.reduce(0, +) / Double(found.count))")
        }
    }

    @Test(arguments: [Family.digits, .numbers])
    func charactersAreWhatTheQuestionsRead(family: Family) {
        for seed in Self.seeds {
            let image = family.image(seed: seed)
            let written = image.scene.objects.sorted { $0.box.x < $1.box.x }.map { object in
                if case .glyph(let character) = object.kind { character } else { "?" }
            }.joined()
            #expect(image.scene.objects.map(\.box.x) == image.scene.objects.map(\.box.x).sorted())
            #expect(image.questions.contains { $0.truth == .text(written) }, "seed \(seed): \(written)")
        }
    }

    /// Bytes must stay as they are: runs are repeated from seeds.
    @Test(arguments: zip(Family.allCases, Self.digests))
    func imagesAndQuestionsStayAsTheyAre(family: Family, digest: UInt64) {
        // FNV-1a.
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        func take(_ bytes: some Sequence<UInt8>) {
            for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        }
        for split in SeedSplit.allCases {
            for index in 0..<6 as Range<UInt64> {
                let image = family.image(seed: split.seed(at: index))
                take(image.scene.image.pixels)
                take(image.scene.mask)
                for question in image.questions { take("\(question.text)\n\(question.answer)\n".utf8) }
            }
        }
        #expect(hash == digest, "\(family): \(hash)")
    }

    @Test func everyFamilyHasADigest() {
        #expect(Self.digests.count == Family.allCases.count)
    }

    private static let digests: [UInt64] = [
        7_146_407_105_812_358_809, 3_255_120_984_906_230_090, 10_377_922_313_179_052_334, 3_844_508_594_101_911_092,
        1_278_835_621_641_575_795, 5_152_912_363_469_684_401, 1_225_171_615_357_427_147, 10_300_876_936_760_809_577,
        14_403_220_935_785_416_758, 13_347_630_184_720_151_070,
    ]
}

/// Connected parts of a mask: pixels are neighbours if they are at most `reach` columns and rows apart.
private struct Islands {
    /// The number on each island.
    private(set) var owners: [UInt8] = []

    init(of mask: [UInt8], width: Int, reach: Int) {
        var left = mask
        let height = mask.count / width
        for start in left.indices where left[start] > 0 {
            let owner = left[start]
            owners.append(owner)
            left[start] = 0
            var stack = [start]
            while let pixel = stack.popLast() {
                for y in max(0, pixel / width - reach)...min(height - 1, pixel / width + reach) {
                    for x in max(0, pixel % width - reach)...min(width - 1, pixel % width + reach)
                    where left[y * width + x] == owner {
                        left[y * width + x] = 0
                        stack.append(y * width + x)
                    }
                }
            }
        }
    }
}

extension ShapeScene.Box {
    var right: Int { x + width - 1 }
    var bottom: Int { y + height - 1 }

    fileprivate func isApart(from other: ShapeScene.Box) -> Bool {
        right + 1 < other.x || other.right + 1 < x || bottom + 1 < other.y || other.bottom + 1 < y
    }
}
