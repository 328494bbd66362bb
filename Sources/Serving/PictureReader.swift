import Engine
import Images
import Models
import WireFormats

/// Decodes a request's pictures: all headers first, so that a picture over a limit costs nothing.
struct PictureReader: Sendable {
    let limits: ImageLimits

    /// The pictures in order.
    func pictures(_ references: [ImageReference]) throws(APIError) -> [InputProcessor.Picture] {
        var encoded: [[UInt8]] = []
        for reference in references {
            let bytes = try reference.bytes(limit: limits.maximumBytes)
            do {
                _ = try ImageFile.header(of: bytes, limits: limits)
            } catch {
                throw APIError(error, of: reference)
            }
            encoded.append(bytes)
        }
        var pictures: [InputProcessor.Picture] = []
        for (reference, bytes) in zip(references, encoded) {
            do {
                let image = try ImageFile.decode(bytes, limits: limits)
                pictures.append(InputProcessor.Picture(image: image, detail: reference.detail.viewDetail))
            } catch {
                throw APIError(error, of: reference)
            }
        }
        return pictures
    }
}

extension ImageReference.Detail {
    fileprivate var viewDetail: ImageProcessor.Detail {
        switch self {
        case .low: .low
        case .high: .high
        case .auto: .auto
        }
    }
}
