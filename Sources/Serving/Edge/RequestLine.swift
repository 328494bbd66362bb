import NIOCore

/// Remembers the last bytes that came between two requests, so that a request whose method the parser does not know can
/// be answered by its path like any other.
final class RequestLine: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer

    private var latest: ByteBuffer?
    /// False while a request is read: its bytes are not kept a second time.
    var isBetweenRequests = true {
        didSet { latest = nil }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if isBetweenRequests { latest = unwrapInboundIn(data) }
        context.fireChannelRead(data)
    }

    /// The path, if what came last begins with a well-formed request line.
    var path: String? {
        guard let bytes = latest?.readableBytesView.prefix(32 << 10) else { return nil }
        let line = String(decoding: bytes.prefix { $0 != UInt8(ascii: "\r") }, as: UTF8.self)
        let words = line.split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 3, words[2].hasPrefix("HTTP/1."), words[1].hasPrefix("/"), Self.isToken(words[0])
        else { return nil }
        return String(words[1].prefix { $0 != "?" })
    }

    private static func isToken(_ text: Substring) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !"\"(),/:;<=>?@[\\]{}".utf8.contains($0) }
    }
}
