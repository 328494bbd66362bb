import Testing
import Typography

/// Outlines and how much of each pixel they cover.
@Suite struct DrawingTests {
    private func coverage(_ outline: Outline, _ side: Int = 40) -> CoverageMask? {
        CoverageMask(of: outline, canvasWidth: side, canvasHeight: side)
    }

    /// The covered area in pixels.
    private func area(_ outline: Outline, _ side: Int = 40) -> Double {
        Double(coverage(outline, side)?.values.reduce(0) { $0 + Int($1) } ?? 0) / 255
    }

    @Test func rectanglesOfWholePixelsAreFull() throws {
        let mask = try #require(coverage(Outline(x: 3, y: 5, width: 4, height: 2)))
        #expect(mask.x == 3 && mask.y == 5 && mask.width == 4 && mask.height == 2)
        #expect(mask.values.allSatisfy { $0 == 255 })
    }

    @Test func edgesBetweenPixelsCoverTheirShare() throws {
        let mask = try #require(coverage(Outline(x: 1.25, y: 2.5, width: 2, height: 1)))
        #expect(mask.width == 3 && mask.height == 2)
        #expect(mask.values[0] == 96 && mask.values[1] == 128 && mask.values[2] == 32)
    }

    @Test func areasAreThoseOfGeometry() {
        let centre = Point(20, 20)
        #expect(abs(area(Outline(circleAt: centre, radius: 12)) - 144 * .pi) < 6)
        #expect(abs(area(Outline(polygon: [Point(4, 4), Point(30, 9), Point(11, 33)])) - 359.5) < 0.5)
        #expect(abs(area(Outline(polygon: [Point(11, 33), Point(30, 9), Point(4, 4)])) - 359.5) < 0.5)
        let half = Outline(sectorAt: centre, radius: 10, from: 0, to: 0.5)
        #expect(abs(area(half) - 50 * .pi) < 3)
        let ring = Outline(sectorAt: centre, radius: 10, inner: 5, from: 0.25, to: 0.75)
        #expect(abs(area(ring) - 37.5 * .pi) < 3)
        #expect(abs(area(Outline(line: [Point(5, 5), Point(35, 28)], width: 2)) - 75.6) < 1)
        let round = Outline(x: 4, y: 4, width: 20, height: 12, radius: 4)
        #expect(abs(area(round) - (240 - 16 * (4 - .pi))) < 1)
    }

    @Test func holesAreCutOut() {
        var outline = Outline(x: 5, y: 5, width: 20, height: 20)
        outline.cut(Outline(x: 10, y: 10, width: 5, height: 5))
        #expect(abs(area(outline) - 375) < 0.1)
    }

    @Test func whatIsCoveredTwiceIsCoveredOnce() {
        var outline = Outline(x: 5, y: 5, width: 10, height: 10)
        outline.add(Outline(x: 10, y: 5, width: 10, height: 10))
        #expect(abs(area(outline) - 150) < 0.1)
    }

    @Test func turnedOutlinesKeepTheirArea() {
        let outline = Outline(x: 12, y: 14, width: 15, height: 9)
        for eighth in 0..<16 {
            #expect(abs(area(outline.turned(by: Double(eighth) / 16, around: Point(20, 20))) - 135) < 0.6)
        }
    }

    @Test func outlinesAreCutAtTheEdges() {
        #expect(abs(area(Outline(x: -10, y: -10, width: 100, height: 100)) - 1_600) < 0.1)
        #expect(abs(area(Outline(circleAt: Point(0, 20), radius: 10)) - 50 * .pi) < 3)
        #expect(abs(area(Outline(circleAt: Point(40, 20), radius: 10)) - 50 * .pi) < 3)
        #expect(coverage(Outline(x: 50, y: 3, width: 5, height: 5)) == nil)
        #expect(coverage(Outline(x: -50, y: 3, width: 5, height: 5)) == nil)
        #expect(coverage(Outline()) == nil)
    }

    @Test func sinesAgreeWithKnownValues() {
        for (turns, sine, cosine) in [
            (0.0, 0.0, 1.0), (1.0 / 12, 0.5, 0.8660254037844386), (0.125, 0.7071067811865476, 0.7071067811865476),
            (0.25, 1, 0), (0.5, 0, -1), (0.75, -1, 0), (-0.25, -1, 0), (1.125, 0.7071067811865476, 0.7071067811865476),
        ] {
            let found = Turn.sineAndCosine(turns)
            #expect(abs(found.sine - sine) < 1e-9 && abs(found.cosine - cosine) < 1e-9, "\(turns): \(found)")
        }
    }
}
