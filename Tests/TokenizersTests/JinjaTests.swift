import Foundation
import Support
import TestSupport
import Testing
import Tokenizers

/// Templates against jinja2 as transformers runs it; `Tests/Fixtures/make_jinja.py` wrote the texts.
struct JinjaTests {
    @Test func constructsEqualJinja2() throws {
        let fixture = try JinjaFixture()
        for snippet in fixture.snippets {
            let template = try snippet.string("template")
            let outcome = JinjaFixture.outcome { () throws(JinjaError) in
                try JinjaTemplate(template).text(variables: fixture.variables, now: fixture.now)
            }
            #expect(outcome == JinjaFixture.Outcome(snippet), "\(template)")
        }
    }

    @Test func templatesOfFamiliesEqualJinja2() throws {
        let fixture = try JinjaFixture()
        #expect(!fixture.templates.isEmpty)
        for (name, renderings) in fixture.templates {
            let template = try JinjaTemplate(JinjaFixture.source(name))
            for (dialogue, variables) in fixture.dialogues {
                let outcome = JinjaFixture.outcome { () throws(JinjaError) in
                    try template.text(variables: variables, now: fixture.now)
                }
                #expect(outcome == JinjaFixture.Outcome(try renderings.member(dialogue)), "\(name), \(dialogue)")
            }
        }
    }

    @Test(arguments: [
        ("a\n{% include 'x' %}", "line 2: the tag \"include\" is not supported"),
        ("{{ x | urlize }}", "line 1: the filter \"urlize\" is not supported"),
        ("{{ x is filter }}", "line 1: the test \"filter\" is not supported"),
        ("{{ messages.append(1) }}", "line 1: the method \"append\" is not supported"),
        ("\n\n{{ cycler(1) }}", "line 3: the function \"cycler\" is not supported"),
        ("{{ f(*x) }}", "line 1: an argument list with \"*\" or \"**\" is not supported"),
        ("{% for x in y recursive %}{% endfor %}", "line 1: a recursive loop is not supported"),
        ("{% call f() %}{% endcall %}", "line 1: the tag \"call\" is not supported"),
        (
            "{% for x in y %}{% macro f() %}{% endmacro %}{% endfor %}",
            "line 1: a macro inside a loop, macro or other block is not supported"
        ),
    ])
    func unsupportedConstructsAreNamedAtLoad(template: String, message: String) {
        #expect(throws: JinjaError.self) { try JinjaTemplate(template) }
        do { _ = try JinjaTemplate(template) } catch { #expect(error.description == message) }
    }

    @Test(arguments: [
        "{{", "{% if %}", "{% if x %}", "{{ x", "{# x", "{% raw %}", "{{ 'x }}", "{{ (1 }}", "{{ 1 + }}", "{% endif %}",
        "{% foo %}", "{{ 99999999999999999999 }}", "{% for x y %}", "{% set 1 = 2 %}", "{{ x.1.y }", "{% break %}",
        "{{ \"\\x4\" }}", "{{ \"\\ud800\" }}", "{% for x in y %}{% set z %}{% break %}{% endset %}{% endfor %}",
    ])
    func otherTextIsRefused(template: String) {
        #expect(throws: JinjaError.self) { try JinjaTemplate(template) }
    }

    /// Each would take very long, or more memory or stack than there is.
    @Test(arguments: [
        "{{ range(10 ** 9) | list }}",
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
        "{% set ns = namespace(x='xxxxxxxx') %}{% for a in range(99) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
        "{% set ns = namespace(x=[]) %}{% for a in range(999) %}{% set ns.x = [ns.x] %}{% endfor %}{{ ns.x }}",
        "{% set ns = namespace(x=[1]) %}{% for a in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x }}",
        "{{ 'x' * 10 ** 12 }}", "{{ [1] * 10 ** 12 }}", "{{ ('x' * 10 ** 6).replace('x', 'y' * 10 ** 6) }}",
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
        "{% macro f() %}{{ f() ~ f() }}{% endmacro %}{{ f() }}",
        "{% for a in range(99999) %}{{ 'x' * 1000 }}{% endfor %}",
        "{{ ('a' * 4000000).find('a' * 2000000 ~ 'b') }}{% for a in range(99) %}{{ 'a' * 400000 }}{% endfor %}",
        "{{ {'a': range(99999) | list} | tojson(indent='x' * 1000000) }}",
        "{% set d = {} %}{% for a in range(99999) %}{% set x = dict(d, a=1) %}{{ range(99999) | sum }}{% endfor %}",
    ])
    func work(template: String) throws {
        let template = try JinjaTemplate(template)
        let began = ContinuousClock.now
        do {
            _ = try template.text(variables: [], now: 0)
            Issue.record("rendered")
        } catch {
            guard case .tooMuch = error else { throw error }
        }
        // Most take less than a second; unoptimised code on a busy machine takes many times longer.
        #expect(ContinuousClock.now - began < .seconds(120))
    }

    @Test(arguments: ["(", "[", "{", "-", "not ", "x.", "x|e|", "x if ", "{1:"])
    func nestingIsBounded(opening: String) {
        func source(_ count: Int) -> String { "{{ " + String(repeating: opening, count: count) + "x }}" }
        for count in [100, 10_000] { #expect(throws: JinjaError.self) { try JinjaTemplate(source(count)) } }
        // Just below the bound nothing traps.
        for count in 80..<100 { _ = try? JinjaTemplate(source(count)).text(variables: [], now: 0) }
        let blocks = String(repeating: "{% if x %}", count: 10_000)
        #expect(throws: JinjaError.self) { try JinjaTemplate(blocks) }
    }

    /// Damaged templates throw or render; they neither trap nor hang.
    @Test func damagedTemplatesAreHarmless() throws {
        let fixture = try JinjaFixture()
        var random = SplitMix64(seed: 7)
        var sources = try fixture.snippets.map { try $0.string("template") }
        sources += try fixture.templates.map { try JinjaFixture.source($0.0) }
        let pool = Array("{}%#-()[]|.,:'\"\\ \n0919abx_".unicodeScalars)
        var rendered = 0
        for round in 0..<3_000 {
            var scalars = Array(sources[round % sources.count].unicodeScalars)
            for _ in 0...Int(random.next() % 4) {
                let at = Int(random.next() % UInt64(scalars.count + 1))
                let piece = scalars[at..<min(at + Int(random.next() % 30), scalars.count)]
                switch random.next() % 3 {
                case 0: scalars.removeSubrange(piece.indices)
                case 1: scalars.insert(pool[Int(random.next() % UInt64(pool.count))], at: at)
                default: scalars.insert(contentsOf: piece, at: Int(random.next() % UInt64(scalars.count + 1)))
                }
            }
            var view = String.UnicodeScalarView()
            view.append(contentsOf: scalars)
            let variables = round % 2 == 0 ? fixture.variables : fixture.dialogues[round % fixture.dialogues.count].1
            if (try? JinjaTemplate(String(view)).text(variables: variables, now: 0)) != nil { rendered += 1 }
        }
        #expect(rendered > 100)
    }
}

/// `jinja.json`, and the templates beside it.
struct JinjaFixture {
    /// How a rendering ends.
    enum Outcome: Equatable {
        case text([UInt8])
        case raised(String)
        case fails

        init(_ json: JSON) {
            if let text = try? json.string("text") {
                self = .text(Array(text.utf8))
            } else if let message = try? json.string("raised") {
                self = .raised(message)
            } else {
                self = .fails
            }
        }
    }

    let now: Int
    let variables: [JSON.Member]
    let snippets: [JSON]
    let dialogues: [(String, [JSON.Member])]
    let templates: [(String, JSON)]
    let layouts: [JSON]

    init() throws {
        setenv("TZ", "UTC", 1)
        let json = try JSON.parse(Array(Data(contentsOf: fixtureURL("jinja.json"))))
        now = Int(try #require(json.member("now").integerValue))
        variables = try json.member("variables").members
        snippets = try json.member("snippets").elements
        let defaults = try json.member("defaults").members
        dialogues = try json.member("dialogues").members.map { dialogue in
            let own = try dialogue.value.members
            return (dialogue.name, defaults.filter { member in !own.contains { $0.name == member.name } } + own)
        }
        layouts = try json.member("layouts").elements
        templates = try json.member("templates").members.map { ($0.name, $0.value) }
    }

    /// A template's text.
    static func source(_ name: String) throws -> String {
        try String(contentsOf: fixtureURL("chat_templates/\(name).jinja"), encoding: .utf8)
    }

    static func outcome(_ render: () throws(JinjaError) -> String) -> Outcome {
        do {
            return .text(Array(try render().utf8))
        } catch {
            if case .raised(let message) = error { return .raised(message) }
            return .fails
        }
    }
}

extension JSON {
    var members: [Member] {
        get throws {
            guard case .object(let members) = self else { throw CocoaError(.coderReadCorrupt) }
            return members
        }
    }

    var elements: [JSON] {
        get throws {
            guard case .array(let elements) = self else { throw CocoaError(.coderReadCorrupt) }
            return elements
        }
    }

    func member(_ name: String) throws -> JSON {
        guard let member = try members.first(where: { $0.name == name }) else {
            throw CocoaError(.coderValueNotFound)
        }
        return member.value
    }

    func string(_ name: String) throws -> String {
        guard case .string(let text) = try member(name) else { throw CocoaError(.coderReadCorrupt) }
        return text
    }
}
