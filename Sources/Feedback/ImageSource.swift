public import Datasets
public import Foundation
import Images

/// Finds the images of preference records: draws generated images again, and reads the others.
public struct ImageSource: Sendable {
    private let draw: @Sendable (Family, UInt64) -> FamilyImage
    private let easyVQA: URL
    private let kept: ImageFolder

    /// A source of generated images, which `draw` draws from their seeds, of easy-VQA images in the folder `easyVQA`,
    /// and of images stored in a data folder.
    public init(
        easyVQA: URL, kept: ImageFolder, draw: @escaping @Sendable (Family, UInt64) -> FamilyImage
    ) {
        self.easyVQA = easyVQA
        self.kept = kept
        self.draw = draw
    }

    /// The image's file.
    public func file(_ image: PreferenceImage) throws -> [UInt8] {
        switch image {
        case .generated(let family, let seed): ImageFile.encode(draw(family, seed).scene.image)
        case .easyVQA(let number):
            [UInt8](try Data(contentsOf: easyVQA.appending(path: "train/images/\(number).png")))
        case .stored(let digest): [UInt8](try kept.file(sha256: digest))
        }
    }
}
