import Foundation
public import Typography

/// Pictograms without files: a disc whose colour follows from the character, by artists who leave another margin.
public final class DrawnPictograms: PictogramSource {
    /// A source.
    public init() {}

    package func sticker(
        _ scalar: Unicode.Scalar, by artist: PictogramArtist, side: Int, ink: RGB
    ) throws -> Sticker {
        let value = Int(scalar.value)
        let colour =
            artist == .symbola
            ? [ink.red, ink.green, ink.blue] : [UInt8(value % 200), UInt8(value / 7 % 200), UInt8(value / 31 % 200)]
        let radius = Double(side) * (artist == .noto ? 0.5 : 0.4)
        var pixels: [UInt8] = []
        for y in 0..<side {
            for x in 0..<side {
                let isInside = hypot(Double(x) + 0.5 - Double(side) / 2, Double(y) + 0.5 - Double(side) / 2) <= radius
                pixels += isInside ? colour + [255] : [0, 0, 0, 0]
            }
        }
        return Sticker(width: side, height: side, pixels: pixels)
    }
}
