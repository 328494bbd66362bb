import Checkpoints
import Foundation
import Policies
import TestSupport
import Testing

private let backbone = String(repeating: "0a", count: 32)

@Suite struct PolicyLibraryTests {
    private func publish(
        _ name: String, _ generation: Int, in folder: String, vision: Int? = nil, value: Int? = nil, parent: Int? = nil
    ) throws {
        let manifest = PolicyManifest(
            name: name, generation: generation, parent: parent.map { .init(name: "sft", generation: $0) },
            backbone: backbone, created: Date(timeIntervalSince1970: 1e9), creator: "test",
            vision: vision.map { .init(name: "vision", generation: $0) },
            value: value.map { .init(name: "value", generation: $0) })
        try PolicyFolder.publish(manifest, in: folder) {
            try Data("\(name) \(generation)".utf8).write(to: URL(fileURLWithPath: $0 + "/weights"))
        }
    }

    private func withLibrary(_ body: (PolicyLibrary, _ published: String, _ shipped: String) throws -> Void) throws {
        try withTemporaryFolder { folder in
            let (published, shipped) = (folder.path + "/published", folder.path + "/shipped")
            try body(PolicyLibrary(published: published, shipped: shipped), published, shipped)
        }
    }

    @Test func theLastThreeAreKept() throws {
        try withLibrary { library, published, shipped in
            #expect(try library.prune("sft").isEmpty)
            try publish("sft", 1, in: shipped)
            for generation in 2...6 { try publish("sft", generation, in: published) }
            #expect(try library.prune("sft") == [2, 3])
            #expect(try library.generations() == ["sft": [1, 4, 5, 6]])
            #expect(try library.current() == ["sft": 6])
            #expect(try library.prune("sft").isEmpty)
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: published + "/sft").sorted()
                    == ["4", "5", "6", "current"])
        }
    }

    @Test func whatIsServedOrNamedIsKept() throws {
        try withLibrary { library, published, _ in
            for generation in 1...6 {
                try publish("vision", generation, in: published)
                try publish("value", generation, in: published)
                try publish("sft", generation, in: published, vision: generation)
            }
            // In service, and the parent of something.
            try library.setCurrent(1, of: "sft")
            try publish("ppo", 1, in: published, vision: 2, value: 1, parent: 2)
            #expect(try library.prune("sft") == [3])
            #expect(try library.prune("value") == [2, 3])
            #expect(try library.prune("vision") == [3])
            for (name, generations) in try library.generations() {
                for generation in generations {
                    _ = try library.open(name, generation: generation, backbone: backbone)
                }
            }
        }
    }

    /// A rollback of a policy is one of the value model that was trained beside it.
    @Test func theValueModelComesWithItsPolicy() throws {
        try withLibrary { library, published, _ in
            for generation in 1...2 {
                try publish("value", generation, in: published)
                try publish("ppo", generation, in: published, value: generation)
            }
            try library.setCurrent(1, of: "ppo")
            #expect(try library.current() == ["ppo": 1, "value": 1])
            try publish("ppo", 3, in: published, value: 9)
            try library.setCurrent(2, of: "ppo")
            #expect(throws: PolicyError.self) { try library.setCurrent(3, of: "ppo") }
            #expect(try library.current() == ["ppo": 2, "value": 2])
        }
    }

    /// A removal that was cut short leaves nothing to be found, and is finished by the next one.
    @Test func brokenRemovalsAreFinished() throws {
        try withLibrary { library, published, _ in
            for generation in 1...2 { try publish("sft", generation, in: published) }
            try FileManager.default.moveItem(atPath: published + "/sft/1", toPath: published + "/sft/.removed-1")
            #expect(try library.generations() == ["sft": [2]])
            #expect(try library.prune("sft").isEmpty)
            #expect(!FileManager.default.fileExists(atPath: published + "/sft/.removed-1"))
        }
    }

    @Test func aFolderInFrontGoesFirst() throws {
        try withLibrary { library, published, shipped in
            try publish("sft", 1, in: shipped)
            try publish("sft", 2, in: published)
            let front = published + "-front"
            let wider = library.behind(front)
            try wider.setCurrent(1, of: "sft")
            try publish("candidate", 1, in: front)
            #expect(wider.folders == [front, published, shipped])
            #expect(try wider.current() == ["sft": 1, "candidate": 1])
            #expect(try library.current() == ["sft": 2])
        }
    }
}

@Suite struct PolicyDigestsTests {
    private let digests = PolicyDigests(adapter: "a", adapterConfiguration: "c", vision: nil, backbone: "b")

    @Test func everyFieldCounts() {
        #expect(digests.differences(from: digests).isEmpty)
        let others: [(WritableKeyPath<PolicyDigests, String?>, String)] = [
            (\.adapter, "adapter_sha256: expected a, found x"),
            (\.adapterConfiguration, "adapter_config_sha256: expected c, found x"),
            (\.vision, "vision_sha256: expected none, found x"),
        ]
        for (field, difference) in others {
            var other = digests
            other[keyPath: field] = "x"
            #expect(digests.differences(from: other) == [difference])
        }
        var other = digests
        other.backbone = "x"
        #expect(digests.differences(from: other) == ["backbone_sha256: expected b, found x"])
    }
}
