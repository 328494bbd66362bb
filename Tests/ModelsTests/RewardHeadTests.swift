import Checkpoints
import Foundation
import Models
import Support
import Tensors
import TestSupport
import Testing

@Suite struct RewardHeadTests {
    private func head(logProbWeight: Float) -> RewardHead {
        var generator = SplitMix64(seed: 1, stream: 0)
        var score = ScalarHead(starting: 33, using: &generator)
        score.bias[0, 0] = 0.7
        return RewardHead(score: score, logProbWeight: logProbWeight)
    }

    @Test func shiftAndGainAreFoldedIn() {
        let normalized = head(logProbWeight: 0.5).normalized(shift: 1.5, gain: 0.25)
        #expect(normalized.logProbWeight == 0.125 && abs(normalized.score.bias[0, 0] + 0.2) < 1e-6)
        #expect(normalized.score.weight[0, 7] == 0.25 * head(logProbWeight: 0).score.weight[0, 7])
    }

    /// A head that reads only hidden states has exactly the tensors of a sequence classifier.
    @Test(arguments: [(Float(0.4), 3), (0, 2)])
    func aFileGivesItBack(logProbWeight: Float, tensors: Int) throws {
        try withTemporaryFolder { folder in
            let path = folder.appending(path: "head.safetensors").path
            let head = head(logProbWeight: logProbWeight)
            try head.write(to: path, metadata: ["gain": "2.0"])
            let file = try SafetensorsFile(path: path)
            #expect(file.metadata == ["gain": "2.0"] && file.entries.count == tensors)
            let read = try RewardHead(path: path, hidden: 33)
            #expect(read.score.weight.elements == head.score.weight.elements)
            #expect(read.score.bias.elements == head.score.bias.elements && read.logProbWeight == logProbWeight)
        }
    }

    @Test func otherFilesAreRefusedByName() throws {
        try withTemporaryFolder { folder in
            let path = folder.appending(path: "head.safetensors").path
            let score = head(logProbWeight: 0).score
            let parts = ["score.weight": score.weight, "score.bias": score.bias]
            func write(_ tensors: [String: Tensor]) throws {
                try SafetensorsFile.write(tensors, as: .float32, to: path)
            }
            try write(parts)
            #expect(throws: SafetensorsError.self) { try RewardHead(path: path, hidden: 32) }
            try write(parts.merging(["v_head": score.bias]) { $1 })
            #expect(throws: ModelError.unknownTensor("v_head")) { try RewardHead(path: path, hidden: 33) }
            try write(parts.merging(["score.likelihood": Tensor(zeros: [2])]) { $1 })
            #expect(throws: SafetensorsError.self) { try RewardHead(path: path, hidden: 33) }
            try write(["score.weight": score.weight])
            #expect(throws: SafetensorsError.missingTensor(path: path, name: "score.bias")) {
                try RewardHead(path: path, hidden: 33)
            }
        }
    }

    @Test func numbersMustBeFinite() {
        #expect(head(logProbWeight: 0.5).isFinite && !head(logProbWeight: .nan).isFinite)
        var broken = head(logProbWeight: 0.5)
        broken.score.weight[0, 32] = .infinity
        #expect(!broken.isFinite)
    }

    @Test func parametersGiveItBack() {
        let head = head(logProbWeight: 0.3)
        let again = RewardHead(ParameterSet(head.parameters))
        #expect(again.score.weight.elements == head.score.weight.elements && again.logProbWeight == 0.3)
    }
}
