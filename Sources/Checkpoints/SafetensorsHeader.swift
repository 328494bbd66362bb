import Foundation
import Support

/// The JSON at the front of a safetensors file.
struct SafetensorsHeader: Codable {
    /// One tensor as the header describes it.
    struct Entry: Codable {
        var dtype: String
        var shape: [Int]
        /// The first byte and the byte after the last one, counted from the end of the header.
        var offsets: [Int]

        enum CodingKeys: String, CodingKey {
            case dtype, shape
            case offsets = "data_offsets"
        }
    }

    var metadata: [String: String]
    var entries: [String: Entry]

    init(metadata: [String: String], entries: [String: Entry]) {
        self.metadata = metadata
        self.entries = entries
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: AnyKey.self)
        metadata = [:]
        entries = [:]
        for key in container.allKeys {
            if key == .metadata {
                metadata = try container.decode([String: String].self, forKey: key)
            } else {
                entries[key.stringValue] = try container.decode(Entry.self, forKey: key)
            }
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: AnyKey.self)
        if !metadata.isEmpty { try container.encode(metadata, forKey: .metadata) }
        for (name, entry) in entries { try container.encode(entry, forKey: AnyKey(name)) }
    }
}

extension AnyKey {
    fileprivate static let metadata = AnyKey("__metadata__")
}
