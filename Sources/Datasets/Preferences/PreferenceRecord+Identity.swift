import Crypto
import Foundation

extension PreferenceRecord {
    /// The id of a comparison that `parts` describe wholly: the same parts give the same id, everywhere.
    public static func id(of parts: [String]) -> String {
        let key = parts.map { "\($0.utf8.count):\($0)" }.joined()
        let digits = SHA256.hash(data: Data(key.utf8)).prefix(12).map { byte in
            let text = String(byte, radix: 16)
            return byte < 16 ? "0" + text : text
        }
        return "cmp_" + digits.joined()
    }
}
