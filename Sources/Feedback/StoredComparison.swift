import Datasets

/// The data that rankings of the same candidates share, in the form of the store's column `body`.
struct StoredComparison: Codable {
    let image: PreferenceImage?
    let question: String
    let questionIndex: Int?
    let form: FamilyQuestion.Form?
    let completions: [PreferenceRecord.RankedCompletion]
    let seed: UInt64

    init(_ record: PreferenceRecord) {
        image = record.image
        question = record.question
        questionIndex = record.questionIndex
        form = record.form
        completions = record.completions
        seed = record.seed
    }

    func record(id: String, tiers: [[Int]], labeler: PreferenceRecord.Labeler) -> PreferenceRecord {
        PreferenceRecord(
            id: id, image: image, question: question, questionIndex: questionIndex, form: form,
            completions: completions, tiers: tiers, labeler: labeler, seed: seed)
    }

    private enum CodingKeys: String, CodingKey {
        case question, questionIndex, form, seed
        case image = "picture"
        case completions = "candidates"
    }
}
