import Datasets
import Images
import Testing

@Suite struct ContactSheetTests {
    @Test func imagesStandInTheirCells() {
        let red = RGBImage(width: 1, height: 1, red: 255, green: 0, blue: 0)
        let blue = RGBImage(width: 1, height: 1, red: 0, green: 0, blue: 255)
        let sheet = ContactSheet.image(of: [red, blue, blue], columns: 2, scale: 2, gap: 1)
        #expect(sheet.width == 7 && sheet.height == 7)
        let letters = stride(from: 0, to: sheet.pixels.count, by: 3).map { at in
            switch Array(sheet.pixels[at..<(at + 3)]) {
            case [255, 0, 0]: "r"
            case [0, 0, 255]: "b"
            default: "."
            }
        }
        #expect(letters.joined() == "........rr.bb..rr.bb.........bb.....bb...........")
    }
}
