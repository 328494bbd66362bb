/// A host with an optional port, as `Host` headers and URLs write it.
struct Authority: Equatable {
    /// In lower case, an IPv6 address without its brackets.
    var host: String
    /// Nil: the scheme's own.
    var port: UInt16?

    /// Nil if the text is malformed.
    init?(_ text: some StringProtocol) {
        var rest = text.lowercased()[...]
        if rest.hasPrefix("[") {
            guard let end = rest.firstIndex(of: "]") else { return nil }
            host = String(rest[..<end].dropFirst())
            rest = rest[rest.index(after: end)...]
        } else {
            host = String(rest.prefix { $0 != ":" })
            rest = rest.dropFirst(host.count)
            if host.hasSuffix(".") { host.removeLast() }
        }
        guard !host.isEmpty, host.utf8.allSatisfy(Self.isOfHost) else { return nil }
        guard !rest.isEmpty, rest != ":" else { return }
        guard rest.first == ":", let port = UInt16(rest.dropFirst()) else { return nil }
        self.port = port
    }

    /// Whether `host`, in lower case, leads to this machine alone.
    static func isLoopback(_ host: String) -> Bool {
        let octets = host.split(separator: ".", omittingEmptySubsequences: false)
        return host == "localhost" || host == "::1"
            || octets.count == 4 && octets[0] == "127" && octets.allSatisfy { UInt8($0) != nil }
    }

    private static func isOfHost(_ byte: UInt8) -> Bool {
        byte > 0x20 && byte < 0x7F && !"/@\\?#[]\"<>".utf8.contains(byte)
    }
}
