public import Support

/// The cost of a request, in tokens.
public struct Usage: Sendable, Equatable {
    /// Prompt positions, images included. The prompt counts once for any number of answers.
    public var promptTokens: Int
    /// Prompt positions that are image positions.
    public var imageTokens: Int
    /// The images of the prompt in order: a member that OpenAI's usage does not have.
    public var images: [Image]
    /// For each prompt, by its index: the positions found in the cache.
    private var cached: [Int: Int] = [:]
    /// Tokens of all answers, end tokens included.
    public var completionTokens: Int

    /// An image: its size as received, and what it takes.
    public struct Image: Sendable, Equatable {
        /// Pixels per row.
        public var width: Int
        /// The number of rows.
        public var height: Int
        /// The name of its file's format; nil for an image that comes from no file.
        public var format: String?
        /// Whether the image was turned or mirrored as its file's EXIF data say. The sizes are those afterwards.
        public var isTurned: Bool
        /// The number of encoder inputs.
        public var tiles: Int
        /// The prompt positions of its tiles.
        public var positions: [Range<Int>]

        /// An image of the given sizes.
        public init(
            width: Int, height: Int, format: String?, isTurned: Bool, tiles: Int, positions: [Range<Int>]
        ) {
            self.width = width
            self.height = height
            self.format = format
            self.isTurned = isTurned
            self.tiles = tiles
            self.positions = positions
        }

        /// - Parameter cached: the number of positions that the cache had, from the prompt's start.
        fileprivate func json(cached: Int) -> JSON {
            [
                "width": JSON(width), "height": JSON(height), "format": format.map { .string($0) } ?? .null,
                "oriented": .bool(isTurned), "tiles": JSON(tiles),
                "tokens": JSON(positions.reduce(0) { $0 + $1.count }),
                "cached": JSON(positions.reduce(0) { $0 + $1.clamped(to: 0..<cached).count }),
            ]
        }
    }

    /// The counts of a request.
    public init(promptTokens: Int, imageTokens: Int, images: [Image] = [], completionTokens: Int = 0) {
        self.promptTokens = promptTokens
        self.images = images
        self.imageTokens = imageTokens
        self.completionTokens = completionTokens
    }

    /// Positions of all prompts found in the cache.
    public var cachedTokens: Int { cached.values.reduce(0, +) }

    /// Counts the positions of a prompt that one of its answers found in the cache. Later answers also find what the
    /// first one computed, so the smallest count is the prompt's.
    public mutating func add(cachedTokens: Int, ofPrompt index: Int) {
        cached[index] = min(cached[index] ?? .max, cachedTokens)
    }

    /// The counts in OpenAI's format. With images, `prompt_tokens_details` lists them.
    public var json: JSON {
        var details = [
            JSON.Member("cached_tokens", JSON(cachedTokens)), JSON.Member("image_tokens", JSON(imageTokens)),
            JSON.Member("audio_tokens", 0),
        ]
        if !images.isEmpty {
            details.append(JSON.Member("images", .array(images.map { $0.json(cached: cachedTokens) })))
        }
        return [
            "prompt_tokens": JSON(promptTokens), "completion_tokens": JSON(completionTokens),
            "total_tokens": JSON(promptTokens + completionTokens), "prompt_tokens_details": .object(details),
            "completion_tokens_details": [
                "reasoning_tokens": 0, "audio_tokens": 0, "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            ],
        ]
    }
}

/// A token of an answer with its log-probability.
public struct TokenLogprob: Sendable, Equatable {
    /// A token that is possible at this position.
    public struct Alternative: Sendable, Equatable {
        /// The token's bytes.
        public var bytes: [UInt8]
        /// The log-probability in nats, never below -9999; nil for the first token of a prompt, which nothing precedes.
        public var logprob: Double?

        /// An alternative with its log-probability.
        public init(bytes: [UInt8], logprob: Float?) {
            self.bytes = bytes
            self.logprob = logprob.map { $0 >= -9999 ? Double($0) : -9999 }
        }

        fileprivate var value: JSON { logprob.map { JSON($0) } ?? .null }
    }

    /// The token itself.
    public var token: Alternative
    /// The most likely tokens, most likely first.
    public var top: [Alternative]

    /// A token and its alternatives.
    public init(_ token: Alternative, top: [Alternative]) {
        self.token = token
        self.top = top
    }
}

extension TokenLogprob.Alternative {
    /// The members of an entry in a chat completion.
    fileprivate var members: [JSON.Member] {
        [
            JSON.Member("token", .string(String(decoding: bytes, as: UTF8.self))),
            JSON.Member("logprob", value),
            JSON.Member("bytes", .array(bytes.map { .integer(Int64($0)) })),
        ]
    }

    /// The token as text. Bytes that are not UTF-8 are written in hex, so that different tokens stay different.
    fileprivate var key: String {
        if let text = String(validating: bytes, as: UTF8.self) { return text }
        return "bytes:"
            + bytes.map { byte in
                let digits = String(byte, radix: 16)
                return "\\x" + (digits.count == 1 ? "0" : "") + digits
            }.joined()
    }
}

extension [TokenLogprob] {
    /// `logprobs` of a chat completion's choice.
    package var chatJSON: JSON {
        ["content": responsesJSON, "refusal": nil]
    }

    /// `logprobs` of a part of a response.
    package var responsesJSON: JSON {
        .array(
            map { entry in
                .object(
                    entry.token.members
                        + [JSON.Member("top_logprobs", .array(entry.top.map { .object($0.members) }))])
            })
    }

    /// `logprobs` of a completion's choice: four arrays of equal length.
    ///
    /// - Parameter offset: the number of characters before the first token; advanced to the number after the last
    ///   token.
    package func completionJSON(offset: inout Int) -> JSON {
        var offsets: [JSON] = []
        for entry in self {
            offsets.append(JSON(offset))
            // The characters are the bytes that are not UTF-8 continuation bytes.
            offset += entry.token.bytes.count { $0 & 0xC0 != 0x80 }
        }
        let top = map { entry -> JSON in
            if entry.token.logprob == nil { return .null }
            var members: [JSON.Member] = []
            for alternative in entry.top + [entry.token] where !members.contains(where: { $0.name == alternative.key })
            {
                members.append(JSON.Member(alternative.key, alternative.value))
            }
            return .object(members)
        }
        return [
            "tokens": .array(map { .string($0.token.key) }),
            "token_logprobs": .array(map(\.token.value)),
            "top_logprobs": .array(top), "text_offset": .array(offsets),
        ]
    }
}
