import Checkpoints

/// The SHA-256 of everything that decides a policy's answers. Evaluations and caches hold for exactly these bytes.
public struct PolicyDigests: Codable, Equatable, Sendable {
    /// `adapter_model.safetensors`; nil for the base model alone.
    public var adapter: String?
    /// `adapter_config.json`, which scales the adapter; nil for the base model alone.
    public var adapterConfiguration: String?
    /// The vision model's weights and sizes, and how images are prepared for it; nil for a policy that cannot see.
    public var vision: String?
    /// The base model's file.
    public var backbone: String

    enum CodingKeys: String, CodingKey {
        case adapter = "adapter_sha256"
        case adapterConfiguration = "adapter_config_sha256"
        case vision = "vision_sha256"
        case backbone = "backbone_sha256"
    }

    /// The given digests.
    public init(adapter: String?, adapterConfiguration: String?, vision: String?, backbone: String) {
        self.adapter = adapter
        self.adapterConfiguration = adapterConfiguration
        self.vision = vision
        self.backbone = backbone
    }

    /// The digests of a published policy; `visionWeights` is the SHA-256 of the file of its vision weights.
    public init(_ manifest: PolicyManifest, visionWeights: String?) {
        self.init(
            adapter: manifest.files[PolicyFiles.adapterWeights]?.sha256,
            adapterConfiguration: manifest.files[PolicyFiles.adapterConfiguration]?.sha256,
            vision: visionWeights.flatMap { manifest.image?.digest(weights: $0) },
            backbone: manifest.backbone)
    }

    /// The fields in which `found` differs, as `field: expected X, found Y`.
    public func differences(from found: PolicyDigests) -> [String] {
        let fields: [(CodingKeys, String?, String?)] = [
            (.adapter, adapter, found.adapter),
            (.adapterConfiguration, adapterConfiguration, found.adapterConfiguration),
            (.vision, vision, found.vision), (.backbone, backbone, found.backbone),
        ]
        return fields.filter { $1 != $2 }.map { field, expected, found in
            "\(field.rawValue): expected \(expected ?? "none"), found \(found ?? "none")"
        }
    }
}
