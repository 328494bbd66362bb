import Datasets
package import Evaluation
import Foundation
import Images
package import Policies
import Support
package import Training

/// What a tuning run tells people: one HTML file without outside resources, with plots as SVG and images as data URLs.
package struct TuneReport {
    /// What was measured after a stage.
    package struct Measurement {
        let stage: TrainedStage
        let verdict: PolicyPromotion.Verdict
        let published: PolicyManifest.Reference?
        let reports: [OwnDataReport]

        /// The given measurement.
        ///
        /// - Parameters:
        ///   - stage: fine-tuning or DPO.
        ///   - verdict: what the rules say.
        ///   - published: the published generation; nil if a rule failed.
        ///   - reports: the answers to the held-out questions, under each control.
        package init(
            stage: TrainedStage, verdict: PolicyPromotion.Verdict, published: PolicyManifest.Reference?,
            reports: [OwnDataReport]
        ) {
            (self.stage, self.verdict, self.published, self.reports) = (stage, verdict, published, reports)
        }
    }

    private let name: String
    private let start: PolicyManifest.Reference
    private let plan: TunePlan
    private let rankings: Int
    private let own: PolicyMeasurement.OwnQuestions
    /// Plots of the training by step, SVGs.
    package var plots: [String] = []
    /// In the order of the stages.
    package var measurements: [Measurement] = []

    /// A report without measurements.
    package init(
        name: String, start: PolicyManifest.Reference, plan: TunePlan, rankings: Int,
        own: PolicyMeasurement.OwnQuestions
    ) {
        (self.name, self.start, self.plan, self.rankings, self.own) = (name, start, plan, rankings, own)
    }

    /// Right answers to the questions of one kind.
    package struct Kind: Equatable {
        /// The expected answer in words, or the question.
        package let name: String
        /// Right answers.
        package let right: Proportion
    }

    /// More kinds than these are no kinds.
    private static let maximumKinds = 30
    private static let shownExamples = 12

    /// Right answers by expected answer, or by question if nearly every answer is another one; none if both are.
    package func kinds(of report: OwnDataReport) -> [Kind] {
        guard report.answers.count == own.examples.count else { return [] }
        func counted(_ kind: (OwnExample) -> String) -> [Kind] {
            var counts: [String: (right: Int, total: Int)] = [:]
            for (example, answer) in zip(own.examples, report.answers) {
                let isRight = own.rule.accepts(answer, for: example.answer ?? "")
                let old = counts[kind(example), default: (0, 0)]
                counts[kind(example)] = (old.right + (isRight ? 1 : 0), old.total + 1)
            }
            return counts.sorted { $0.key < $1.key }.map { Kind(name: $0, right: Proportion($1.right, of: $1.total)) }
        }
        let candidates = [counted { Self.words($0.answer ?? "") }, counted(\.question)]
        return candidates.first { $0.count > 1 && $0.count <= Self.maximumKinds } ?? []
    }

    /// An answer in words: of a JSON object its values, with their names if there are several.
    private static func words(_ answer: String) -> String {
        guard let json = try? JSON.parse([UInt8](answer.utf8)), case .object(let members) = json else { return answer }
        func words(_ value: JSON) -> String { if case .string(let text) = value { text } else { value.text } }
        if members.count == 1 { return words(members[0].value) }
        return members.map { "\($0.name): \(words($0.value))" }.joined(separator: ", ")
    }

    // MARK: HTML

    /// The whole page.
    package func html() -> String {
        let sections = [headline, measurements.map(section).joined(), course, origin]
        return """
            <!doctype html>
            <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
            <meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
            <title>\(name.escapedAsMarkup): tuning report</title><style>\(Self.style)</style></head><body>
            \(sections.joined(separator: "\n"))
            </body></html>

            """
    }

    private static let style = """
        body{font:16px/1.5 sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem;color:#222;background:#fff}
        table{border-collapse:collapse;margin:1rem 0}td,th{padding:.25rem .75rem .25rem 0;text-align:left;
        border-bottom:1px solid #ddd;vertical-align:top}.pass{color:#1b6e20}.fail{color:#b3261e;font-weight:bold}
        .examples{display:grid;grid-template-columns:repeat(auto-fill,minmax(11rem,1fr));gap:1rem}
        .examples figure{margin:0;padding:.5rem;border:1px solid #ddd;border-radius:.5rem;overflow-wrap:anywhere}
        .examples img{width:96px;height:96px;object-fit:contain;image-rendering:auto;background:#fff}
        figcaption{font-size:.85rem}svg{max-width:100%;height:auto}
        """

    /// An example is held out if one of its images is.
    private var unseen: String {
        let isSingle = own.examples.allSatisfy { $0.images.count == 1 }
        return isSingle ? "Training never saw their images." : "Training never saw at least one image of each."
    }

    private var headline: String {
        guard let last = measurements.last, let report = last.reports.first(where: { $0.control == .none }) else {
            return "<h1>\(name.escapedAsMarkup)</h1><p>Nothing is measured yet.</p>"
        }
        let verdict =
            last.published.map {
                #"<p class="pass">It passed every rule and is published as \#($0.name.escapedAsMarkup), generation "#
                    + "\($0.generation).</p>"
            } ?? #"<p class="fail">A rule fails, so this policy is not published.</p>"#
        return """
            <h1>\(name.escapedAsMarkup)</h1>
            <p><b>\(report.right.count) of \(report.right.total) held-out questions are answered right
            (\(Self.percent(report.right.share))).</b> \(unseen) With 95 % confidence the share for images of
            this kind is between \(Self.percent(report.right.low)) and \(Self.percent(report.right.high)). A guess
            without the image would be right in \(Self.percent(report.questionOnly.share)).</p>
            \(verdict)
            """
    }

    private func section(_ measurement: Measurement) -> String {
        let rules = measurement.verdict.results.map { result in
            let verdict = result.passes ? #"<td class="pass">pass</td>"# : #"<td class="fail">fail</td>"#
            let found = result.found.map { String(format: "%.4f", $0) } ?? "not measured"
            return "<tr>\(verdict)<td>\(result.rule.metric.escapedAsMarkup)</td><td>\(found)</td>"
                + "<td>\(result.rule.expected.escapedAsMarkup)</td></tr>"
        }
        let faults = measurement.verdict.faults.map { #"<p class="fail">\#($0.escapedAsMarkup)</p>"# }
        let title = measurement.stage == .sft ? "After fine-tuning" : "After learning from rankings"
        return """
            <h2>\(title)</h2>
            \(faults.joined())<table><tr><th></th><th>metric</th><th>measured</th><th>rule</th></tr>
            \(rules.joined(separator: "\n"))</table>
            \(controls(measurement))\(byKind(measurement))\(examples(measurement))
            """
    }

    private func controls(_ measurement: Measurement) -> String {
        if measurement.reports.isEmpty { return "" }
        let bars = measurement.reports.map { Kind(name: Self.words($0.control), right: $0.right) }
        return """
            <h3>Does it look at the image?</h3>
            <p>With a blank or another image the answers must not be better than a guess.</p>
            \(Self.bars(bars))
            """
    }

    /// What a policy is shown under the control.
    private static func words(_ control: ImageControl) -> String {
        switch control {
        case .none: "its own image"
        case .blank: "a blank image"
        case .swapped: "another question's image"
        }
    }

    private func byKind(_ measurement: Measurement) -> String {
        guard let report = measurement.reports.first(where: { $0.control == .none }) else { return "" }
        let kinds = kinds(of: report)
        return kinds.isEmpty ? "" : "<h3>Right answers by kind</h3>\(Self.bars(kinds))"
    }

    /// Wrong answers first: they say most.
    private func examples(_ measurement: Measurement) -> String {
        guard let report = measurement.reports.first(where: { $0.control == .none }),
            report.answers.count == own.examples.count
        else { return "" }
        let judged = zip(own.examples, report.answers).map { example, answer in
            (example, answer, own.rule.accepts(answer, for: example.answer ?? ""))
        }
        let half = Self.shownExamples / 2
        let wrong = judged.filter { !$0.2 }.prefix(half)
        let shown = Array(wrong) + judged.filter(\.2).prefix(Self.shownExamples - wrong.count)
        return """
            <h3>Examples</h3>
            <div class="examples">\(shown.map(figure).joined(separator: "\n"))</div>
            """
    }

    private func figure(_ example: OwnExample, _ answer: String, _ isRight: Bool) -> String {
        let images = example.images.prefix(2).compactMap { image -> String? in
            guard let bytes = try? image.bytes() else { return nil }
            let type = image.format.rawValue
            return #"<img alt="" src="data:image/\#(type);base64,\#(Data(bytes).base64EncodedString())">"#
        }
        let expected = isRight ? "" : "<br>expected: \((example.answer ?? "").escapedAsMarkup)"
        return """
            <figure>\(images.joined())<figcaption>\(example.question.escapedAsMarkup)<br>
            <span class="\(isRight ? "pass" : "fail")">\(answer.escapedAsMarkup)</span>\(expected)</figcaption></figure>
            """
    }

    private var course: String {
        plots.isEmpty ? "" : "<h2>The course of the training</h2>\(plots.joined(separator: "\n"))"
    }

    private var origin: String {
        let stages = plan.stages(name: name, rankings: rankings).map { "<li>\($0.escapedAsMarkup)</li>" }
        return """
            <h2>How it was made</h2>
            <p>It started from \(start.name.escapedAsMarkup), generation \(start.generation). The plan was:</p>
            <ol>\(stages.joined())</ol>
            """
    }

    // MARK: Parts

    private static let barHeight = 24

    /// A horizontal bar for each kind, with its interval.
    private static func bars(_ kinds: [Kind]) -> String {
        let height = barHeight * kinds.count + 8
        func x(_ share: Double) -> String { String(format: "%.1f", 260 + 340 * share) }
        let rows = kinds.enumerated().map { index, kind in
            let y = barHeight * index + 4
            let (top, middle) = (y + 3, y + 12)
            let name = kind.name.count > 36 ? kind.name.prefix(35) + "…" : kind.name
            return """
                <text x="250" y="\(y + 16)" text-anchor="end">\(name.escapedAsMarkup)</text>
                <rect x="260" y="\(top)" width="340" height="18" fill="#eee"/>
                <rect x="260" y="\(top)" width="\(String(format: "%.1f", 340 * kind.right.share))" height="18" fill="#0b6e99"/>
                <line x1="\(x(kind.right.low))" x2="\(x(kind.right.high))" y1="\(middle)" y2="\(middle)" stroke="#222"/>
                <text x="608" y="\(y + 16)">\(kind.right.count) of \(kind.right.total)</text>
                """
        }
        return """
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 \(height)" font-family="sans-serif" font-size="13">
            \(rows.joined(separator: "\n"))
            </svg>
            """
    }

    private static func percent(_ share: Double) -> String { String(format: "%.0f %%", 100 * share) }
}
