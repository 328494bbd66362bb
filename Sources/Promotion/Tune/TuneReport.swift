import Datasets
package import Evaluation
import Foundation
import Images
package import Policies

/// What a tuning run tells people: one HTML file without outside resources, with plots as SVG and images as data URLs.
package struct TuneReport {
    /// A stage that was measured.
    package struct Stage {
        let name: String
        let verdict: PolicyPromotion.Verdict
        let published: PolicyManifest.Reference?
        let reports: [OwnDataReport]

        /// A measured stage.
        ///
        /// - Parameters:
        ///   - name: `sft` or `dpo`.
        ///   - verdict: what the rules say.
        ///   - published: the published generation; nil if a rule failed.
        ///   - reports: the answers to the held-out questions, under each control.
        package init(
            name: String, verdict: PolicyPromotion.Verdict, published: PolicyManifest.Reference?,
            reports: [OwnDataReport]
        ) {
            (self.name, self.verdict, self.published, self.reports) = (name, verdict, published, reports)
        }
    }

    private let name: String
    private let start: PolicyManifest.Reference
    private let plan: TunePlan
    private let own: PolicyMeasurement.OwnQuestions
    /// The plot of losses and accuracies by step, an SVG; nil if there is none.
    package var rates: String?
    /// In the order in which they were measured.
    package var stages: [Stage] = []

    /// A report without stages.
    package init(
        name: String, start: PolicyManifest.Reference, plan: TunePlan, own: PolicyMeasurement.OwnQuestions
    ) {
        (self.name, self.start, self.plan, self.own) = (name, start, plan, own)
    }

    /// Right answers to the questions of one kind.
    package struct Kind: Equatable {
        /// The expected answer, or the question.
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
        let candidates = [counted { $0.answer ?? "" }, counted(\.question)]
        return candidates.first { $0.count > 1 && $0.count <= Self.maximumKinds } ?? []
    }

    // MARK: HTML

    /// The whole page.
    package func html() -> String {
        let sections = [headline, stages.map(section).joined(), course, origin]
        return """
            <!doctype html>
            <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
            <meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
            <title>\(Self.escaped(name)): tuning report</title><style>\(Self.style)</style></head><body>
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

    private var headline: String {
        guard let last = stages.last, let report = last.reports.first(where: { $0.control == .none }) else {
            return "<h1>\(Self.escaped(name))</h1><p>Nothing is measured yet.</p>"
        }
        let verdict =
            last.published.map {
                #"<p class="pass">It passed every rule and is published as \#(Self.escaped($0.name)), generation "#
                    + "\($0.generation).</p>"
            } ?? #"<p class="fail">A rule fails, so this policy is not published.</p>"#
        return """
            <h1>\(Self.escaped(name))</h1>
            <p><b>\(report.right.count) of \(report.right.total) held-out questions are answered right
            (\(Self.percent(report.right.share))).</b> Training never saw their images. With 95 % confidence the share for images of
            this kind is between \(Self.percent(report.right.low)) and \(Self.percent(report.right.high)). A guess
            without the image would be right in \(Self.percent(report.questionOnly.share)).</p>
            \(verdict)
            """
    }

    private func section(_ stage: Stage) -> String {
        let rules = stage.verdict.results.map { result in
            let verdict = result.passes ? #"<td class="pass">pass</td>"# : #"<td class="fail">fail</td>"#
            let found = result.found.map { String(format: "%.4f", $0) } ?? "not measured"
            return "<tr>\(verdict)<td>\(Self.escaped(result.rule.metric))</td><td>\(found)</td>"
                + "<td>\(Self.escaped(result.rule.expected))</td></tr>"
        }
        let faults = stage.verdict.faults.map { #"<p class="fail">\#(Self.escaped($0))</p>"# }
        let title = stage.name == "sft" ? "After fine-tuning" : "After learning from rankings"
        return """
            <h2>\(title)</h2>
            \(faults.joined())<table><tr><th></th><th>metric</th><th>measured</th><th>rule</th></tr>
            \(rules.joined(separator: "\n"))</table>
            \(controls(stage))\(byKind(stage))\(examples(stage))
            """
    }

    private func controls(_ stage: Stage) -> String {
        if stage.reports.isEmpty { return "" }
        let words = ["none": "its own image", "blank": "a blank image", "swapped": "another question's image"]
        let bars = stage.reports.map { Kind(name: words[$0.control.rawValue] ?? "", right: $0.right) }
        return """
            <h3>Does it look at the image?</h3>
            <p>With a blank or another image the answers must not be better than a guess.</p>
            \(Self.bars(bars))
            """
    }

    private func byKind(_ stage: Stage) -> String {
        guard let report = stage.reports.first(where: { $0.control == .none }) else { return "" }
        let kinds = kinds(of: report)
        return kinds.isEmpty ? "" : "<h3>Right answers by kind</h3>\(Self.bars(kinds))"
    }

    /// Wrong answers first: they say most.
    private func examples(_ stage: Stage) -> String {
        guard let report = stage.reports.first(where: { $0.control == .none }),
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
        let expected = isRight ? "" : "<br>expected: \(Self.escaped(example.answer ?? ""))"
        return """
            <figure>\(images.joined())<figcaption>\(Self.escaped(example.question))<br>
            <span class="\(isRight ? "pass" : "fail")">\(Self.escaped(answer))</span>\(expected)</figcaption></figure>
            """
    }

    private var course: String { rates.map { "<h2>The course of the training</h2>\($0)" } ?? "" }

    private var origin: String {
        let lines = plan.lines(name: name).map { "<li>\(Self.escaped($0))</li>" }
        return """
            <h2>How it was made</h2>
            <p>It started from \(Self.escaped(start.name)), generation \(start.generation). The plan was:</p>
            <ul>\(lines.joined())</ul>
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
                <text x="250" y="\(y + 16)" text-anchor="end">\(escaped(name))</text>
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

    /// The text as HTML or SVG shows it: answers and file contents must not become markup.
    private static func escaped(_ text: some StringProtocol) -> String {
        var escaped = ""
        for character in text {
            switch character {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            default: escaped.append(character)
            }
        }
        return escaped
    }
}
