/// Reads a whole file of at most `limit` bytes: configurations and manifests, never weights.
func readSmallFile(_ path: String, limit: Int) throws(FileError) -> [UInt8] {
    let file = try MappedFile(path: path)
    guard file.count <= limit else {
        throw FileError(path: path, operation: "read", reason: "it has \(file.count) bytes, expected at most \(limit)")
    }
    return file.withBytes(0..<file.count, Array.init)
}
