import Foundation
import HTTPTypes
import Hummingbird
import NIOCore

/// The web page and its files. They are read once at the start, so a request cannot reach any other file.
struct PageController: Controller {
    private let index: Response?
    private let assets: [String: Response]

    private static let mediaTypes = [
        "html": "text/html; charset=utf-8", "css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8",
        "svg": "image/svg+xml", "png": "image/png", "ico": "image/x-icon", "json": "application/json",
        "woff2": "font/woff2", "txt": "text/plain; charset=utf-8",
    ]

    /// The page loads its own files alone, sends nothing elsewhere, and assigns no HTML. Chosen images are blobs.
    private static let contentSecurityPolicy = [
        "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data: blob:",
        "connect-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
        "require-trusted-types-for 'script'", "trusted-types 'none'",
    ].joined(separator: "; ")

    /// The files of `folder`; none if the folder does not exist.
    init(folder: String) {
        index = Self.file("\(folder)/index.html")
        let names = FileManager.default.enumerator(atPath: "\(folder)/assets")?.compactMap { $0 as? String } ?? []
        assets = Dictionary(
            names.compactMap { name in Self.file("\(folder)/assets/\(name)").map { (name, $0) } },
            uniquingKeysWith: { first, _ in first })
    }

    func addRoutes(to routes: Routes) {
        routes.add(
            "/", for: .everyone,
            get: { _, _ in
                guard let index else { throw HTTPError(.notFound) }
                return index
            })
        // The page's own files need no key, because the page is where users enter their key.
        routes.add(
            "/assets/**", for: .everyone,
            get: { request, _ in
                guard let asset = assets[String(request.uri.path.dropFirst("/assets/".count))] else {
                    throw HTTPError(.notFound)
                }
                return asset
            })
    }

    private static func file(_ path: String) -> Response? {
        guard let type = mediaTypes[URL(fileURLWithPath: path).pathExtension],
            let content = FileManager.default.contents(atPath: path)
        else { return nil }
        return Response(
            status: .ok,
            headers: [
                .contentType: type, .cacheControl: "no-cache",
                .contentSecurityPolicy: contentSecurityPolicy,
            ], body: ResponseBody(byteBuffer: ByteBuffer(bytes: content)))
    }
}
