package import Images
package import Typography

/// A kind of generated document: text, paper, charts, screens, instruments, drawn as people show them. Raw values are
/// the names in files and reports.
///
/// These images have their natural size, 128 to 512 pixels wide, and are drawn with outline fonts. `Family` has the
/// older images of 64x64 pixels. To add a family, add a case here and a file next to the others.
public enum DocumentFamily: String, Codable, Sendable, CaseIterable {
    /// One word.
    case words
    /// One line of up to 40 characters.
    case lines
    /// Two to six lines.
    case paragraphs
    /// A number, date, price, time, code or address, alone or with its name.
    case values
    /// Words on coloured signs and tags.
    case labels
    /// Receipts with prices and a total.
    case receipts
    /// Tables with a header.
    case tables
    /// Forms and invoices: names with their values.
    case forms
    /// Bar charts.
    case bars
    /// Line charts.
    case graphs
    /// Pie charts.
    case pies
    /// Scatter charts.
    case scatters
    /// Windows with messages, buttons and boxes to tick.
    case dialogs
    /// Screens of programs and pages.
    case screens
    /// Clocks with hands.
    case clocks
    /// Dice.
    case dice
    /// Arrows.
    case arrows
    /// Flags of stripes and crosses.
    case flags
    /// Pictograms of things.
    case pictograms
    /// Coloured shapes, as in the older scenes, drawn by another renderer at any size.
    case shapes
    /// Textures, gradients and blurred text, of which the right answer says that it cannot tell.
    case unreadable
    /// Text that gives orders, which are read and not obeyed.
    case orders

    /// The document of `seed`, with up to eight questions in random order, at least three. The seed's split determines
    /// fonts, words, layouts and wordings.
    package func document(seed: UInt64, from studio: DocumentStudio) -> Document {
        let page = DocumentPage(self, seed: seed, studio: studio)
        return switch self {
        case .words: WordsDocument.make(page)
        case .lines: LinesDocument.make(page)
        case .paragraphs: ParagraphsDocument.make(page)
        case .values: ValuesDocument.make(page)
        case .labels: LabelsDocument.make(page)
        case .receipts: ReceiptsDocument.make(page)
        case .tables: TablesDocument.make(page)
        case .forms: FormsDocument.make(page)
        case .bars: BarsDocument.make(page)
        case .graphs: GraphsDocument.make(page)
        case .pies: PiesDocument.make(page)
        case .scatters: ScattersDocument.make(page)
        case .dialogs: DialogsDocument.make(page)
        case .screens: ScreensDocument.make(page)
        case .clocks: ClocksDocument.make(page)
        case .dice: DiceDocument.make(page)
        case .arrows: ArrowsDocument.make(page)
        case .flags: FlagsDocument.make(page)
        case .pictograms: PictogramsDocument.make(page)
        case .shapes: ShapesDocument.make(page)
        case .unreadable: UnreadableDocument.make(page)
        case .orders: OrdersDocument.make(page)
        }
    }

    /// The wordings of the family's kinds of question.
    package var wordings: [DocumentWording] {
        switch self {
        case .words: WordsDocument.wordings
        case .lines: LinesDocument.wordings
        case .paragraphs: ParagraphsDocument.wordings
        case .values: ValuesDocument.wordings
        case .labels: LabelsDocument.wordings
        case .receipts: ReceiptsDocument.wordings
        case .tables: TablesDocument.wordings
        case .forms: FormsDocument.wordings
        case .bars: BarsDocument.wordings
        case .graphs: GraphsDocument.wordings
        case .pies: PiesDocument.wordings
        case .scatters: ScattersDocument.wordings
        case .dialogs: DialogsDocument.wordings
        case .screens: ScreensDocument.wordings
        case .clocks: ClocksDocument.wordings
        case .dice: DiceDocument.wordings
        case .arrows: ArrowsDocument.wordings
        case .flags: FlagsDocument.wordings
        case .pictograms: PictogramsDocument.wordings
        case .shapes: ShapesDocument.wordings
        case .unreadable: UnreadableDocument.wordings
        case .orders: OrdersDocument.wordings
        }
    }
}

/// A generated image with everything that is known about it.
package struct Document: Sendable {
    /// The image at its natural size.
    package let image: RGBImage
    /// The characters that are drawn on it, in the order of drawing.
    package let characters: [PlacedCharacter]
    /// The objects on it, in the order of drawing.
    package let objects: [DocumentObject]
    /// The name of the layout, for reports.
    package let layout: String
    /// Whether only the test split shows this layout.
    package let isHeldOutLayout: Bool
    /// The questions, at least three.
    package let questions: [DocumentQuestion]
    /// The size of the median character, in pixels an em; nil if there is no text that can be read.
    package var textSize: Double?

    /// The coloured shapes among the objects as the judge and the labelers know them, in boxes scaled to scenes of
    /// 64x64 pixels.
    package var sceneObjects: [SceneObject] {
        objects.compactMap { object in
            guard let shape = SceneShape(rawValue: object.kind), let colour = object.colour.flatMap(SceneColour.init)
            else { return nil }
            return SceneObject(
                kind: .shape(shape), colour: colour, isLarge: nil,
                box: object.box.scaled(from: (image.width, image.height)))
        }
    }
}

/// One thing on a document, in terms that words can express.
package struct DocumentObject: Codable, Sendable, Equatable {
    /// An English noun: "button", "bar", "circle".
    package let kind: String
    /// The English word for its colour; nil if the colour is no property of it.
    package let colour: String?
    /// The text on it or its name; nil if it has none.
    package let text: String?
    /// The smallest box around it, in pixels.
    package let box: ShapeScene.Box
}

extension ShapeScene.Box {
    /// The box in an image whose sides are 64 pixels.
    fileprivate func scaled(from size: (width: Int, height: Int)) -> ShapeScene.Box {
        let side = ShapeScene.side
        return ShapeScene.Box(
            x: x * side / size.width, y: y * side / size.height, width: max(1, width * side / size.width),
            height: max(1, height * side / size.height))
    }
}

/// A question about a document, the demonstrated answer, and the condition for a right answer.
package struct DocumentQuestion: Codable, Sendable, Equatable {
    /// The family that the question comes from.
    package let family: DocumentFamily
    /// The text as a person would type it.
    package let text: String
    /// The demonstrated answer: right, and in the requested form.
    package let answer: String
    /// The requested form.
    package let form: FamilyQuestion.Form
    /// The condition for a right answer.
    package let truth: GroundTruth
    /// Whether the answer repeats text of the image. Its full stops then end no sentence.
    package let isReadOff: Bool
    /// Whether only the test split uses this wording.
    package let isHeldOutWording: Bool

    /// A question.
    package init(
        family: DocumentFamily, text: String, answer: String, form: FamilyQuestion.Form, truth: GroundTruth,
        isReadOff: Bool, isHeldOutWording: Bool
    ) {
        self.family = family
        self.text = text
        self.answer = answer
        self.form = form
        self.truth = truth
        self.isReadOff = isReadOff
        self.isHeldOutWording = isHeldOutWording
    }
}
