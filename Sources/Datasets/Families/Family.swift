/// A kind of generated image with its questions. Raw values are the names in files and reports.
///
/// To add a family, add a case here and a file next to the others.
public enum Family: String, Codable, Sendable, CaseIterable {
    /// The number of objects, or of objects of a kind: 0 to 9.
    case counts
    /// The position of an object, alone or relative to another one.
    case positions
    /// An object's colour, shape or size.
    case attributes
    /// Which object is larger, which kind has more objects, whether two objects are alike.
    case comparisons
    /// One printed digit.
    case digits
    /// A printed number of two or three digits.
    case numbers
    /// Questions about objects that the image does not show, or that no image answers.
    case absence
    /// What the image shows, in sentences.
    case descriptions
    /// Descriptions of four to six objects.
    case crowds
    /// Whether a caption of four to six objects is true.
    case captions

    /// The image of `seed`, with up to eight questions in random order; an image with any object has at least four. The
    /// seed's split determines what the image may show.
    public func image(seed: UInt64) -> FamilyImage {
        switch self {
        case .counts: CountsFamily.image(seed: seed)
        case .positions: PositionsFamily.image(seed: seed)
        case .attributes: AttributesFamily.image(seed: seed)
        case .comparisons: ComparisonsFamily.image(seed: seed)
        case .digits: DigitsFamily.image(seed: seed)
        case .numbers: NumbersFamily.image(seed: seed)
        case .absence: AbsenceFamily.image(seed: seed)
        case .descriptions: DescriptionsFamily.image(seed: seed)
        case .crowds: CrowdsFamily.image(seed: seed)
        case .captions: CaptionsFamily.image(seed: seed)
        }
    }

    /// The wordings of the family's kinds of question.
    package var wordings: [Wording] {
        switch self {
        case .counts: CountsFamily.wordings
        case .positions: PositionsFamily.wordings
        case .attributes: AttributesFamily.wordings
        case .comparisons: ComparisonsFamily.wordings
        case .digits: DigitsFamily.wordings
        case .numbers: NumbersFamily.wordings
        case .absence: AbsenceFamily.wordings
        case .descriptions: DescriptionsFamily.wordings
        case .crowds: CrowdsFamily.wordings
        case .captions: CaptionsFamily.wordings
        }
    }
}
