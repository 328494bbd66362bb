import Engine
import Images
import Models
import Policies
import Tokenizers
import WireFormats

/// A request in the engine: one stream of events for each choice.
struct Admitted: Sendable {
    /// Computes the streams and their scores.
    let engine: any InferenceEngine
    /// Keeps the engine's model loaded.
    let lease: ModelLease?
    let streams: [AsyncStream<EngineEvent>]
    /// The number of choices for each prompt. The choices of one prompt are adjacent.
    let choicesPerPrompt: Int
    let policy: Policy
    /// Decodes the tokens.
    let tokenizer: Tokenizer
    /// Prompt tokens, each prompt counted once.
    let usage: Usage
    /// Whether tokens are reported with their log-probabilities.
    var reportsTokens: Bool
    /// The prompt's token ids for each choice; nil if no token ids are reported.
    let promptTokenIDs: [[Int32]]?
    /// How the reward model picks one of the answers and scores it; nil if it is not involved.
    var scoring: AnswerScoring?
    /// Whether the response contains the scores.
    var reportsScores = false
    /// Whether the text has calls of functions.
    var calls = ToolChoice.none

    /// The number of choices in the response.
    var choices: Int { scoring == nil ? streams.count : 1 }

    /// The index of the prompt that a choice answers.
    func prompt(of choice: Int) -> Int { choice / choicesPerPrompt }
}

/// Turns callers' requests into engine requests, and reserves slots in its queue for them.
struct Admission: Sendable {
    let services: Services
    let model: ServedModel
    /// The current policies.
    let catalog: PolicyCatalog

    init(services: Services, model: ServedModel) {
        self.services = services
        self.model = model
        self.catalog = model.policies.catalog
    }

    /// The policy that a request names.
    func policy(_ name: String?) throws(APIError) -> Policy {
        guard let name else { return catalog.defaultPolicy }
        guard let policy = catalog[name] else { throw .unknownModel(name) }
        return policy
    }

    /// Admits a dialogue.
    ///
    /// - Parameters:
    ///   - param: the field that contains the dialogue.
    ///   - scores: whether the answers are scored; this needs a reward model.
    ///   - answersDiffer: whether a policy that is greedy by default samples.
    ///   - continuesLast: whether the answer continues the last message if that is the assistant's.
    ///   - context: the caller; nil for the server's own work, which no caller waits for.
    func admit(
        _ messages: [DialogueMessage], options: GenerationOptions, policy: Policy, param: String, scores: Bool = false,
        answersDiffer: Bool = false, continuesLast: Bool = false, context: ServerContext?
    ) async throws -> Admitted {
        let record = context?.record ?? RequestRecord()
        let references = messages.flatMap(\.images)
        try check(references, policy: policy)
        try check(options)
        note(policy, hasImages: !references.isEmpty, in: record)
        // Reserve first: no image is decoded for a request that is then refused.
        let reservations = try reserve(options.count, hasImages: !references.isEmpty, param: param)
        let deadline = ContinuousClock.now + services.configuration.deadline
        var options = options
        options.maximumTokens = options.maximumTokens ?? services.configuration.maximumTokens
        let (endsRepetition, candidates) = (!options.ignoresEnd, options.count)
        let tools = options.tools?.shown ?? []
        let grammar = try await grammar(for: options)
        let readers = [policy] + (scores ? [catalog.reward, catalog.value, catalog.reference].compactMap { $0 } : [])
        let images = try await self.images(references, for: readers, context: context)
        let (request, scoring) = try await services.workers.run(on: messages.textBytes) {
            try checkLength(messages, param: param)
            let (messages, beginning) = Self.dialogue(messages, continuesLast: continuesLast)
            return try rendered(param) { () throws(InputProcessor.Failure) -> (EngineRequest, AnswerScoring?) in
                var request = try model.processor.request(
                    messages: messages, images: images, tools: tools, policy: policy, beginning: beginning)
                request.stop.endsRepetition = endsRepetition
                request.grammar = grammar
                if answersDiffer { request.makeAnswersDiffer() }
                guard scores else { return (request, nil) }
                if candidates > 1 { request.makeAnswersDiffer() }
                let scoring = try AnswerScoring(
                    messages: messages, images: images, policy: policy, catalog: catalog,
                    processor: model.processor, contextLength: model.contextLength, deadline: deadline)
                return (request, scoring)
            }
        }
        let allowed = try self.options(options, for: scoring, prompt: request.prompt.count, param: param)
        var admitted = try submit(
            [request], options: allowed, policy: policy, reservations: reservations, param: param, deadline: deadline,
            record: record)
        admitted.calls = options.tools?.choice ?? .none
        if scoring != nil { (admitted.scoring, admitted.reportsTokens) = (scoring, false) }
        return admitted
    }

    /// The request that a dialogue would become, for the length of its prompt. Nothing is queued.
    func prompt(
        of messages: [DialogueMessage], tools: ToolUse? = nil, policy: Policy, param: String,
        continuesLast: Bool = false, context: ServerContext
    ) async throws -> EngineRequest {
        let references = messages.flatMap(\.images)
        try check(references, policy: policy)
        note(policy, hasImages: !references.isEmpty, in: context.record)
        let images = try await self.images(references, for: [policy], context: context)
        return try await services.workers.run(on: messages.textBytes) {
            try checkLength(messages, param: param)
            let (messages, beginning) = Self.dialogue(messages, continuesLast: continuesLast)
            return try rendered(param) { () throws(InputProcessor.Failure) -> EngineRequest in
                try model.processor.request(
                    messages: messages, images: images, tools: tools?.shown ?? [], policy: policy,
                    beginning: beginning)
            }
        }
    }

    /// The options for an answer that is scored: the models that score it must have room for it too.
    private func options(
        _ options: GenerationOptions, for scoring: AnswerScoring?, prompt: Int, param: String
    ) throws(APIError) -> GenerationOptions {
        guard let scoring else { return options }
        let room = scoring.room
        guard room > 0 else {
            throw APIError(
                AdmissionError.contextLengthExceeded(limit: model.contextLength, count: prompt), param: param)
        }
        var options = options
        options.maximumTokens = min(options.maximumTokens ?? room, room)
        options.topLogprobs = 0
        return options
    }

    /// The images as tiles for the encoders of `readers`. Stops if the caller disconnects.
    func images(
        _ images: [ImageReference], for readers: [Policy], context: ServerContext?
    ) async throws -> [InputProcessor.Image] {
        guard !images.isEmpty else { return [] }
        let visions = readers.compactMap(\.vision)
        let owner = context?.record.current.keyID
        let read = { @Sendable [services] in
            try await services.imageReader.read(images, for: visions, owner: owner) { sizes in
                try checkLength(sizes, for: readers)
            }
        }
        guard let context else { return try await read() }
        return try await whileConnected(context.monitor(), read)
    }

    /// Refuses images whose tiles cannot fit, before they are decoded.
    private func checkLength(_ images: [ImageReader.Size], for readers: [Policy]) throws(APIError) {
        for vision in readers.compactMap(\.vision) {
            let tokens = images.reduce(0) { $0 + vision.leastTokens(width: $1.width, height: $1.height, $1.detail) }
            guard tokens >= model.contextLength else { continue }
            throw APIError(
                .contextLengthExceeded,
                "This model's maximum context length is \(model.contextLength) tokens, and the images take \(tokens): "
                    + "send fewer images, or images with \"detail\": \"low\".", param: images[0].param)
        }
    }

    /// Refuses text that cannot fit, before it is tokenized.
    func checkLength(_ messages: [DialogueMessage], param: String) throws(APIError) {
        try checkLength(messages.flatMap(\.texts), param: param)
    }

    func checkLength(_ texts: [String], param: String) throws(APIError) {
        // Every token is at least one byte of text.
        guard texts.reduce(0, { $0 + $1.utf8.count }) >= model.contextLength else { return }
        let count = model.processor.tokenizer.minimumCount(of: texts)
        guard count >= model.contextLength else { return }
        throw APIError(
            .contextLengthExceeded,
            "This model's maximum context length is \(model.contextLength) tokens, and \(param) has at least \(count).",
            param: param)
    }

    /// Admits raw prompts.
    func admit(_ wanted: CompletionRequest, policy: Policy, record: RequestRecord) async throws -> Admitted {
        let options = wanted.options
        try check(options)
        note(policy, hasImages: false, in: record)
        let grammar = try await grammar(for: options)
        let requests = try await services.workers.run(on: wanted.textBytes) {
            try wanted.prompts.map { prompt in
                let ids = try ids(of: prompt)
                guard ids.count < model.contextLength else {
                    let error = AdmissionError.contextLengthExceeded(limit: model.contextLength, count: ids.count)
                    throw APIError(error, param: "prompt")
                }
                try check(ids, param: "prompt")
                var request = EngineRequest(prompt: ids, policy: policy)
                request.sampling = policy.sampling
                request.echoesPrompt = wanted.echoesPrompt
                request.grammar = grammar
                return request
            }
        }
        let reservations = try reserve(requests.count * options.count, hasImages: false, param: "prompt")
        return try submit(
            requests, options: options, policy: policy, reservations: reservations, param: "prompt", record: record)
    }

    private func ids(of prompt: CompletionRequest.Prompt) throws(APIError) -> [Int32] {
        switch prompt {
        case .tokens(let ids): return ids
        case .text(let text):
            try checkLength([text], param: "prompt")
            return model.processor.tokenizer.encode(text, special: .recognized)
        }
    }

    func note(_ policy: Policy, hasImages: Bool, in record: RequestRecord) {
        let (name, generation) = (policy.requestName, policy.generation)
        record.update {
            $0.policy = name
            $0.generation = generation
            $0.hasImages = hasImages
        }
    }

    func check(_ images: [ImageReference], policy: Policy) throws(APIError) {
        let limit = services.configuration.maximumImages
        guard images.count <= limit else {
            throw APIError(
                .tooManyImages, "The request has \(images.count) pictures, more than \(limit).",
                param: images[limit].param)
        }
        if policy.vision == nil, let first = images.first {
            throw APIError(
                .unsupportedValue, "The model \(policy.requestName) cannot see pictures.", param: first.param)
        }
    }

    private func check(_ options: GenerationOptions) throws(APIError) {
        try check(Array(options.logitBias.keys), param: "logit_bias")
        try check(options.stopTokenIDs, param: "stop_token_ids")
    }

    func check(_ ids: [Int32], param: String) throws(APIError) {
        let size = model.processor.tokenizer.vocabularySize
        guard let unknown = ids.first(where: { $0 >= size }) else { return }
        throw APIError(
            .invalidValue, "\(param) has the token id \(unknown), but there are only \(size).", param: param)
    }

    func reserve(_ count: Int, hasImages: Bool, param: String) throws(APIError) -> [Reservation] {
        var reservations: [Reservation] = []
        for _ in 0..<count {
            do {
                reservations.append(try model.engine.reserve(hasImages: hasImages))
            } catch {
                var error = APIError(error, param: param)
                error.retryAfter = RateLimiter.retryAfter(model.engine.load.expectedWait ?? .zero)
                throw error
            }
        }
        return reservations
    }

    /// The result of `render`. Its error names the field that contains the dialogue.
    func rendered<Rendered>(
        _ param: String, _ render: () throws(InputProcessor.Failure) -> Rendered
    ) throws(APIError) -> Rendered {
        do {
            return try render()
        } catch {
            switch error {
            case .cannotSee(let name):
                throw APIError(.unsupportedValue, "The model \(name) cannot see pictures.", param: param)
            case .template(.missingToken(let token)):
                throw APIError(
                    .unsupportedValue,
                    "This model takes raw prompts only, at /v1/completions: "
                        + "\(ChatTemplateError.missingToken(token)).", param: "model")
            case .template(let reason): throw APIError(.invalidValue, "\(param): \(reason).", param: param)
            }
        }
    }

    func submit(
        _ requests: [EngineRequest], options: GenerationOptions, policy: Policy, reservations: [Reservation],
        param: String, deadline: ContinuousClock.Instant? = nil, record: RequestRecord
    ) throws(APIError) -> Admitted {
        let seed = options.seed.map { UInt64(bitPattern: $0) } ?? .random(in: .min ... .max)
        let usage = Usage(
            promptTokens: requests.reduce(0) { $0 + $1.givenTokens },
            imageTokens: requests.reduce(0) { $0 + $1.imageTokens },
            images: requests.flatMap(\.imageSizes).map {
                Usage.Image(
                    width: $0.width, height: $0.height, format: $0.header?.format.rawValue,
                    isTurned: $0.header.map { $0.orientation != .upright } ?? false, tiles: $0.tiles,
                    positions: $0.positions)
            })
        if let key = record.current.key {
            try services.limiter.charge(usage.promptTokens, to: key, metrics: services.metrics)
        }
        let deadline = deadline ?? ContinuousClock.now + services.configuration.deadline
        var streams: [AsyncStream<EngineEvent>] = []
        for (place, reservation) in reservations.enumerated() {
            var request = requests[place / options.count]
            request.apply(options)
            request.sampling.seed = seed
            request.sampling = request.sampling.choice(place % options.count)
            request.deadline = deadline
            do {
                streams.append(try model.engine.submit(request, in: reservation))
            } catch {
                throw APIError(error, param: param)
            }
        }
        let labels: ServerMetrics.Labels = [("model", policy.requestName)]
        services.metrics.add(.promptTokens, labels + [("kind", "text")], usage.promptTokens - usage.imageTokens)
        services.metrics.add(.promptTokens, labels + [("kind", "image")], usage.imageTokens)
        record.update {
            $0.promptTokens = usage.promptTokens
            $0.imageTokens = usage.imageTokens
        }
        return Admitted(
            engine: model.engine, lease: model.lease, streams: streams, choicesPerPrompt: options.count, policy: policy,
            tokenizer: model.processor.tokenizer,
            usage: usage, reportsTokens: options.topLogprobs != nil,
            promptTokenIDs: options.reportsTokenIDs
                ? streams.indices.map { requests[$0 / options.count].prompt } : nil)
    }
}

extension CompletionRequest {
    /// The bytes of all text.
    fileprivate var textBytes: Int {
        prompts.reduce(0) { sum, prompt in if case .text(let text) = prompt { sum + text.utf8.count } else { sum } }
    }
}

extension EngineRequest {
    /// Overrides the policy's defaults with the caller's options.
    fileprivate mutating func apply(_ options: GenerationOptions) {
        if let value = options.temperature { sampling.temperature = Float(value) }
        if let value = options.topP { sampling.topP = Float(value) }
        if let value = options.topK { sampling.topK = value > 0 ? value : nil }
        if let value = options.minP { sampling.minP = Float(value) }
        if let value = options.repetitionPenalty { sampling.repetitionPenalty = Float(value) }
        if let value = options.presencePenalty { sampling.presencePenalty = Float(value) }
        if let value = options.frequencyPenalty { sampling.frequencyPenalty = Float(value) }
        sampling.logitBias = options.logitBias.mapValues { Float($0) }
        stop.strings = options.stop
        stop.includesString = options.includesStop
        stop.tokenIDs = Set(options.stopTokenIDs)
        stop.ignoresEndToken = options.ignoresEnd
        stop.minimumTokens = options.minimumTokens
        stop.maximumTokens = options.maximumTokens
        topLogprobs = options.topLogprobs
    }
}
