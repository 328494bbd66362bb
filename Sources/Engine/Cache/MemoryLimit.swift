import Foundation

/// How much memory this process may take.
public enum MemoryLimit {
    /// Bytes: the least of the machine's memory and the limits of the control groups that the process is in, and of
    /// those around them.
    ///
    /// Inside a container the kernel shows paths that are mounted elsewhere, or not at all: limits that cannot be read
    /// are passed over, the one of the mounted root is always tried. Version 2's `max`, and version 1's number of the
    /// same meaning, are above any machine's memory.
    public static var bytes: Int { bytes(root: "", memory: Int(clamping: ProcessInfo.processInfo.physicalMemory)) }

    /// The same with the files under `root`, on a machine of `memory` bytes.
    package static func bytes(root: String, memory: Int) -> Int {
        let groups = text("\(root)/proc/self/cgroup")?.split(separator: "\n") ?? []
        let files = groups.flatMap { group -> [String] in
            let fields = group.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { return [] }
            let isUnified = fields[1].isEmpty
            guard isUnified || fields[1].split(separator: ",").contains("memory") else { return [] }
            let (mount, name) =
                isUnified
                ? ("\(root)/sys/fs/cgroup", "memory.max")
                : ("\(root)/sys/fs/cgroup/memory", "memory.limit_in_bytes")
            return ancestors(of: String(fields[2])).map { "\(mount)\($0)/\(name)" }
        }
        return files.compactMap { text($0).flatMap { Int($0.trimmingCharacters(in: .whitespacesAndNewlines)) } }
            .filter { $0 > 0 }.reduce(memory, min)
    }

    /// Bytes of memory that the process has now; nil where the system does not tell.
    public static var residentBytes: Int? {
        guard let status = text("/proc/self/status"),
            let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmRSS:") }),
            let kibibytes = line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap({ Int($0) })
        else { return nil }
        return kibibytes * 1024
    }

    /// `/a/b` as `/a/b`, `/a` and the root, which is empty.
    private static func ancestors(of path: String) -> [String] {
        let parts = path.split(separator: "/").filter { $0 != ".." }
        return (0...parts.count).reversed().map { parts.prefix($0).map { "/\($0)" }.joined() }
    }

    private static func text(_ path: String) -> String? {
        FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) }
    }
}
