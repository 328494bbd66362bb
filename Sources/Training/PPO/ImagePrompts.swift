public import Datasets
public import Images

/// An image and the questions that the policy is asked about it.
public struct ImagePrompts: Sendable {
    /// Which image it is.
    public var reference: PreferenceImage
    /// Its pixels.
    public var image: RGBImage
    /// At least one.
    public var questions: [String]

    /// An image with questions.
    public init(reference: PreferenceImage, image: RGBImage, questions: [String]) {
        precondition(!questions.isEmpty, "a picture without questions")
        self.reference = reference
        self.image = image
        self.questions = questions
    }
}

/// Where the prompts of each iteration come from: a function of the iteration alone, so that a resumed run needs no
/// cursor.
public protocol PromptSource: Sendable {
    /// The images and questions of `iteration`, counted from 0; always as many images.
    func images(of iteration: Int) -> [ImagePrompts]
}
