import Checkpoints
import Foundation
import Models
import Policies
import TestSupport
import Testing
import Tokenizers

private let backbone = String(repeating: "0a", count: 32)

private func manifest(generation: Int = 1) -> PolicyManifest {
    PolicyManifest(
        name: "sft", generation: generation, parent: .init(name: "vision", generation: 3), backbone: backbone,
        created: Date(timeIntervalSince1970: 1_700_000_000), creator: "apus 1",
        vision: .init(name: "vision", generation: 3), chatTemplate: .chatml,
        image: .init(tileSize: 64, maximumTiles: 1, fit: .stretch), sampling: .init(temperature: 0, topP: 0.9),
        textSampling: .init(minP: 0.25),
        metrics: ["easy_vqa": 99.25], data: ["easy-vqa-1.0": backbone])
}

/// Publishes a generation with two small files and hands the policies' folder to `body`.
@discardableResult
private func published<R>(_ body: (URL) throws -> R) throws -> R {
    try withTemporaryFolder { folder throws in
        try publish(in: folder)
        return try body(folder)
    }
}

@discardableResult
private func publish(_ manifest: PolicyManifest = manifest(), in folder: URL) throws -> PolicyFolder {
    try PolicyFolder.publish(manifest, in: folder.path) { staging in
        try "weights \(manifest.generation)".write(
            toFile: "\(staging)/a.safetensors", atomically: false, encoding: .utf8)
        try "card".write(toFile: "\(staging)/card.md", atomically: false, encoding: .utf8)
    }
}

private func open(_ folder: URL, generation: Int? = nil) throws(PolicyError) -> PolicyFolder {
    try PolicyFolder(name: "sft", generation: generation, in: folder.path, backbone: backbone)
}

@Suite struct PolicyFolderTests {
    @Test func whatIsPublishedIsOpened() throws {
        try published { policies throws in
            let folder = try open(policies)
            var expected = manifest()
            expected.files = folder.manifest.files
            #expect(folder.manifest == expected)
            #expect(folder.manifest.created == "2023-11-14T22:13:20Z")
            #expect(folder.manifest.files["card.md"]?.bytes == 4)
            let sha256 = "8367cd66fdd136bba8ba23f8805bb050dd6289401c8ec3b0be44a3c233eef90d"
            #expect(folder.manifest.files["card.md"]?.sha256 == sha256)
            #expect(folder.file("card.md") == "\(policies.path)/sft/1/card.md")
            #expect(folder.file("other") == nil)
            #expect(try PolicyFolder.names(in: policies.path) == ["sft"])
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: "\(policies.path)/sft").sorted() == [
                    "1", "current",
                ])
        }
    }

    @Test func theManifestHasSortedKeys() throws {
        try published { policies throws in
            let text = try String(contentsOfFile: "\(policies.path)/sft/1/manifest.json", encoding: .utf8)
            let keys = text.split(separator: "\n").filter { $0.hasPrefix("  \"") }.map { $0.split(separator: "\"")[1] }
            #expect(keys == keys.sorted() && keys.count == 15)
            #expect(text.hasSuffix("}\n"))
        }
    }

    @Test func aNewGenerationBecomesCurrentAndCanBeRolledBack() throws {
        try published { policies throws in
            try publish(manifest(generation: 2), in: policies)
            #expect(try open(policies).manifest.generation == 2)
            #expect(try open(policies, generation: 1).manifest.generation == 1)
            try PolicyFolder.setCurrent(1, of: "sft", in: policies.path)
            #expect(try open(policies).manifest.generation == 1)
            #expect(throws: PolicyError.missingFile(path: "\(policies.path)/sft/7/manifest.json")) {
                try PolicyFolder.setCurrent(7, of: "sft", in: policies.path)
            }
        }
    }

    @Test func aNumberIsNeverGivenToOtherBytes() throws {
        try published { policies throws in
            #expect(throws: PolicyError.published(path: "\(policies.path)/sft/1")) { try publish(in: policies) }
        }
    }

    @Test func whatFailsToBeWrittenLeavesTheOldGeneration() throws {
        struct Failure: Error {}
        try published { policies throws in
            #expect(throws: Failure.self) {
                try PolicyFolder.publish(manifest(generation: 2), in: policies.path) { staging in
                    try "half".write(toFile: "\(staging)/a.safetensors", atomically: false, encoding: .utf8)
                    throw Failure()
                }
            }
            #expect(try open(policies).manifest.generation == 1)
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: "\(policies.path)/sft").sorted() == [
                    "1", "current",
                ])
            try publish(manifest(generation: 2), in: policies)
        }
    }

    @Test func alteredMissingAndUnlistedFilesAreNamed() throws {
        try published { policies throws in
            let file = "\(policies.path)/sft/1/a.safetensors"
            let original = try FileDigest(path: file)
            for text in ["weights 2", "weights", ""] {
                try text.write(toFile: file, atomically: false, encoding: .utf8)
                let found = try FileDigest(path: file)
                #expect(throws: PolicyError.altered(path: file, expected: original, found: found)) {
                    try open(policies)
                }
            }
            try FileManager.default.removeItem(atPath: file)
            #expect(throws: PolicyError.missingFile(path: file)) { try open(policies) }
            try "weights 1".write(toFile: file, atomically: false, encoding: .utf8)
            #expect(throws: Never.self) { try open(policies) }
            let extra = "\(policies.path)/sft/1/.hidden"
            try "".write(toFile: extra, atomically: false, encoding: .utf8)
            #expect(throws: PolicyError.unlistedFile(path: extra)) { try open(policies) }
        }
    }

    @Test func otherBackbonesAndPlacesAreRefused() throws {
        try published { policies throws in
            let other = String(repeating: "ff", count: 32)
            #expect(throws: PolicyError.otherBackbone(path: "\(policies.path)/sft/1", expected: other, found: backbone))
            {
                try PolicyFolder(name: "sft", in: policies.path, backbone: other)
            }
            try FileManager.default.moveItem(atPath: "\(policies.path)/sft/1", toPath: "\(policies.path)/sft/5")
            let error = #expect(throws: PolicyError.self) { try open(policies, generation: 5) }
            guard case .misplaced = error else {
                Issue.record("\(String(describing: error))")
                return
            }
        }
    }

    @Test(arguments: [
        "", "x", "0", "-1", "01", "1 ", "1/../1", "99999999999999999999", "12345678901234567890123456789012345",
    ])
    func currentMustBeANumber(text: String) throws {
        try published { policies throws in
            try text.write(toFile: "\(policies.path)/sft/current", atomically: false, encoding: .utf8)
            #expect(throws: PolicyError.self) { try open(policies) }
        }
    }

    @Test(arguments: ["", "..", ".", "../sft", "SFT", "sft/1", "-sft", "sft\n", "ä", String(repeating: "a", count: 65)])
    func namesThatArePathsAreRefused(name: String) throws {
        #expect(!PolicyManifest.isName(name))
        #expect(throws: PolicyError.badName(name)) {
            try PolicyFolder(name: name, in: "/nowhere", backbone: backbone)
        }
        #expect(throws: PolicyError.badName(name)) { try PolicyFolder.current(of: name, in: "/nowhere") }
    }

    @Test(arguments: ["a", "adapter_model.safetensors", "0.x-y_z", String(repeating: "a", count: 64)])
    func plainNamesAreAllowed(name: String) {
        #expect(PolicyManifest.isName(name))
    }
}

@Suite struct PolicyManifestTests {
    /// The error after `old` in a published manifest was replaced by `new`.
    private func reason(_ old: String, _ new: String) throws -> String? {
        try published { policies throws in
            let path = "\(policies.path)/sft/1/manifest.json"
            let text = try String(contentsOfFile: path, encoding: .utf8)
            try #require(text.contains(old))
            try text.replacingOccurrences(of: old, with: new).write(toFile: path, atomically: false, encoding: .utf8)
            let error = #expect(throws: PolicyError.self) { try open(policies) }
            guard case .badManifest(path, let reason) = error else { return nil }
            return reason
        }
    }

    @Test(arguments: [
        ("schema", #""schema" : 1"#, #""schema" : 2"#), ("tempo", #""schema" : 1"#, #""schema" : 1, "tempo": 1"#),
        ("image.zoom", #""fit" :"#, #""zoom": 2, "fit" :"#), ("image.fit", #""stretch""#, #""crop""#),
        ("chat_template", #""chatml""#, #""alpaca""#), ("generation", #""generation" : 1"#, #""generation" : 0"#),
        ("a number has a fraction", #""generation" : 1"#, #""generation" : 1.5"#),
        ("name", #""name" : "sft""#, #""name" : "../x""#),
        ("vision", #""vision" : {"#, #""vision" : {"more": 1,"#), ("backbone_sha256", #""0a0a"#, #""0A0a"#),
        ("sampling.temperature", #""temperature" : 0"#, #""temperature" : 3"#),
        ("text_sampling.min_p", #""min_p" : 0.25"#, #""min_p" : 1.25"#),
        ("sampling.top_p", #""top_p" : 0.9"#, #""top_p" : 0"#), ("created", "2023-11-14T", "yesterday "),
        ("files", #""card.md""#, #""../card.md""#), ("files", #""card.md""#, #""manifest.json""#),
        ("files.card.md", #""bytes" : 4"#, #""bytes" : -4"#), ("creator", #""creator" : "apus 1","#, ""),
        ("image.view_size", #""view_size" : 64"#, #""view_size" : 100000000"#),
    ])
    func whatIsWrongIsNamed(field: String, old: String, new: String) throws {
        let reason = try #require(try reason(old, new))
        #expect(reason.hasPrefix(field), "\(reason)")
    }

    @Test func nullIsAbsence() throws {
        try published { policies throws in
            let path = "\(policies.path)/sft/1/manifest.json"
            let text = try String(contentsOfFile: path, encoding: .utf8)
            try text.replacingOccurrences(of: #""schema" : 1"#, with: #""schema" : 1, "note" : null"#)
                .write(toFile: path, atomically: false, encoding: .utf8)
            #expect(try open(policies).manifest.name == "sft")
        }
    }
}

@Suite struct FileDigestTests {
    @Test func theBaseModelIsTheOneWeKnow() throws {
        let digest = try FileDigest(path: baseModelPath())
        #expect(digest.bytes == 98_362_432)
        #expect(digest.sha256 == "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53")
    }

    @Test func anEmptyFileHasADigest() throws {
        try withTemporaryFolder { folder throws in
            let url = folder.appendingPathComponent("empty")
            try Data().write(to: url)
            let digest = try FileDigest(path: url.path)
            #expect(digest.bytes == 0)
            #expect(digest.sha256 == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        }
    }
}
