public import Datasets
public import Foundation
import Images

/// Finds the pictures that preference records speak of: draws them again, or reads them.
public struct PictureSource: Sendable {
    private let draw: @Sendable (Family, UInt64) -> FamilyPicture
    private let easyVQA: URL
    private let kept: PictureFolder

    /// A source of generated pictures, which `draw` draws from their seeds, of easy-VQA's in the folder `easyVQA`, and
    /// of those that a data folder keeps.
    public init(
        easyVQA: URL, kept: PictureFolder, draw: @escaping @Sendable (Family, UInt64) -> FamilyPicture
    ) {
        self.easyVQA = easyVQA
        self.kept = kept
        self.draw = draw
    }

    /// The picture's file.
    public func file(_ picture: PictureReference) throws -> [UInt8] {
        switch picture {
        case .generated(let family, let seed): ImageFile.encode(draw(family, seed).scene.image)
        case .easyVQA(let number):
            [UInt8](try Data(contentsOf: easyVQA.appending(path: "train/images/\(number).png")))
        case .stored(let digest): [UInt8](try kept.file(sha256: digest))
        }
    }
}
