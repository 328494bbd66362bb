import Support

/// Reads a whole regular file of up to `limit` bytes: configurations and manifests, never weights.
package func readSmallFile(_ path: String, limit: Int) throws(FileError) -> [UInt8] {
    let file = try MappedFile(path: path)
    guard file.count <= limit else {
        throw FileError(path: path, operation: "read", reason: "it has \(file.count) bytes, expected at most \(limit)")
    }
    return file.withBytes(0..<file.count, Array.init)
}

/// Decodes a JSON file of up to 1 MiB from another program; fields that `T` lacks are ignored.
package func decodeSmallFile<T: Decodable>(_ type: T.Type, path: String) throws(FileError) -> T {
    let bytes = try readSmallFile(path, limit: 1 << 20)
    do { return try decodeJSON(type, from: bytes) } catch {
        throw FileError(path: path, operation: "read", reason: error.reason)
    }
}
