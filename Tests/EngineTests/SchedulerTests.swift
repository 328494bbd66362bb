import Checkpoints
import Engine
import Foundation
import Models
import Policies
import Support
import Tensors
import TestSupport
import Testing
import Tokenizers

/// The contents of steps, without any computation: images have 12 layers, each with the cost of 100 positions.
@Suite struct SchedulerTests {
    private let policy: Policy
    private let tokenizer: Tokenizer

    init() throws {
        tokenizer = Tokenizer(try Vocabulary(TinyLlama.file(.q4_1)))
        var generator = SplitMix64(seed: 9, stream: 0)
        let sizes = try VisionConfiguration(
            imageSize: 32, patchSize: 8, hidden: 8, layers: 1, heads: 2, feedForward: 16, scale: 2, textHidden: 64)
        let encoder = VisionEncoder(VisionWeights(configuration: sizes, using: &generator), on: Compute(threads: 1))
        policy = Policy(
            name: "one", generation: 1, adapter: nil,
            vision: .init(generation: 1, encoder: encoder, processor: ImageProcessor(tileSize: 32)),
            template: .chatml, sampling: SamplingParameters(), created: 0)
    }

    /// A scheduler whose plans count as done.
    private struct Bench {
        var scheduler: Scheduler
        var layersLeft: [EmbeddingCache.Key: Int] = [:]

        init(blocks: Int = 1_000, budget: Int = 512, sequences: Int = 64, evenDepth: Int = 1 << 32) {
            var configuration = EngineConfiguration(contextLength: 8_192)
            configuration.tokenBudget = budget
            configuration.maximumSequences = sequences
            scheduler = Scheduler(blocks: blocks, evenDepth: evenDepth, configuration: configuration)
        }

        mutating func step() -> StepPlan {
            let layersLeft = layersLeft
            let plan = scheduler.plan { sequence, index in
                let image = sequence.request.images[index].content
                guard let vision = sequence.request.policy.vision else { return nil }
                let key = EmbeddingCache.Key(image: image, vision: vision.id)
                return ImageWork(
                    sequence: sequence, image: index, key: key, layers: layersLeft[key] ?? 12, layerCost: 100)
            }
            for slice in plan.images {
                self.layersLeft[slice.key, default: 12] -= slice.layers
                guard self.layersLeft[slice.key] == 0 else { continue }
                slice.sequence.imageEmbeddings[slice.image] = Tensor(zeros: [4, 64])
            }
            for chunk in plan.chunks {
                chunk.sequence.computed = chunk.range.upperBound
                if chunk.isLast { chunk.sequence.append(5) }
            }
            scheduler.finishStep()
            #expect(scheduler.isConsistent)
            return plan
        }
    }

    private func sequence(_ id: UInt64, length: Int, images: [(reservation: Int, shade: Float)] = []) -> EngineSequence
    {
        let images = images.map {
            PromptImage(
                range: $0.reservation..<$0.reservation + 4,
                tiles: ImageTiles(Tensor(repeating: $0.shade, [1, 3, 32, 32])))
        }
        let prompt = (0..<length).map { reservation -> Int32 in Int32(3 + (reservation * 7 + Int(id) * 31) % 300) }
        let request = EngineRequest(prompt: prompt, images: images, policy: policy)
        let output = OutputProcessor(stop: request.stop, endTokens: [2], room: 1_000, tokenizer: tokenizer)
        let (_, continuation) = AsyncStream<EngineEvent>.makeStream()
        return EngineSequence(
            id: id, request: request, output: output, continuation: continuation, submitted: .now, reservation: nil,
            draftTokens: 0)
    }

    private func positions(_ plan: StepPlan) -> [UInt64: Int] {
        Dictionary(plan.chunks.map { ($0.sequence.id, $0.count) }, uniquingKeysWith: +)
    }

    @Test func aLongPromptLetsShortOnesPass() {
        var bench = Bench()
        bench.scheduler.add(sequence(1, length: 4_096))
        #expect(positions(bench.step()) == [1: 512])
        for id: UInt64 in 2...4 { bench.scheduler.add(sequence(id, length: 20)) }
        // Each gets a quarter; the rest of the budget is used in the next step.
        #expect(positions(bench.step()) == [1: 452, 2: 20, 3: 20, 4: 20])
        #expect(positions(bench.step()) == [1: 509, 2: 1, 3: 1, 4: 1])
    }

    /// Positions after 512 others take one and a half times as long, after 853 nearly twice.
    @Test func stepsReadLessTheDeeperTheyAre() {
        var bench = Bench(evenDepth: 1_024)
        bench.scheduler.add(sequence(1, length: 4_000))
        #expect(positions(bench.step()) == [1: 512])
        #expect(positions(bench.step()) == [1: 341])
        bench.scheduler.add(sequence(2, length: 100))
        #expect(positions(bench.step()) == [1: 225, 2: 100])
        var steps = 3
        while positions(bench.step())[1] ?? 1 > 1 { steps += 1 }
        // 3,999 positions take as long as 3,999 + 3,999² / 2,048 positions at the beginning.
        #expect((22...24).contains(steps))
    }

    @Test func promptsShareEvenly() {
        var bench = Bench()
        for (id, length) in [(1, 3_000), (2, 2_000), (3, 100)] {
            bench.scheduler.add(sequence(UInt64(id), length: length))
        }
        #expect(positions(bench.step()) == [1: 170, 2: 170, 3: 100])
        #expect(positions(bench.step()) == [1: 256, 2: 255, 3: 1])
    }

    @Test func everyPromptGoesOnThoughThereAreMoreThanTheBudget() {
        var bench = Bench(budget: 4)
        for id: UInt64 in 1...10 { bench.scheduler.add(sequence(id, length: 30)) }
        var done: [UInt64: Int] = [:]
        for _ in 0..<80 { done.merge(positions(bench.step()), uniquingKeysWith: +) }
        #expect(done.count >= 4 && done.values.allSatisfy { $0 > 0 })
        #expect(done.values.reduce(0, +) == 320)
    }

    @Test func runningAnswersGoOnBesideABigImage() {
        var bench = Bench(budget: 256)
        bench.scheduler.add(sequence(1, length: 10))
        #expect(positions(bench.step()) == [1: 10])
        bench.scheduler.add(sequence(2, length: 40, images: [(reservation: 10, shade: 1)]))
        // The positions before the image are computed at once; two layers fit beside a token.
        var layers: [Int] = []
        for _ in 0..<6 {
            let plan = bench.step()
            layers.append(plan.images.reduce(0) { $0 + $1.layers })
            #expect(positions(plan)[1] == 1)
        }
        #expect(layers == [2, 2, 2, 2, 2, 2])
        #expect(positions(bench.step()) == [1: 1, 2: 1])
    }

    @Test func anImageTakesALayerAStepHoweverSmallTheBudget() {
        var bench = Bench(budget: 8)
        bench.scheduler.add(sequence(1, length: 12, images: [(reservation: 0, shade: 1)]))
        for _ in 0..<12 { #expect(bench.step().images.map(\.layers) == [1]) }
        #expect(positions(bench.step()) == [1: 8])
    }

    @Test func anImageThatComesTwiceIsEncodedOnce() {
        var bench = Bench(budget: 256)
        for id: UInt64 in 1...3 {
            bench.scheduler.add(sequence(id % 2, length: 40, images: [(reservation: 0, shade: 1)]))
        }
        var layers: [Int] = []
        for _ in 0..<7 {
            let plan = bench.step()
            layers.append(plan.images.reduce(0) { $0 + $1.layers })
            #expect(plan.images.allSatisfy { $0.sequence.id == 1 })
        }
        #expect(layers == [1, 2, 2, 2, 2, 2, 1])
        // The first one is in prefill now; another one with the same beginning finds its blocks.
        _ = bench.step()
        let cached = (0..<3).reduce(0) { sum, _ in
            sum + bench.step().chunks.filter { $0.sequence.cachedPositions == 32 }.count
        }
        #expect(cached > 0)
    }

    @Test func blocksArePromisedOnlyOnce() {
        // There is room for one prompt of 100 positions and its answer, not for two.
        var bench = Bench(blocks: 12, budget: 32)
        bench.scheduler.add(sequence(1, length: 100))
        bench.scheduler.add(sequence(2, length: 100))
        for _ in 0..<4 { _ = bench.step() }
        #expect(bench.scheduler.running.map(\.id) == [1] && bench.scheduler.preemptions == 0)
    }
}
