public import Datasets
public import Images

/// An image and the questions to ask about it.
public struct ImagePrompts: Sendable {
    /// The reference to the image.
    public var reference: PreferenceImage
    /// Its pixels.
    public var image: RGBImage
    /// The questions, at least one.
    public var questions: [String]

    /// An image with questions.
    public init(reference: PreferenceImage, image: RGBImage, questions: [String]) {
        precondition(!questions.isEmpty, "a picture without questions")
        self.reference = reference
        self.image = image
        self.questions = questions
    }
}

/// A source of prompts. Prompts are a function of the iteration alone, so that a resumed run needs no cursor.
public protocol PromptSource: Sendable {
    /// The images and questions of `iteration`, counted from 0; the number of images is always the same.
    func images(of iteration: Int) -> [ImagePrompts]
}
