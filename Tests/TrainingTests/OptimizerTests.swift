import Checkpoints
import Foundation
import Models
import Tensors
import TestSupport
import Testing
import Training

/// Ten steps of AdamW against PyTorch in float64: `make_training.py`.
@Suite struct OptimizerTests {
    private struct Recording: Decodable {
        struct Settings: Decodable {
            let beta1: Float, beta2: Float, epsilon: Float, weightDecay: Float, maximumNorm: Float
        }
        struct Schedule: Decodable { let steps: Int, warmUp: Int, floor: Float }
        let losses: [Float], norms: [Double], factors: [Float]
        let rates: [String: Float]
        let settings: Settings
        let schedule: Schedule
        let batches: [PackedFixture]
    }

    private static let connector = "model.connector.modality_projection.proj.weight"
    private let compute = Compute(threads: 2)

    private func optimizer(_ parameters: ParameterSet, _ recording: Recording) -> Optimizer {
        let settings = recording.settings
        return Optimizer(
            parameters: parameters,
            groups: [("adapter.", "adapter"), ("connector", "connector")].compactMap { prefix, name in
                recording.rates[name].map {
                    .init(prefix: prefix, learningRate: $0, weightDecay: settings.weightDecay)
                }
            },
            settings: .init(
                beta1: settings.beta1, beta2: settings.beta2, epsilon: settings.epsilon,
                maximumNorm: settings.maximumNorm))
    }

    @Test(arguments: ["sft_text", "sft_visual"])
    func tenStepsEqualPyTorch(name: String) throws {
        let recording = try PackedFixture.decode(Recording.self, from: fixtureURL("\(name).json"))
        let file = try SafetensorsFile(path: fixtureURL("\(name).safetensors").path)
        let hasImages = recording.rates["connector"] != nil
        let base = try TinyLlama.frozen(compute: compute)
        let features = hasImages ? try file.tensor("features") : nil
        func parameters(_ prefix: String) throws -> ParameterSet {
            let connector =
                hasImages ? [(name: "connector", tensor: try file.tensor(prefix + Self.connector))] : []
            return ParameterSet(connector + (try LowRankAdapter(file, prefix: prefix).parameters))
        }
        let start = try parameters("start.")
        var current = start
        var optimizer = optimizer(start, recording)
        let schedule = CosineSchedule(
            steps: recording.schedule.steps, warmUp: recording.schedule.warmUp, floor: recording.schedule.floor)

        for step in 0..<10 {
            let adapter = LowRankAdapter(current, like: TinyLlama.configuration, rank: 4, alpha: 8)
            let visual = features.map { compute.multiply($0, current["connector"], transposeB: true) }
            let result = TrainingResult(
                recording.batches[step % recording.batches.count], visual: visual, base: base, adapter: adapter)
            #expect(abs(result.loss - recording.losses[step]) < 1e-3 * recording.losses[step], "step \(step)")
            let dconnector = features.map {
                (name: "connector", tensor: compute.multiply(result.visual, $0, transposeA: true))
            }
            let gradients = ParameterSet((dconnector.map { [$0] } ?? []) + result.adapter.parameters)
            #expect(abs(schedule.factor(at: step) - recording.factors[step]) < 1e-6)
            let norm = optimizer.update(
                &current, gradients: gradients, factor: schedule.factor(at: step), on: compute)
            #expect(abs(norm - recording.norms[step]) < 1e-3 * recording.norms[step], "step \(step)")
        }
        let end = try parameters("final.")
        for name in end.names {
            var (moved, error) = (end[name], current[name])
            compute.add(&moved, start[name], scale: -1)
            compute.add(&error, end[name], scale: -1)
            let share = (compute.squaredNorm(error) / compute.squaredNorm(moved)).squareRoot()
            #expect(share < 1e-2, "\(name)")
        }
    }

    @Test func aPrefixDecidesTheRate() {
        var parameters = ParameterSet([("a.x", Tensor(zeros: [4])), ("b", Tensor(zeros: [4]))])
        let gradients = ParameterSet([
            ("a.x", Tensor(repeating: 0.1, [4])), ("b", Tensor(repeating: 0.1, [4])),
        ])
        var optimizer = Optimizer(
            parameters: parameters,
            groups: [.init(prefix: "a.", learningRate: 0.5), .init(learningRate: 0.25)])
        optimizer.update(&parameters, gradients: gradients, factor: 1, on: compute)
        #expect(abs(parameters["a.x"][0, 0] + 0.5) < 1e-5)
        #expect(abs(parameters["b"][0, 0] + 0.25) < 1e-5)
    }
}

/// Six steps of Muon against PyTorch: `make_muon.py`.
@Suite struct MuonTests {
    @Test func sixStepsEqualPyTorch() throws {
        let compute = Compute(threads: 2)
        let file = try SafetensorsFile(path: fixtureURL("muon.safetensors").path)
        let names = ["square", "wide", "tall"]
        func set(_ prefix: String) throws -> ParameterSet {
            ParameterSet(try names.map { ($0, try file.tensor(prefix + $0)) })
        }
        let start = try set("start.")
        var current = start
        var optimizer = Optimizer(
            parameters: start, groups: [.init(rule: .muon, learningRate: 0.02, weightDecay: 0.05)])
        for step in 0..<6 {
            optimizer.update(&current, gradients: try set("gradient.\(step)."), factor: 1, on: compute)
        }
        for name in names {
            var (error, way) = (current[name], try file.tensor("final." + name))
            compute.add(&error, way, scale: -1)
            compute.add(&way, start[name], scale: -1)
            let share = (compute.squaredNorm(error) / compute.squaredNorm(way)).squareRoot()
            // Both iterate in bfloat16, which rounds each number by up to 1 in 256.
            #expect(share < 0.02, "\(name): \(share)")
        }
    }
}
