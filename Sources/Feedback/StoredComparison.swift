import Datasets

/// What rankings of the same candidates share, as the store's column `body` holds it.
struct StoredComparison: Codable {
    let picture: PictureReference?
    let question: String
    let questionIndex: Int?
    let form: FamilyQuestion.Form?
    let candidates: [PreferenceRecord.Candidate]
    let seed: UInt64

    init(_ record: PreferenceRecord) {
        picture = record.picture
        question = record.question
        questionIndex = record.questionIndex
        form = record.form
        candidates = record.candidates
        seed = record.seed
    }

    func record(id: String, tiers: [[Int]], labeler: PreferenceRecord.Labeler) -> PreferenceRecord {
        PreferenceRecord(
            id: id, picture: picture, question: question, questionIndex: questionIndex, form: form,
            candidates: candidates, tiers: tiers, labeler: labeler, seed: seed)
    }
}
