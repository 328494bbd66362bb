import Datasets
import Engine
import Feedback
import Foundation
import HummingbirdTesting
import Policies
import Serving
import Support
import Synchronization
import TestSupport
import Testing

/// The web page in a browser, before the real routes with a scripted engine.
@Suite(.enabled(if: Browser.executable != nil, "Chromium is not installed"), .serialized)
struct PageTests {
    private static let page = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../../Public").path

    private let policies: ScriptedPolicies

    init() throws {
        policies = ScriptedPolicies(vision: try .tiny())
    }

    /// Runs `body` with a page that has loaded its policies, and with the folder that keeps feedback. Afterwards
    /// nothing may be wrong with the page.
    private func withPage(
        _ engine: any InferenceEngine, keepsFeedback: Bool = false,
        _ body: @Sendable (Browser, FeedbackFolder?) async throws -> Void
    ) async throws {
        try await withTemporaryFolder { folder in
            let feedback = keepsFeedback ? try FeedbackFolder(path: folder.path + "/data") : nil
            try await withServer(
                engine, policies: policies, feedback: feedback, configure: { $0.publicFolder = Self.page }
            ) { client in
                let address = "http://127.0.0.1:\(try #require(client.port))/"
                try await Browser.run(in: folder) { browser in
                    try await browser.look(width: 1_200, height: 800)
                    try await browser.open(address)
                    try await browser.wait(until: "document.querySelector('#model').options.length > 0")
                    try await body(browser, feedback)
                    #expect(await browser.problems == [])
                    let foreign = await browser.requests.filter {
                        !$0.hasPrefix(address) && !$0.hasPrefix("blob:") && !$0.hasPrefix("data:")
                            && $0 != "about:blank"
                    }
                    #expect(foreign == [])
                }
            }
        }
    }

    /// Checks contrast, names and widths as the page is now, in three sizes, light and dark.
    private func audit(_ browser: Browser, _ state: String) async throws {
        for (width, height) in [(360, 740), (820, 1_180), (1_440, 900)] {
            for isDark in [false, true] {
                try await browser.look(width: width, height: height, isDark: isDark)
                let contrast = try await browser.evaluate(PageAudit.contrast)
                #expect(contrast.member("wrong") == [], "\(state), \(width) wide, \(isDark ? "dark" : "light")")
                #expect(contrast.member("count")?.integerValue ?? 0 > 5)
                #expect(try await browser.evaluate(PageAudit.fits) == true, "\(state), \(width) wide")
            }
        }
        try await browser.look(width: 1_200, height: 800)
        #expect(try await browser.unnamedControls() == [], "\(state)")
    }

    @Test(.timeLimit(.minutes(3))) func asksAboutAnImageAndShowsTheAnswer() async throws {
        let engine = ScriptedEngine(ScriptedEngine.saying(["A **red** ", "circle ", "<b>here</b>."]))
        try await withPage(engine) { browser, _ in
            try await audit(browser, "the start")
            try await browser.click("#use-sample")
            try await browser.wait(until: "document.querySelectorAll('#attached img').length === 1")
            try await browser.click("#question")
            try await browser.type("What is this?")
            try await browser.press("Enter")
            let text = try await browser.wait(
                until: "document.querySelector('.answer .actions') && document.querySelector('.answer .text').innerHTML"
            )
            #expect(text == "<p>A <strong>red</strong> circle &lt;b&gt;here&lt;/b&gt;.</p>")
            let meta = try await browser.evaluate("document.querySelector('.answer .meta').textContent").textValue
            #expect(meta?.hasPrefix("sft 3 · first token after ") == true && meta?.contains("4 tokens") == true)
            try await audit(browser, "an answer")

            // A second version, and back.
            try await browser.click(".answer [data-action=again]")
            try await browser.wait(until: "document.querySelector('.answer .version')?.textContent === '2/2'")
            try await browser.click(".answer [data-action=previous]")
            try await browser.wait(until: "document.querySelector('.answer .version')?.textContent === '1/2'")

            try await browser.click(".picture")
            let seen = try await browser.wait(until: "document.querySelector('#lens-words').textContent")
            #expect(seen == "480 × 290 pixels, scaled to one tile of 16 × 16: 4 tokens.")
            try await audit(browser, "the image as the model saw it")
            try await browser.press("Escape")
            for button in ["#settings-open", "#about-policy"] {
                try await browser.click(button)
                try await audit(browser, button)
                try await browser.press("Escape")
            }

            // The browser keeps the conversation.
            try await browser.reload()
            try await browser.wait(until: "document.querySelector('.answer .version')?.textContent === '1/2'")
            try await browser.wait(until: "document.querySelector('.picture img').src !== ''")
        }
        let asked = engine.requests.filter { $0.scoredAnswers == nil }
        #expect(asked.map { $0.images.count } == [1, 1])
        #expect(asked.first?.sampling.seed != asked.last?.sampling.seed)
    }

    /// A question about an image, a thumb, and four answers put in order by keys: all of it is in the store.
    @Test(.timeLimit(.minutes(3))) func rankingsAndThumbsReachTheStore() async throws {
        let count = Mutex(0)
        let engine = ScriptedEngine { request, events in
            let number = count.withLock { number in
                defer { number += 1 }
                return number
            }
            ScriptedEngine.saying(["answer ", "\(number)"])(request, events)
        }
        try await withPage(engine, keepsFeedback: true) { browser, folder in
            let store = try #require(folder).store
            try await browser.click("[data-question=image]")
            try await browser.wait(until: "document.querySelector('.answer [data-action=up]') !== null")
            try await browser.click(".answer [data-action=up]")
            try await browser.wait(until: "document.querySelector('#person').open")
            try await audit(browser, "who ranks")
            try await browser.click("#person-name")
            try await browser.type("tester")
            try await browser.click("#person-consent")
            try await browser.click("#person-form [type=submit]")
            try await browser.wait(
                until: "document.querySelector('[data-action=up]')?.getAttribute('aria-pressed') === 'true'")
            let thumb = try #require(try store.thumbs().first)
            #expect(thumb.labeler == "tester" && thumb.thumb.answer == "answer 0" && thumb.thumb.isUp)

            try await browser.click("[data-action=compare]")
            try await browser.wait(until: "document.querySelectorAll('.card').length === 4")
            try await audit(browser, "four answers")
            for key in ["3", "1", "2", "w", "4", "="] { try await browser.press(key) }
            try await audit(browser, "an order")
            try await browser.press("Enter")
            try await browser.wait(until: "document.querySelectorAll('.origin').length === 4")
            let ranking = try #require(try store.judgements(by: .human).first)
            #expect(ranking.tiers == [[2], [0], [1, 3]] && ranking.labeler.id == "tester")
            #expect(ranking.details.flags == ["1": [.wrong]] && ranking.details.consent == true)
            #expect(Set(ranking.completions.map(\.text)) == Set((1...4).map { "answer \($0)" }))
            let shown = try await browser.evaluate("document.querySelector('.card .text').textContent")
            #expect(shown == .string(ranking.completions[2].text))
            #expect(try await browser.evaluate("document.querySelector('.origin').textContent") != "")
            try await audit(browser, "what was ranked")

            // Taken back, and once more; a reload in between loses nothing.
            try await browser.press("z")
            try await browser.wait(until: "document.querySelector('#rank-submit') !== null")
            #expect(try store.judgements(by: .human).isEmpty)
            try await browser.reload()
            try await browser.wait(until: "document.querySelector('#rank-submit') !== null")
            try await browser.click("#rank-submit")
            try await browser.wait(until: "document.querySelectorAll('.origin').length === 4")
            #expect(try store.judgements(by: .human).map(\.tiers) == [[[2], [0], [1, 3]]])
        }
        #expect(engine.requests.map { $0.images.count } == [1, 1, 1, 1, 1])
    }

    @Test(.timeLimit(.minutes(1))) func everythingIsReachedByKeyboard() async throws {
        try await withPage(ScriptedEngine(ScriptedEngine.saying(["x"]))) { browser, _ in
            var reached: [String] = []
            for _ in 0..<60 {
                try await browser.press("Tab")
                let focus = try await browser.evaluate(PageAudit.focus)
                guard let name = focus.member("name")?.textValue else { break }
                #expect(focus.member("isMarked") == true, "\(name)")
                if reached.contains(name), reached.first == name { break }
                reached.append(name)
            }
            for name in ["tab-conversation", "settings-open", "new-conversation", "use-sample", "question", "file"] {
                #expect(reached.contains(name), "\(name) among \(reached)")
            }
            #expect(reached.suffix(4) == ["file", "model", "about-policy", "send"], "\(reached)")
        }
    }

    @Test(.timeLimit(.minutes(1))) func markdownStaysText() async throws {
        try await withPage(ScriptedEngine(ScriptedEngine.saying(["x"]))) { browser, _ in
            let made = try await browser.evaluate(PageAudit.markdown)
            let safe = [
                "a", "blockquote", "button", "code", "div", "em", "hr", "li", "p", "path", "pre", "span", "strong",
                "svg",
                "table", "tbody", "td", "th", "thead", "tr", "ul",
            ]
            let tags = made.member("tags")?.items.compactMap(\.textValue) ?? []
            #expect(!tags.isEmpty && Set(tags).isSubset(of: safe), "\(tags)")
            #expect(
                made.member("links") == [
                    "noopener noreferrer nofollow https://example.com/ https://example.com/",
                    "noopener noreferrer nofollow https://example.com/b https://example.com/b",
                ])
            #expect(made.member("text") == true)
            #expect(try await browser.evaluate(PageAudit.orders) == "5000")
        }
    }

    /// The best of several loads: the page itself must be fast, whatever else the machine does.
    @Test(.timeLimit(.minutes(1))) func paintsWithin200Milliseconds() async throws {
        try await withPage(ScriptedEngine(ScriptedEngine.saying(["x"]))) { browser, _ in
            var best = Double.infinity
            for _ in 0..<10 {
                try await browser.reload()
                try await browser.wait(until: "document.querySelector('#model').options.length > 0")
                let paint = try await browser.evaluate(
                    "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 10000")
                best = min(best, paint.doubleValue ?? .infinity)
            }
            #expect(best < 200)
        }
    }
}
