import Engine
import Images
import NIOPosix
import Tokenizers
import WireFormats

/// A request that the engine has taken: one stream of events for each choice.
struct Admitted: Sendable {
    let streams: [AsyncStream<EngineEvent>]
    let policy: Policy
    /// Spells the tokens.
    let tokenizer: Tokenizer
    /// Prompt tokens, each prompt counted once.
    let usage: Usage
    /// Whether tokens are reported with their log-probabilities.
    let reportsTokens: Bool
}

/// Turns what a caller asks for into requests of the engine, and gets them a place in its queue.
struct Admission: Sendable {
    let services: Services
    let model: ServedModel

    /// The policy that a request names.
    func policy(_ name: String?) throws(APIError) -> Policy {
        let catalog = model.policies.catalog
        guard let name else { return catalog.defaultPolicy }
        guard let policy = catalog[name] else { throw .unknownModel(name) }
        return policy
    }

    /// Takes a dialogue. `param` is the field that holds it.
    func admit(
        _ messages: [DialogueMessage], options: GenerationOptions, policy: Policy, param: String,
        record: RequestRecord
    ) async throws -> Admitted {
        let images = messages.flatMap(\.images)
        try check(images, policy: policy)
        try check(options)
        note(policy, hasImages: !images.isEmpty, in: record)
        // A place first: nobody's picture is decoded only to be turned away.
        let places = try reserve(options.count, hasImages: !images.isEmpty, param: param)
        let started = ContinuousClock.now
        let request = try await NIOThreadPool.singleton.runIfActive {
            try render(messages, images: images, policy: policy, param: param)
        }
        if !images.isEmpty {
            services.metrics.observe(.imageDecode, [], (ContinuousClock.now - started).seconds)
        }
        return try submit([request], options: options, policy: policy, places: places, param: param, record: record)
    }

    /// Takes raw prompts.
    func admit(_ wanted: CompletionRequest, policy: Policy, record: RequestRecord) throws -> Admitted {
        let options = wanted.options
        try check(options)
        note(policy, hasImages: false, in: record)
        var requests: [EngineRequest] = []
        for prompt in wanted.prompts {
            let ids =
                switch prompt {
                case .text(let text): model.processor.tokenizer.encode(text, special: .recognized)
                case .tokens(let ids): ids
                }
            try check(ids, param: "prompt")
            var request = EngineRequest(prompt: ids, policy: policy)
            request.sampling = policy.sampling
            request.echoesPrompt = wanted.echoesPrompt
            requests.append(request)
        }
        let places = try reserve(requests.count * options.count, hasImages: false, param: "prompt")
        return try submit(
            requests, options: options, policy: policy, places: places, param: "prompt", record: record)
    }

    private func note(_ policy: Policy, hasImages: Bool, in record: RequestRecord) {
        let (name, generation) = (policy.name, policy.generation)
        record.update {
            $0.policy = name
            $0.generation = generation
            $0.hasImages = hasImages
        }
    }

    private func check(_ images: [ImageReference], policy: Policy) throws(APIError) {
        let limit = services.configuration.maximumImages
        guard images.count <= limit else {
            throw APIError(
                .tooManyImages, "The request has \(images.count) pictures, more than \(limit).",
                param: images[limit].param)
        }
        if policy.vision == nil, let first = images.first {
            throw APIError(
                .unsupportedValue, "The model \(policy.name) cannot see pictures.", param: first.param)
        }
    }

    private func check(_ options: GenerationOptions) throws(APIError) {
        try check(Array(options.logitBias.keys), param: "logit_bias")
        try check(options.stopTokenIDs, param: "stop_token_ids")
    }

    private func check(_ ids: [Int32], param: String) throws(APIError) {
        let size = model.processor.tokenizer.vocabularySize
        guard let unknown = ids.first(where: { $0 >= size }) else { return }
        throw APIError(
            .invalidValue, "\(param) has the token id \(unknown), but there are only \(size).", param: param)
    }

    private func reserve(_ count: Int, hasImages: Bool, param: String) throws(APIError) -> [Reservation] {
        var places: [Reservation] = []
        for _ in 0..<count {
            do {
                places.append(try model.engine.reserve(hasImages: hasImages))
            } catch {
                throw APIError(error, param: param)
            }
        }
        return places
    }

    /// Decodes and renders; slow, so it runs on a thread of its own.
    private func render(
        _ messages: [DialogueMessage], images: [ImageReference], policy: Policy, param: String
    ) throws(APIError) -> EngineRequest {
        let pictures = try PictureReader(limits: services.configuration.imageLimits).pictures(images)
        for picture in pictures {
            services.metrics.observe(.imagePixels, [], Double(picture.image.width * picture.image.height))
        }
        var next = 0
        let dialogue = messages.map { message in
            ChatMessage(
                role: message.role.templateRole,
                content: message.parts.map { part in
                    switch part {
                    case .text(let text): return .text(text)
                    case .image:
                        defer { next += 1 }
                        return .image(next)
                    }
                })
        }
        do {
            return try model.processor.request(messages: dialogue, pictures: pictures, policy: policy)
        } catch {
            switch error {
            case .cannotSee(let name):
                throw APIError(.unsupportedValue, "The model \(name) cannot see pictures.", param: param)
            case .template(let reason): throw APIError(.invalidValue, "\(param): \(reason).", param: param)
            }
        }
    }

    private func submit(
        _ requests: [EngineRequest], options: GenerationOptions, policy: Policy, places: [Reservation],
        param: String, record: RequestRecord
    ) throws(APIError) -> Admitted {
        let seed = options.seed.map { UInt64(bitPattern: $0) } ?? .random(in: .min ... .max)
        let deadline = ContinuousClock.now + services.configuration.deadline
        var streams: [AsyncStream<EngineEvent>] = []
        for (place, reservation) in places.enumerated() {
            var request = requests[place / options.count]
            request.apply(options)
            // Each choice draws from a stream of its own; the first one from the seed's.
            request.sampling.seed = seed &+ UInt64(place % options.count) &* 0xD1B5_4A32_D192_ED03
            request.deadline = deadline
            do {
                streams.append(try model.engine.submit(request, in: reservation))
            } catch {
                throw APIError(error, param: param)
            }
        }
        let usage = Usage(
            promptTokens: requests.reduce(0) { $0 + $1.prompt.count },
            imageTokens: requests.reduce(0) { $0 + $1.imageTokens })
        let labels: Metrics.Labels = [("model", policy.name)]
        services.metrics.add(.promptTokens, labels + [("kind", "text")], usage.promptTokens - usage.imageTokens)
        services.metrics.add(.promptTokens, labels + [("kind", "image")], usage.imageTokens)
        record.update { $0.promptTokens = usage.promptTokens }
        return Admitted(
            streams: streams, policy: policy, tokenizer: model.processor.tokenizer, usage: usage,
            reportsTokens: options.topLogprobs != nil)
    }
}

extension DialogueMessage.Role {
    fileprivate var templateRole: ChatMessage.Role {
        switch self {
        case .system: .system
        case .user: .user
        case .assistant: .assistant
        }
    }
}

extension EngineRequest {
    /// Overrides the policy's defaults with what the caller says.
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
