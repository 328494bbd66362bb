import Datasets
import Foundation
import Images
import Testing

/// Held-out images, and findings about data.
@Suite struct OwnDataSplitTests {
    private func examples(_ lines: [String], images: Int, in folder: OwnDataFolder) throws -> [OwnExample] {
        try folder.images(images)
        let data = try folder.read(lines.joined(separator: "\n"))
        #expect(data.faults.isEmpty, "\(data.faults)")
        return data.examples
    }

    private func line(_ image: Int, _ question: String = "a", _ answer: String? = "b", split: String? = nil) -> String {
        let completion = answer.map { #","completion":"\#($0)""# } ?? ""
        let place = split.map { #","split":"\#($0)""# } ?? ""
        return #"{"prompt":"\#(question)","images":["\#(image).png"]\#(completion)\#(place)}"#
    }

    @Test func theImageAloneDecidesWhatIsHeldOut() throws {
        try OwnDataFolder.with { folder in
            let lines = (0..<200).flatMap { [line($0, "a"), line($0, "c")] }
            let all = try examples(lines, images: 200, in: folder)
            let split = try OwnDataSplit(all, share: 0.2)
            let heldOut = Set(split.heldOut.flatMap { $0.images.map(\.digest) })
            let training = Set(split.training.flatMap { $0.images.map(\.digest) })
            #expect(heldOut.isDisjoint(with: training) && heldOut.count + training.count == 200)
            #expect((20...60).contains(heldOut.count), "\(heldOut.count)")
            // More data move no image to the other side.
            let half = try OwnDataSplit(Array(all.prefix(200)), share: 0.2)
            #expect(half.heldOut == Array(split.heldOut.prefix(half.heldOut.count)))
            // A larger share holds out the same images and others.
            let larger = Set(try OwnDataSplit(all, share: 0.5).heldOut.flatMap { $0.images.map(\.digest) })
            #expect(larger.isSuperset(of: heldOut) && larger.count > heldOut.count)
            #expect(try OwnDataSplit(all, share: 0).heldOut.isEmpty)
        }
    }

    @Test func namedSplitsCountMoreThanTheShare() throws {
        try OwnDataFolder.with { folder in
            let lines = (0..<20).map { line($0, split: $0 < 15 ? "train" : "validation") } + [line(16, "c")]
            let split = try OwnDataSplit(try examples(lines, images: 20, in: folder), share: 0.5)
            #expect(split.training.count == 15 && split.heldOut.count == 6)
        }
    }

    @Test func anImageInTwoSplitsIsALeak() throws {
        try OwnDataFolder.with { folder in
            let all = try examples(
                [line(0, split: "train"), line(1, split: "test"), line(0, "c", split: "test")], images: 2, in: folder)
            let leaks = OwnDataFindings(all).leaks
            #expect(leaks.map(\.source.line) == [3] && leaks[0].reason.contains("in train at"))
            #expect(throws: OwnDataError.self) { try OwnDataSplit(all, share: 0.1) }
        }
    }

    @Test func theSamePixelsAreTheSameImage() throws {
        try OwnDataFolder.with { folder in
            try folder.file("copy.png", bytes: OwnDataFolder.png(0))
            let all = try examples(
                [line(0), #"{"prompt":"a","images":["copy.png"],"completion":"b"}"#, line(0, "a", "no")], images: 1,
                in: folder)
            let findings = OwnDataFindings(all)
            #expect(findings.images == 1 && findings.questions == 1)
            #expect(findings.duplicates.map(\.second.line) == [2])
            #expect(findings.contradictions.map(\.second.line) == [3])
            #expect(findings.commonAnswers.map(\.text) == ["b", "no"])
        }
    }

    @Test func whatIsHeldOutCanBeReadAgain() throws {
        try OwnDataFolder.with { folder in
            let dialogue =
                #"{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"0.png"}},"#
                + #"{"type":"text","text":"a \"b\""}]},{"role":"assistant","content":"one"},"#
                + #"{"role":"user","content":"c"},{"role":"assistant","content":"two"}]}"#
            let all = try examples([dialogue, line(1)], images: 2, in: folder)
            let run = folder.url.appendingPathComponent("run").path
            try FileManager.default.createDirectory(atPath: run, withIntermediateDirectories: true)
            try OwnExample.write(heldOut: all, in: run)
            let again = try OwnData.examples(at: run + "/held-out.jsonl")
            #expect(again.map(\.messages) == all.map(\.messages) && again.map(\.answer) == all.map(\.answer))
            #expect(again.map(\.images) == all.map(\.images))
        }
    }

    @Test func anImageThatChangesIsNoticed() throws {
        try OwnDataFolder.with { folder in
            let image = try #require(try examples([line(0)], images: 1, in: folder).first?.images.first)
            #expect(try image.decoded().width == 4)
            try folder.file("0.png", bytes: OwnDataFolder.png(200))
            #expect(throws: OwnDataError.self) { try image.decoded() }
        }
    }

    @Test func quantilesAreByNearestRank() {
        #expect(LengthQuantiles([]) == nil)
        let ten = LengthQuantiles(Array((1...10).reversed()))
        #expect(ten?.minimum == 1 && ten?.median == 5 && ten?.p90 == 9 && ten?.maximum == 10)
        #expect(LengthQuantiles([3])?.p90 == 3)
    }
}
