public import Images

/// Lays out images on one grid for viewing.
public enum ContactSheet {
    /// A grid on white with `columns` images per row, each magnified `scale` times without smoothing and `gap` pixels
    /// from the next. Cells are as large as the largest image; there must be at least one image.
    public static func image(of images: [RGBImage], columns: Int, scale: Int = 1, gap: Int = 2) -> RGBImage {
        precondition(!images.isEmpty && columns > 0 && scale > 0 && gap >= 0)
        let cellWidth = (images.map(\.width).max() ?? 0) * scale + gap
        let cellHeight = (images.map(\.height).max() ?? 0) * scale + gap
        let rows = (images.count + columns - 1) / columns
        let width = columns * cellWidth + gap
        let height = rows * cellHeight + gap
        var pixels = [UInt8](repeating: 255, count: width * height * 3)
        for (index, image) in images.enumerated() {
            let left = gap + index % columns * cellWidth
            let top = gap + index / columns * cellHeight
            for y in 0..<(image.height * scale) {
                for x in 0..<(image.width * scale) {
                    let from = (y / scale * image.width + x / scale) * 3
                    let to = ((top + y) * width + left + x) * 3
                    for channel in 0..<3 { pixels[to + channel] = image.pixels[from + channel] }
                }
            }
        }
        return RGBImage(width: width, height: height, pixels: pixels)
    }
}
