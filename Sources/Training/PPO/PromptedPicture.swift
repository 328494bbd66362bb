public import Datasets
public import Images

/// A picture and the questions that the policy is asked about it.
public struct PromptedPicture: Sendable {
    /// Which picture it is.
    public var reference: PictureReference
    /// Its pixels.
    public var image: RGBImage
    /// At least one.
    public var questions: [String]

    /// A picture with questions.
    public init(reference: PictureReference, image: RGBImage, questions: [String]) {
        precondition(!questions.isEmpty, "a picture without questions")
        self.reference = reference
        self.image = image
        self.questions = questions
    }
}

/// Where the prompts of each iteration come from: a function of the iteration alone, so that a resumed run needs no cursor.
public protocol PromptSource: Sendable {
    /// The pictures and questions of `iteration`, counted from 0; always as many pictures.
    func pictures(of iteration: Int) -> [PromptedPicture]
}
