/// A kind of generated picture and of the questions asked about it; raw values are its names in files and reports.
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
    /// One handwritten or printed digit.
    case digits
    /// A printed number of two to four digits.
    case numbers
    /// Questions about things that are not there, or that no picture tells.
    case absence
    /// What the picture shows, in sentences.
    case descriptions
}
