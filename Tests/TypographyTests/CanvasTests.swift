import Images
import Support
import Testing
import Typography

@Suite struct CanvasTests {
    @Test func coverageMixesColoursToTheNearestLevel() {
        for part in stride(from: 0, through: 255, by: 5) {
            var canvas = Canvas(width: 1, height: 1, colour: RGB(10, 200, 77))
            canvas.blend(x: 0, y: 0, colour: RGB(255, 0, 90), coverage: UInt8(part))
            func mixed(_ old: Double, _ new: Double) -> UInt8 {
                UInt8((old + (new - old) * Double(part) / 255).rounded())
            }
            #expect(canvas[0, 0] == RGB(mixed(10, 255), mixed(200, 0), mixed(77, 90)), "\(part)")
        }
    }

    @Test func curvesKeepTheEndsAndMoveTheMiddle() {
        func level(_ coverage: UInt8, _ percent: Int) -> Int {
            var canvas = Canvas(width: 1, height: 1, colour: .black)
            canvas.blend(
                coverage: [coverage], width: 1, height: 1, x: 0, y: 0, colour: .white,
                curve: CoverageCurve(percent: percent))
            return Int(canvas[0, 0].red)
        }
        for percent in [-100, -30, 0, 70, 100] {
            #expect(level(0, percent) == 0 && level(255, percent) == 255)
            let levels = (0...255).map { level($0, percent) }
            #expect(levels == levels.sorted())
        }
        #expect((0...255).allSatisfy { level($0, 0) == Int($0) } && level(128, 100) > 190 && level(128, -100) < 70)
    }

    @Test func whatLiesOutsideIsNotDrawn() {
        var canvas = Canvas(width: 4, height: 3, colour: .white)
        canvas.fill(x: -5, y: -5, width: 6, height: 6, colour: .black)
        canvas.fill(x: 3, y: 2, width: 100, height: 100, colour: .black)
        canvas.fill(x: 9, y: 9, width: 2, height: 2, colour: .black)
        canvas.blend(coverage: [255, 255, 255, 255], width: 2, height: 2, x: -1, y: 2, colour: .black)
        canvas.blend(coverage: [255], width: 1, height: 1, x: 4, y: 0, colour: .black)
        canvas.line(from: (-3, 1), to: (-1, 1), colour: .black)
        let black = (0..<12).filter { canvas[$0 % 4, $0 / 4] == .black }
        #expect(black == [0, 8, 11])
    }

    @Test func outlinesAndLinesReachTheirEnds() {
        var canvas = Canvas(width: 6, height: 5, colour: .white)
        canvas.outline(x: 1, y: 1, width: 4, height: 3, colour: .black)
        #expect(canvas[1, 1] == .black && canvas[4, 3] == .black && canvas[2, 2] == .white && canvas[5, 4] == .white)
        for end in [(5, 4), (0, 4), (5, 0), (3, 1)] {
            var canvas = Canvas(width: 6, height: 5, colour: .white)
            canvas.line(from: (3, 2), to: end, colour: .black)
            #expect(canvas[3, 2] == .black && canvas[end.0, end.1] == .black)
        }
    }

    @Test func gradientsBeginAndEndWithTheirColours() {
        var canvas = Canvas(width: 7, height: 9, colour: .white)
        canvas.gradient(from: RGB(1, 2, 3), to: RGB(200, 100, 50), isVertical: true)
        #expect(canvas[0, 0] == RGB(1, 2, 3) && canvas[6, 8] == RGB(200, 100, 50) && canvas[0, 4] == canvas[6, 4])
        canvas.gradient(from: RGB(1, 2, 3), to: RGB(200, 100, 50), isVertical: false)
        #expect(canvas[0, 8] == RGB(1, 2, 3) && canvas[6, 0] == RGB(200, 100, 50))
    }

    @Test func blurSpreadsAPointAndKeepsFlatGround() {
        var flat = Canvas(width: 5, height: 5, colour: RGB(7, 130, 255))
        flat.blur(weight: 60)
        #expect(flat.pixels == Canvas(width: 5, height: 5, colour: RGB(7, 130, 255)).pixels)
        var canvas = Canvas(width: 5, height: 5, colour: .black)
        canvas.blend(x: 2, y: 2, colour: .white, coverage: 255)
        canvas.blur(weight: 64)
        #expect(canvas[2, 2].red == 64 && canvas[1, 2].red == 32 && canvas[2, 3].green == 32 && canvas[1, 1].blue == 16)
        #expect(canvas[0, 0] == .black && canvas[4, 2] == .black)
    }

    @Test func noiseStaysWithinItsAmplitude() {
        var generator = SplitMix64(seed: 7)
        for isGrey in [false, true] {
            var canvas = Canvas(width: 40, height: 40, colour: RGB(128, 128, 128))
            canvas.addNoise(amplitude: 9, isGrey: isGrey, &generator)
            let changes = canvas.pixels.map { Int($0) - 128 }
            #expect(changes.allSatisfy { abs($0) <= 9 } && Set(changes).count > 10)
            let isAlike = (0..<1_600).allSatisfy { changes[$0 * 3] == changes[$0 * 3 + 1] }
            #expect(isAlike == isGrey)
        }
    }

    @Test func jpegChangesLittleAtHighQualityAndMoreAtLow() {
        var sharp = Canvas(width: 33, height: 17, colour: .white)
        sharp.fill(x: 5, y: 3, width: 9, height: 8, colour: RGB(200, 30, 90))
        func change(_ quality: Int, _ halvesColour: Bool) -> Int {
            var canvas = sharp
            canvas.compress(quality: quality, halvesColour: halvesColour)
            return zip(canvas.pixels, sharp.pixels).reduce(0) { $0 + abs(Int($1.0) - Int($1.1)) } / sharp.pixels.count
        }
        #expect(change(100, false) <= 1 && change(20, true) > 2 && change(20, false) > change(100, false))
    }

    @Test func turningMovesPixelsWhereBoxesMove() {
        for slope in [-0.1, 0.05, 0.15] {
            var canvas = Canvas(width: 101, height: 81, colour: .black)
            canvas.fill(x: 80, y: 20, width: 5, height: 5, colour: .white)
            let turned = canvas.turned(slope: slope)
            let box = InkBox(left: 80, top: 20, right: 85, bottom: 25)
            let moved = PlacedCharacter(scalar: "x", box: box, lineY: 22.5)
                .turned(slope: slope, width: 101, height: 81)
            var (sum, x, y) = (0.0, 0.0, 0.0)
            for row in 0..<81 {
                for column in 0..<101 {
                    let light = Double(turned[column, row].red)
                    sum += light
                    x += light * (Double(column) + 0.5)
                    y += light * (Double(row) + 0.5)
                }
            }
            #expect(abs(x / sum - Double(moved.centreX)) < 0.1 && abs(y / sum - Double(moved.centreY)) < 0.1)
            #expect(abs(moved.lineY - moved.centreY) < 1e-4)
        }
        #expect(Canvas(width: 9, height: 8, colour: .white).turned(slope: 0.2).pixels.allSatisfy { $0 == 255 })
    }
}
