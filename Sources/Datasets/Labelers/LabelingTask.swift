import Images

/// What a simulated labeler is told of a prompt: the question, what is right, and what the image shows.
public struct LabelingTask: Sendable {
    /// Something that the image shows, as far as labelers look.
    public struct Thing: Sendable, Equatable {
        /// What it is.
        public let kind: SceneObject.Kind
        /// Its colour.
        public let colour: SceneColour
        /// Whether it is a large or a small one; nil if neither can be said.
        public let isLarge: Bool?
        /// Where its middle is, from 0 to 1 to the right and down; nil if that is not known.
        public let centre: Centre?

        /// A place in an image.
        public struct Centre: Sendable, Equatable {
            let x: Double
            let y: Double

            /// From 0 to 1 to the right and down.
            public init(x: Double, y: Double) {
                self.x = x
                self.y = y
            }
        }

        /// A thing.
        public init(kind: SceneObject.Kind, colour: SceneColour, isLarge: Bool? = nil, centre: Centre? = nil) {
            self.kind = kind
            self.colour = colour
            self.isLarge = isLarge
            self.centre = centre
        }

        init(_ object: SceneObject, in scene: Scene) {
            let (box, image) = (object.box, scene.image)
            self.init(
                kind: object.kind, colour: object.colour, isLarge: object.isLarge,
                centre: Centre(
                    x: (Double(box.x) + Double(box.width) / 2) / Double(image.width),
                    y: (Double(box.y) + Double(box.height) / 2) / Double(image.height)))
        }
    }

    /// The image; part of what seeds a labeler's noise.
    public let image: PreferenceImage
    /// The question as asked.
    public let question: String
    /// The asked form.
    public let form: FamilyQuestion.Form
    /// What makes an answer right.
    public let truth: GroundTruth
    /// Everything that the image shows; nil if that is not known.
    public let things: [Thing]?

    /// A question about a generated image.
    public init(_ question: FamilyQuestion, about scene: Scene, at image: PreferenceImage) {
        self.init(question, things: scene.objects.map { Thing($0, in: scene) }, at: image)
    }

    /// A question about an image of which only the things are known.
    package init(_ question: FamilyQuestion, things: [Thing], at image: PreferenceImage) {
        self.image = image
        self.question = question.text
        self.form = question.form
        self.truth = question.truth
        self.things = things
    }

    /// A question of easy-VQA's training split; `facts` are what all of its questions reveal about the image.
    public init(_ question: EasyVQAQuestion, facts: ImageFacts) {
        image = .easyVQA(number: question.image)
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
