import Datasets
import Images
import Testing

@Suite struct ShapeSceneTests {
    @Test func scenesFollowFromTheirSeedAndStayAsTheyAre() {
        #expect(ShapeScene(seed: 42) == ShapeScene(seed: 42))
        #expect(ShapeScene(seed: 42) != ShapeScene(seed: 43))
    }

    @Test func truthFitsThePixels() {
        for seed in 0..<300 as Range<UInt64> {
            let scene = ShapeScene(seed: seed)
            let side = ShapeScene.side
            #expect((1...3).contains(scene.objects.count))
            #expect(scene.image.width == side && scene.image.height == side && scene.mask.count == side * side)
            let numbers = Set(scene.mask)
            #expect(numbers == Set(0...UInt8(scene.objects.count)), "seed \(seed)")
            for (index, object) in scene.objects.enumerated() {
                let places = scene.mask.indices.filter { scene.mask[$0] == UInt8(index + 1) }
                let (box, inside) = (object.box, places.map { (x: $0 % side, y: $0 / side) })
                #expect(inside.map(\.x).min() == box.x && inside.map(\.x).max() == box.x + box.width - 1)
                #expect(inside.map(\.y).min() == box.y && inside.map(\.y).max() == box.y + box.height - 1)
                let centre = (box.y + box.height * 2 / 3) * side + box.x + box.width / 2
                #expect(Array(scene.image.pixels[(centre * 3)..<(centre * 3 + 3)]) == object.colour.rgb)
            }
        }
    }

    @Test func halfCoveredPixelsBelongToTheShape() {
        let outline = ShapeCanvas.Outline(shape: .rectangle, x: 11, y: 21, width: 16, height: 16)
        let scene = ShapeScene(outlines: [outline], colours: [.teal], background: [255, 255, 255])
        func owner(_ x: Int, _ y: Int) -> UInt8 { scene.mask[y * ShapeScene.side + x] }
        #expect(owner(5, 10) == 0 && owner(6, 10) == 1 && owner(5, 11) == 1 && owner(4, 11) == 0)
        #expect(owner(13, 18) == 1 && owner(14, 18) == 0 && owner(13, 19) == 0)
        let box = scene.objects[0].box
        #expect(box.x == 5 && box.y == 10 && box.width == 9 && box.height == 9)
    }

    @Test func countIsKept() {
        for seed in 0..<50 as Range<UInt64> {
            #expect(ShapeScene(seed: seed, count: 1...1).objects.count == 1)
        }
    }

    @Test func everyShapeColourAndCountComesUpEvenly() {
        let scenes = (0..<600 as Range<UInt64>).map { ShapeScene(seed: $0, count: 1...1) }
        let objects = scenes.flatMap(\.objects)
        for shape in Shape.allCases { #expect((150...250).contains(objects.count { $0.shape == shape })) }
        for colour in Colour.allCases { #expect((45...110).contains(objects.count { $0.colour == colour })) }
    }

    /// Official training images, from measured places and sizes.
    @Test(arguments: OfficialImage.all)
    func drawsOfficialImagesPixelForPixel(official: OfficialImage) throws {
        let image = try EasyVQATests.dataSet.get().trainingImage(official.number)
        let corner = Array(image.pixels.prefix(3))
        let scene = ShapeScene(outlines: [official.outline], colours: [official.colour], background: corner)
        #expect(scene.image == image)
        #expect(scene.objects.map(\.shape) == [official.outline.shape])
    }
}

/// What a training image of easy-VQA was drawn from.
struct OfficialImage: Sendable {
    let number: Int
    let outline: ShapeCanvas.Outline
    let colour: Colour

    private init(_ number: Int, _ colour: Colour, _ shape: Shape, at x: Int, _ y: Int, size width: Int, _ height: Int) {
        self.number = number
        self.colour = colour
        outline = ShapeCanvas.Outline(shape: shape, x: x, y: y, width: width, height: height)
    }

    static let all: [OfficialImage] = [
        OfficialImage(0, .blue, .rectangle, at: 53, 75, size: 60, 48),
        OfficialImage(2, .red, .triangle, at: 29, 64, size: 60, 52),
        OfficialImage(3, .brown, .rectangle, at: 30, 63, size: 55, 37),
        OfficialImage(4, .red, .circle, at: 35, 34, size: 63, 63),
        OfficialImage(5, .yellow, .triangle, at: 37, 45, size: 46, 40),
        OfficialImage(6, .red, .circle, at: 37, 27, size: 58, 58),
        OfficialImage(9, .yellow, .rectangle, at: 91, 38, size: 26, 52),
        OfficialImage(10, .brown, .circle, at: 39, 87, size: 21, 21),
        OfficialImage(12, .yellow, .circle, at: 23, 14, size: 38, 38),
        OfficialImage(13, .brown, .rectangle, at: 79, 99, size: 36, 16),
        OfficialImage(19, .gray, .triangle, at: 13, 37, size: 58, 51),
        OfficialImage(22, .teal, .triangle, at: 87, 60, size: 26, 23),
        OfficialImage(30, .teal, .triangle, at: 7, 28, size: 53, 46),
        OfficialImage(31, .green, .triangle, at: 84, 61, size: 19, 17),
    ]
}
