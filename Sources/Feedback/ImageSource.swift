public import Datasets
public import Foundation
import Images

/// Finds the images of preference records: draws generated images again, and reads the others.
public struct ImageSource: Sendable {
    private let generator: ImageGenerator
    private let easyVQA: URL
    private let kept: ImageFolder

    /// A source of generated images, of easy-VQA images in the folder `easyVQA`, and of images stored in a data folder.
    public init(easyVQA: URL, kept: ImageFolder, generator: ImageGenerator = ImageGenerator()) {
        self.easyVQA = easyVQA
        self.kept = kept
        self.generator = generator
    }

    /// The image's file.
    public func file(_ image: PreferenceImage) throws -> [UInt8] {
        switch image {
        case .generated(let family, let seed):
            ImageFile.encode(try generator.draw(.family(family), seed: seed).image)
        case .document(let family, let seed):
            ImageFile.encode(try generator.draw(.document(family), seed: seed).image)
        case .easyVQA(let number):
            [UInt8](try Data(contentsOf: easyVQA.appending(path: "train/images/\(number).png")))
        case .stored(let digest): [UInt8](try kept.file(sha256: digest))
        }
    }
}
