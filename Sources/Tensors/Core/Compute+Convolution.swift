import CKernels

// Convolutions of 3 × 3 with stride 2 and one pixel of zeros around the image, as products: the squares that the
// kernel meets become rows (im2col), and a linear layer does the rest. Images are rows of pixels, channels last.

extension Compute {
    /// The 3 × 3 square around every second pixel of every second row. Pixels outside of the image are 0.
    ///
    /// - Parameter x: `[images * height * width, channels]`; both sides are even.
    /// - Returns: `[images * height / 2 * width / 2, 9 * channels]`: in each row of squares row, column, channel.
    public func im2col(_ x: Tensor, height: Int, width: Int) -> Tensor {
        let squares = Squares(x.shape, height: height, width: width)
        var result = uninitialized([squares.images * squares.perImage, 9 * squares.channels])
        result.withMutablePointer { result in
            x.withPointer { x in
                forEachRange(of: squares.images, cost: squares.perImage * 9 * squares.channels) { images in
                    for image in images {
                        squares.forEachRun(of: image) { run in
                            let target = result + run.square
                            for index in 0..<run.zeros { target[index] = 0 }
                            if run.count > 0 { (target + run.zeros).update(from: x + run.pixels, count: run.count) }
                        }
                    }
                }
            }
        }
        return result
    }

    /// The gradient of the pixels, `[images * height * width, channels]`, from the gradient of `im2col`'s result.
    public func im2colBackward(_ dy: Tensor, height: Int, width: Int) -> Tensor {
        let images = dy.rows / (height / 2 * (width / 2))
        var result = Tensor(zeros: [images * height * width, dy.columns / 9])
        let squares = Squares(result.shape, height: height, width: width)
        let kernels = elementwise
        result.withMutablePointer { result in
            dy.withPointer { dy in
                // Squares overlap within an image only.
                forEachRange(of: images, cost: squares.perImage * 9 * squares.channels) { images in
                    for image in images {
                        squares.forEachRun(of: image) { run in
                            guard run.count > 0 else { return }
                            kernels.add(run.count, result + run.pixels, dy + run.square + run.zeros, 1)
                        }
                    }
                }
            }
        }
        return result
    }

    /// Images with their channels last: `[images, channels, height, width]` -> `[images * height * width, channels]`.
    public func channelsLast(_ x: Tensor) -> Tensor {
        let (images, channels, area) = (x.shape[0], x.shape[1], x.shape[2] * x.shape[3])
        var result = uninitialized([images * area, channels])
        transpose(x, into: &result, matrices: images, rows: channels, columns: area)
        return result
    }

    /// The inverse of `channelsLast`, for images of the given sides.
    public func channelsFirst(_ x: Tensor, height: Int, width: Int) -> Tensor {
        let images = x.rows / (height * width)
        var result = uninitialized([images, x.columns, height, width])
        transpose(x, into: &result, matrices: images, rows: height * width, columns: x.columns)
        return result
    }

    private func transpose(_ x: Tensor, into result: inout Tensor, matrices: Int, rows: Int, columns: Int) {
        result.withMutablePointer { result in
            x.withPointer { x in
                forEachRange(of: matrices, cost: rows * columns) { range in
                    for matrix in range {
                        let (from, to) = (x + matrix * rows * columns, result + matrix * rows * columns)
                        for row in 0..<rows {
                            for column in 0..<columns { to[column * rows + row] = from[row * columns + column] }
                        }
                    }
                }
            }
        }
    }
}

/// Where the pixels of 3 × 3 squares lie: each row of a square is one run of neighbouring pixels.
private struct Squares: Sendable {
    /// A row of a square.
    struct Run {
        /// Its first element in the squares.
        let square: Int
        /// Elements before the image's left edge, or all of them above its upper edge.
        let zeros: Int
        /// Its first element in the pixels, after the zeros.
        let pixels: Int
        /// Elements in the image.
        let count: Int
    }

    let images: Int
    let channels: Int
    private let height: Int
    private let width: Int

    init(_ shape: [Int], height: Int, width: Int) {
        precondition(
            shape.count == 2 && height > 0 && width > 0 && height % 2 == 0 && width % 2 == 0
                && shape[0] % (height * width) == 0, "\(shape) is no images of \(height) × \(width) pixels")
        images = shape[0] / (height * width)
        channels = shape[1]
        self.height = height
        self.width = width
    }

    /// The number of squares of an image.
    var perImage: Int { height / 2 * (width / 2) }

    /// Calls `body` for each row of each square of an image. Sides are even, so that only the left and upper edges cut
    /// squares.
    func forEachRun(of image: Int, _ body: (Run) -> Void) {
        var square = image * perImage * 9 * channels
        for row in 0..<height / 2 {
            for column in 0..<width / 2 {
                for line in 2 * row - 1...2 * row + 1 {
                    let cut = line < 0 ? 3 : column == 0 ? 1 : 0
                    let first = (image * height + max(line, 0)) * width + max(2 * column - 1, 0)
                    body(
                        Run(
                            square: square, zeros: cut * channels, pixels: first * channels,
                            count: (3 - cut) * channels))
                    square += 3 * channels
                }
            }
        }
    }
}
