package import Datasets

/// Puts questions about freshly drawn documents to a running server; the gold judge scores the answers.
///
/// Answers are greedy. The test split has fonts, words, layouts and wordings that training never sees; the validation
/// split has held-out words alone. `FamiliesEvaluation` has the same controls.
package struct DocumentsEvaluation: Sendable {
    /// What is drawn, and how it is asked.
    package struct Settings: Sendable {
        /// The policy that is asked; nil for the server's default.
        package var model: String?
        /// Questions of each family, each about its own document; up to 5,000.
        package var count = 200
        /// The families that are asked about.
        package var families = DocumentFamily.allCases
        /// The kinds of truth that questions may have.
        package var kinds = TruthKind.allCases
        /// The split that decides fonts, layouts and wordings.
        package var split = SeedSplit.test
        /// Decides which documents of the split are drawn, and how they are swapped.
        package var seed: UInt64 = 0
        /// Questions that are open at the same time.
        package var concurrency = 16

        /// All families to the default policy.
        package init() {}

        /// The questions with their documents.
        package func samples(from studio: DocumentStudio) -> [DocumentSample] {
            families.flatMap { family in
                DocumentSample.draw(family, count: count, split: split, draw: seed, from: studio) {
                    kinds.contains(TruthKind(of: $0.truth))
                }
            }
        }

        /// The questions of the training split from which the question-only level is computed.
        package func trainingQuestions(from studio: DocumentStudio) -> [DocumentQuestion] {
            families.flatMap { family in
                (0..<Self.baselineDocuments).flatMap {
                    family.document(seed: SeedSplit.training.seed(at: $0), from: studio).questions
                }
            }
        }

        /// Training documents per family for the question-only level.
        private static let baselineDocuments: UInt64 = 500
    }

    private let evaluation: GeneratedEvaluation<DocumentSample>
    private let split: SeedSplit

    /// An evaluation of drawn samples.
    ///
    /// - Parameters:
    ///   - training: the questions from which the question-only level is computed.
    ///   - server: its address, as `http://127.0.0.1:8080`.
    ///   - wait: sleeps while the server is busy.
    /// - Throws: `EvaluationError.badAddress`.
    package init(
        samples: [DocumentSample], training: [DocumentQuestion], client: any ReplyClient, server: String,
        settings: Settings,
        wait: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
    ) throws(EvaluationError) {
        precondition(settings.concurrency > 0)
        evaluation = GeneratedEvaluation(
            ask: try AskClient(client: client, server: server, model: settings.model, wait: wait), samples: samples,
            questionOnly: Dictionary(grouping: training, by: \.family.rawValue)
                .mapValues { QuestionOnlyBaseline($0) },
            seed: settings.seed, concurrency: settings.concurrency)
        split = settings.split
    }

    /// Asks every question once and reports the verdicts and scores.
    ///
    /// - Parameter progress: receives the number of answers so far and their total.
    /// - Throws: `EvaluationError` or the client's error; there is no partial report.
    package func run(
        _ control: ImageControl, progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
    ) async throws -> DocumentsReport {
        DocumentsReport(try await evaluation.run(control, progress: progress), split: split)
    }
}
