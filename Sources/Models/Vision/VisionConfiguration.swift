/// The sizes of a vision encoder and connector in the style of Idefics3/SmolVLM.
///
/// A tile of `imageSize` × `imageSize` pixels becomes `patches` patches, and after the pixel shuffle `tokensPerTile`
/// rows of the language model's width. The policy that ships: 64 pixels, patch 8, width 192, 6 blocks, 3 heads, shuffle
/// by 2, so 16 tokens per tile.
public struct VisionConfiguration: Sendable, Equatable {
    /// The `model_type`s of checkpoints with such an encoder.
    public static let modelTypes = ["idefics3", "smolvlm"]

    /// The side of a tile in pixels.
    public let imageSize: Int
    /// The side of a patch in pixels.
    public let patchSize: Int
    /// Width of the encoder.
    public let hidden: Int
    /// Transformer blocks.
    public let layers: Int
    /// Attention heads.
    public let heads: Int
    /// Width of the feed-forward layer.
    public let feedForward: Int
    /// The side of the square of patches that the pixel shuffle combines into one token.
    public let scale: Int
    /// Width of the language model.
    public let textHidden: Int
    /// Channels of the convolutions before the one that gives patches: all are 3 × 3 with stride 2, and a GELU is
    /// between them (Xiao et al. 2021, "Early Convolutions Help Transformers See Better", arXiv 2106.14881). Empty: one
    /// linear layer embeds each patch, as in SigLIP.
    public let stem: [Int]
    /// ε of the layer norms.
    public let normEpsilon: Float
    /// Whether a learned embedding ends each row of tokens (`RowEnds`).
    public let endsRows: Bool
    /// Whether the weights have a head that names the characters in an image (`TextReader`).
    public let readsText: Bool

    /// A configuration of the given sizes.
    ///
    /// - Throws: `VisionError.sizes` if a size is not positive or too large, or does not divide another size as the
    ///   architecture requires.
    public init(
        imageSize: Int, patchSize: Int, hidden: Int, layers: Int, heads: Int, feedForward: Int, scale: Int,
        textHidden: Int, stem: [Int] = [], normEpsilon: Float = 1e-6, endsRows: Bool = false,
        readsText: Bool = false
    ) throws(VisionError) {
        for (name, size, limit) in [
            ("image_size", imageSize, 1 << 14), ("patch_size", patchSize, 1 << 10), ("hidden_size", hidden, 1 << 16),
            ("num_hidden_layers", layers, 1 << 10), ("num_attention_heads", heads, 1 << 10),
            ("intermediate_size", feedForward, 1 << 18), ("scale_factor", scale, 1 << 6),
            ("text_hidden_size", textHidden, 1 << 16),
        ] where size < 1 || size > limit {
            throw .sizes("\(name) is \(size), expected 1 to \(limit)")
        }
        // As in the reference, pixels beyond the last whole patch are not read.
        let side = imageSize / patchSize
        guard side > 0, side % scale == 0 else {
            throw .sizes(
                "\(side) patches a side (image_size \(imageSize), patch_size \(patchSize)) are no multiple of "
                    + "scale_factor \(scale)")
        }
        guard stem.isEmpty || (stem.count < 10 && patchSize == 2 << stem.count && stem.allSatisfy { (1...4_096) ~= $0 })
        else {
            throw .sizes(
                "a stem of \(stem.count) convolutions of \(stem) channels before the last one halves pixels to no patch "
                    + "of \(patchSize)")
        }
        guard hidden % heads == 0 else {
            throw .sizes("hidden_size \(hidden) is no multiple of num_attention_heads \(heads)")
        }
        guard normEpsilon > 0 else { throw .sizes("layer_norm_eps is \(normEpsilon), expected a positive number") }
        self.imageSize = imageSize
        self.patchSize = patchSize
        self.hidden = hidden
        self.layers = layers
        self.heads = heads
        self.feedForward = feedForward
        self.scale = scale
        self.textHidden = textHidden
        self.stem = stem
        self.normEpsilon = normEpsilon
        self.endsRows = endsRows
        self.readsText = readsText
    }

    /// The same sizes, with or without an embedding at the end of each row of tokens, and a head that reads.
    package func with(rowEnds endsRows: Bool, reader readsText: Bool) -> VisionConfiguration {
        VisionConfiguration(self, endsRows: endsRows, readsText: readsText)
    }

    private init(_ other: VisionConfiguration, endsRows: Bool, readsText: Bool) {
        imageSize = other.imageSize
        patchSize = other.patchSize
        hidden = other.hidden
        layers = other.layers
        heads = other.heads
        feedForward = other.feedForward
        scale = other.scale
        textHidden = other.textHidden
        stem = other.stem
        normEpsilon = other.normEpsilon
        self.endsRows = endsRows
        self.readsText = readsText
    }

    /// Patches along one side of a tile.
    public var patchesPerSide: Int { imageSize / patchSize }

    /// Patches of a tile.
    public var patches: Int { patchesPerSide * patchesPerSide }

    /// Tokens of a tile.
    public var tokensPerTile: Int { patches / (scale * scale) }

    /// Positions of a tile in a prompt: its tokens, and the ends of its rows.
    public var positionsPerTile: Int { tokensPerTile + (endsRows ? tokensPerSide : 0) }

    /// Tokens along one side of a tile.
    public var tokensPerSide: Int { patchesPerSide / scale }

    /// Multiplications in one block for one tile.
    public var layerProducts: Int {
        patches * hidden * (4 * hidden + 2 * feedForward + 2 * patches)
    }

    /// Elements of a flattened patch: channel, row, column.
    public var patchElements: Int { 3 * patchSize * patchSize }

    /// Elements of a connector input row: `scale` × `scale` patches.
    public var shuffledWidth: Int { hidden * scale * scale }
}

/// Why a file cannot be loaded as a vision encoder.
public enum VisionError: Error, Equatable, CustomStringConvertible {
    /// The sizes do not fit together.
    case sizes(String)
    /// A tensor that the encoder needs is not in the file.
    case missingTensor(String)
    /// The file contains a tensor that the encoder does not have.
    case unknownTensor(String)
    /// A tensor's shape does not match the sizes.
    case shape(String, expected: [Int], found: [Int])
    /// A size is missing in the file's metadata, or is not a number.
    case metadata(String)

    /// The problem with names and numbers.
    public var description: String {
        switch self {
        case .sizes(let reason): "vision sizes: \(reason)"
        case .missingTensor(let name): "vision tensor \(name) is missing"
        case .unknownTensor(let name): "vision tensor \(name) is unknown"
        case .shape(let name, let expected, let found):
            "vision tensor \(name): expected shape \(expected), found \(found)"
        case .metadata(let field): "vision metadata: \(field) is missing or no number"
        }
    }
}
