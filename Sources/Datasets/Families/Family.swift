/// A kind of generated image and of the questions asked about it; raw values are its names in files and reports.
///
/// A new family is a case here and a file beside the others.
public enum Family: String, Codable, Sendable, CaseIterable {
    /// How many things, or things of a kind, there are: 0 to 9.
    case counts
    /// Where a thing is, alone or beside another one.
    case positions
    /// A thing's colour, form or size.
    case attributes
    /// Which is larger, which are more, whether two are alike.
    case comparisons
    /// One printed digit.
    case digits
    /// A printed number of two or three digits.
    case numbers
    /// Questions about things that are not there, or that no image tells.
    case absence
    /// What the image shows, in sentences.
    case descriptions
    /// The same of four to six things.
    case crowds
    /// Whether captions of as many things are true.
    case captions

    /// The image of `seed`, with up to eight questions in random order, at least four where it shows anything. The
    /// seed's split decides what may be shown.
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

    /// The wordings of its kinds of question.
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
