/// What a simulated labeler is told of a prompt: the question, what is right, and what the picture shows.
public struct LabelingTask: Sendable {
    /// Something that the picture shows, as far as labelers look.
    public struct Thing: Sendable, Equatable {
        /// What it is.
        public let kind: SceneObject.Kind
        /// Its colour.
        public let colour: SceneColour

        /// A thing.
        public init(kind: SceneObject.Kind, colour: SceneColour) {
            self.kind = kind
            self.colour = colour
        }
    }

    /// The picture; part of what seeds a labeler's noise.
    public let picture: PictureReference
    /// The question as asked.
    public let question: String
    /// The asked form.
    public let form: FamilyQuestion.Form
    /// What makes an answer right.
    public let truth: GroundTruth
    /// Everything that the picture shows; nil if that is not known.
    public let things: [Thing]?

    /// A question about a generated picture.
    public init(_ question: FamilyQuestion, about scene: Scene, at picture: PictureReference) {
        self.init(
            question, things: scene.objects.map { Thing(kind: $0.kind, colour: $0.colour) }, at: picture)
    }

    /// A question about a picture of which only the things are known.
    package init(_ question: FamilyQuestion, things: [Thing], at picture: PictureReference) {
        self.picture = picture
        self.question = question.text
        self.form = question.form
        self.truth = question.truth
        self.things = things
    }

    /// A question of easy-VQA's training split; `facts` are what all of its questions reveal about the picture.
    public init(_ question: EasyVQAQuestion, facts: PictureFacts) {
        picture = .easyVQA(number: question.picture)
        self.question = question.text
        form = .short
        let word = question.answer.rawValue
        switch question.answer {
        case .yes: truth = .yesNo(true)
        case .no: truth = .yesNo(false)
        case .circle, .rectangle, .triangle:
            truth = .words(right: [word], wrong: Shape.allCases.map(\.rawValue).filter { $0 != word })
        case .green, .red, .gray, .teal, .black, .yellow, .brown, .blue:
            truth = .words(right: [word], wrong: Colour.allCases.map(\.rawValue).filter { $0 != word })
        }
        let shape = facts.shape.flatMap { SceneShape(rawValue: $0.rawValue) }
        let colour = facts.colour.flatMap { SceneColour(rawValue: $0.rawValue) }
        things = shape.flatMap { shape in colour.map { [Thing(kind: .shape(shape), colour: $0)] } }
    }
}
