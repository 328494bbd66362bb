import Checkpoints
import Foundation
import Policies
import Promotion
import TestSupport
import Testing
import Training

/// From a finished run to a published policy.
@Suite struct PolicyPromotionTests {
    /// A library with what a run of `train ppo` starts from, and the folder to publish into.
    private struct Place {
        let folder: String
        var shipped: String { folder + "/shipped" }
        var published: String { folder + "/published" }
        var library: PolicyLibrary { PolicyLibrary(published: published, shipped: shipped) }
        var sft: String { folder + "/sft" }
        var ppo: String { folder + "/ppo" }

        func rules(_ minimum: Double, _ metric: String = "own_right") throws -> PolicyRules {
            let path = folder + "/rules.json"
            try Data(#"[{"metric": "\#(metric)", "minimum": \#(minimum), "why": "y"}]"#.utf8).write(
                to: URL(fileURLWithPath: path))
            return try PolicyRules(path: path)
        }
    }

    private func withRuns(_ body: (Place) throws -> Void) throws {
        try withTemporaryFolder { folder in
            let place = Place(folder: folder.path)
            try TinyRun.publishBasis(in: place.shipped)
            try TinyRun.fineTuning(to: place.sft)
            try TinyRun.ppo(to: place.ppo, from: place.shipped)
            try body(place)
        }
    }

    @Test func aRunIsOpenedByItsStage() throws {
        try withRuns { place in
            let (sft, ppo) = (try PolicyRun(folder: place.sft), try PolicyRun(folder: place.ppo))
            #expect(sft.stage == .sft && sft.name == "sft" && ppo.stage == .ppo && ppo.name == "ppo")
            #expect(try sft.parentDigests(in: place.library) == nil)
            let parent = try ppo.parentDigests(in: place.library)
            #expect(try parent?.adapter == FileDigest(path: place.shipped + "/sft/2/adapter_model.safetensors").sha256)
            #expect(throws: PolicyError.self) {
                try ppo.parentDigests(in: PolicyLibrary(published: nil, shipped: place.folder + "/none"))
            }
            let config = URL(fileURLWithPath: place.sft + "/config.json")
            try Data(#"{"stage": "reward", "template": "chatml", "inputs": {}}"#.utf8).write(to: config)
            #expect(throws: PromotionError.component(folder: place.sft)) { try PolicyRun(folder: place.sft) }
        }
    }

    @Test func namesOfComponentsAreTaken() {
        for name in ["base", "vision", "reward", "value", "", "Mine", "a/b"] { #expect(!PolicyRole.isFree(name)) }
        for name in ["sft", "ppo", "mine", "candidate"] { #expect(PolicyRole.isFree(name)) }
    }

    @Test func aFineTunedCandidateStandsAlone() throws {
        try withRuns { place in
            let run = try PolicyRun(folder: place.sft)
            let candidate = try ReleaseCandidate(run, among: place.library, in: place.folder + "/candidate")
            #expect(candidate.parent == nil)
            #expect(try candidate.library.current() == ["candidate": 1, "vision": 1])
            let policy = try candidate.library.open("candidate", generation: 1, backbone: TinyRun.backbone)
            #expect(policy.manifest.files["adapter_model.safetensors"]?.sha256 == run.digests.adapter)
            #expect(policy.manifest.vision == .init(.vision, generation: 1))
            try candidate.remove()
            #expect(!FileManager.default.fileExists(atPath: place.folder + "/candidate"))
            // Once more, where nothing is.
            try candidate.remove()
        }
    }

    @Test func aReinforcedCandidateStandsBesideItsParent() throws {
        try withRuns { place in
            let run = try PolicyRun(folder: place.ppo)
            let folder = place.folder + "/candidate"
            let candidate = try ReleaseCandidate(run, among: place.library, in: folder)
            let parent = try #require(candidate.parent)
            #expect(parent.name == "sft")
            #expect(try parent.digests == run.parentDigests(in: place.library))
            let current = try candidate.library.current()
            #expect(current == ["candidate": 1, "sft": 2, "value": 1, "reward": 1, "vision": 3])
            // What a killed measurement left is replaced, and the library that it was made of is as it was.
            _ = try ReleaseCandidate(run, among: place.library, in: folder)
            #expect(try place.library.current() == ["sft": 2, "reward": 1, "vision": 3])
        }
    }

    private func evaluate(_ folder: String, x: Double, parent: PolicyDigests? = nil) throws {
        let metrics = ["own_right": x, "win_rate": x]
        try PolicyEvaluation(policy: PolicyRun(folder: folder).digests, parent: parent, metrics: metrics)
            .write(to: PolicyEvaluation.path(ofRun: folder))
    }

    private func promote(
        _ folder: String, _ place: Place, minimum: Double = 0.5, _ metric: String = "own_right",
        as name: String? = nil, parent: PolicyManifest.Reference? = nil
    ) throws -> PolicyPromotion.Outcome {
        try PolicyPromotion(
            PolicyRun(folder: folder), folder: folder, by: place.rules(minimum, metric), in: place.library
        ).promote(as: name, parent: parent)
    }

    private func published(_ outcome: PolicyPromotion.Outcome) throws -> PolicyManifest {
        guard case .published(let folder, _) = outcome else { throw MissingPublication(outcome: "\(outcome)") }
        return folder.manifest
    }

    private struct MissingPublication: Error { let outcome: String }

    @Test func aRunIsMeasuredBeforeItIsPublished() throws {
        try withRuns { place in
            let path = place.sft + "/evaluation.json"
            #expect(throws: PromotionError.notMeasured(evaluation: path, folder: place.sft)) {
                try promote(place.sft, place)
            }
            #expect(throws: PromotionError.readOnly) {
                try PolicyPromotion(
                    PolicyRun(folder: place.sft), folder: place.sft, by: place.rules(0),
                    in: PolicyLibrary(published: nil, shipped: place.shipped)
                ).promote()
            }
        }
    }

    @Test func theRulesDecide() throws {
        try withRuns { place in
            try evaluate(place.sft, x: 0.6)
            guard case .refused(let failures) = try promote(place.sft, place, minimum: 0.7) else {
                Issue.record("published")
                return
            }
            #expect(failures == ["own_right: expected at least 0.7, found 0.6"])
            #expect(!FileManager.default.fileExists(atPath: place.published))
            let manifest = try published(try promote(place.sft, place))
            #expect(manifest.name == "sft" && manifest.generation == 3 && manifest.metrics["own_right"] == 0.6)
            #expect(manifest.vision == .init(.vision, generation: 4) && manifest.parent == nil)
            // The same vision model is not published twice.
            let parent = PolicyManifest.Reference(.sft, generation: 3)
            let again = try published(try promote(place.sft, place, as: "mine", parent: parent))
            #expect(again.name == "mine" && again.generation == 1 && again.vision == manifest.vision)
            #expect(again.parent == parent)
            #expect(throws: PolicyError.self) {
                try promote(place.sft, place, parent: .init(.sft, generation: 9))
            }
        }
    }

    @Test func theVerdictHasALineForEveryRule() throws {
        try withRuns { place in
            try evaluate(place.sft, x: 0.6)
            func verdict(_ rules: PolicyRules, _ folder: String) throws -> PolicyPromotion.Verdict {
                try PolicyPromotion(PolicyRun(folder: folder), folder: folder, by: rules, in: place.library).verdict()
            }
            let good = try verdict(place.rules(0.6), place.sft)
            #expect(good.passes && good.lines == ["pass  own_right: 0.6000, expected at least 0.6"])
            let bad = try verdict(place.rules(0.7), place.sft)
            #expect(!bad.passes && bad.lines == ["FAIL  own_right: 0.6000, expected at least 0.7"])
            let none = try verdict(place.rules(0.7, "own_blank"), place.sft)
            #expect(none.lines == ["FAIL  own_blank: not measured, expected at least 0.7"])
            // Another run's evaluation says nothing, however good.
            try FileManager.default.copyItem(
                atPath: PolicyEvaluation.path(ofRun: place.sft), toPath: PolicyEvaluation.path(ofRun: place.ppo))
            let other = try verdict(place.rules(0.5), place.ppo)
            #expect(!other.passes && other.lines.contains { $0.hasPrefix("the evaluation is of other weights: ") })
        }
    }

    /// A run that continued a policy can be compared with it: both see with their own vision.
    @Test func aContinuedCandidateStandsBesideItsParent() throws {
        try withRuns { place in
            let start = try FileDigest(path: place.shipped + "/sft/2/adapter_model.safetensors")
            let config = place.sft + "/config.json"
            let text = try String(contentsOfFile: config, encoding: .utf8)
                .replacingOccurrences(
                    of: #""settings""#, with: #""parent": {"name": "sft", "generation": 2}, "settings""#
                )
                .replacingOccurrences(
                    of: #""questions""#,
                    with: #""start": {"sha256": "\#(start.sha256)", "bytes": \#(start.bytes)}, "questions""#)
            try Data(text.utf8).write(to: URL(fileURLWithPath: config))
            let run = try PolicyRun(folder: place.sft)
            #expect(run.parent == .init(.sft, generation: 2))
            let alone = try ReleaseCandidate(run, among: place.library, in: place.folder + "/alone")
            #expect(alone.parent == nil)
            let candidate = try ReleaseCandidate(
                run, among: place.library, in: place.folder + "/candidate", comparing: true)
            #expect(candidate.parent?.name == "sft" && candidate.parent?.digests.adapter == start.sha256)
            let policy = try candidate.library.open("candidate", generation: 1, backbone: TinyRun.backbone)
            #expect(policy.manifest.vision == .init(.vision, generation: 4), "the shipped generation 3 is another's")
            #expect(try candidate.library.current()["sft"] == 2)
        }
    }

    @Test func aReinforcedPolicyIsPublishedWithItsValueModel() throws {
        try withRuns { place in
            try evaluate(place.ppo, x: 1)
            guard case .refused(let failures) = try promote(place.ppo, place, "win_rate") else {
                Issue.record("published")
                return
            }
            #expect(failures == ["the evaluation is against another parent: expected one, found none"])
            try evaluate(place.ppo, x: 1, parent: PolicyRun(folder: place.ppo).parentDigests(in: place.library))
            let manifest = try published(try promote(place.ppo, place, "win_rate"))
            #expect(
                manifest.name == "ppo" && manifest.generation == 1 && manifest.value == .init(.value, generation: 1))
            #expect(manifest.metrics["win_rate"] == 1 && manifest.metrics["training_step"] == 2)
        }
    }

    @Test func theLastThreeGenerationsAreKept() throws {
        try withRuns { place in
            var removed: [[PolicyManifest.Reference]] = []
            for seed in 1...5 as ClosedRange<UInt64> {
                let run = "\(place.folder)/run\(seed)"
                try TinyRun.fineTuning(to: run, seed: seed)
                try evaluate(run, x: 1)
                guard case .published(_, let old) = try promote(run, place, as: "mine") else { continue }
                removed.append(old)
            }
            #expect(removed.map(\.count) == [0, 0, 0, 2, 2])
            #expect(removed[3] == [.init(name: "mine", generation: 1), .init(.vision, generation: 4)])
            #expect(try place.library.generations()["mine"] == [3, 4, 5])
        }
    }
}
