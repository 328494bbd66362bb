import Engine
import Foundation
import Testing

/// The kernel's files in the form that containers show.
@Suite struct MemoryLimitTests {
    private let machine = 8 << 30

    private func limit(_ files: [String: String]) throws -> Int {
        let root = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        defer { try? FileManager.default.removeItem(at: root) }
        for (path, text) in files {
            let url = root.appendingPathComponent(path)
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: url)
        }
        return MemoryLimit.bytes(root: root.path, memory: machine)
    }

    @Test func aMachineWithoutControlGroupsIsTheLimit() throws {
        #expect(try limit([:]) == machine)
        #expect(try limit(["proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "max\n"]) == machine)
        #expect(
            try limit([
                "proc/self/cgroup": "4:memory:/\n",
                "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
            ]) == machine)
    }

    @Test func theTightestGroupAroundTheProcessCounts() throws {
        let groups = "0::/pods/one/main\n"
        #expect(
            try limit([
                "proc/self/cgroup": groups, "sys/fs/cgroup/pods/one/main/memory.max": "max\n",
                "sys/fs/cgroup/pods/one/memory.max": "268435456\n", "sys/fs/cgroup/pods/memory.max": "536870912\n",
            ]) == 268_435_456)
        // The path is the host's; only the container's own root is mounted.
        #expect(try limit(["proc/self/cgroup": groups, "sys/fs/cgroup/memory.max": "1048576\n"]) == 1 << 20)
    }

    @Test func bothVersionsAreRead() throws {
        let groups = "9:name=systemd:/a\n5:cpu,memory:/a\n0::/b\n"
        #expect(
            try limit([
                "proc/self/cgroup": groups, "sys/fs/cgroup/memory/a/memory.limit_in_bytes": "400\n",
                "sys/fs/cgroup/b/memory.max": "500\n",
            ]) == 400)
        #expect(
            try limit([
                "proc/self/cgroup": groups, "sys/fs/cgroup/memory/a/memory.limit_in_bytes": "600\n",
                "sys/fs/cgroup/b/memory.max": "500\n",
            ]) == 500)
    }

    @Test func nonsenseIsPassedOver() throws {
        let group = ["proc/self/cgroup": "0::/\nmemory\n\n"]
        for text in ["", "-5\n", "0\n", "many\n"] {
            #expect(try limit(group.merging(["sys/fs/cgroup/memory.max": text]) { $1 }) == machine)
        }
        #expect(try limit(["proc/self/cgroup": "0::/../..\n", "sys/fs/cgroup/memory.max": "7\n"]) == 7)
    }

    @Test func thisProcessHasMemory() throws {
        let resident = try #require(MemoryLimit.residentBytes)
        #expect(resident > 1 << 20 && resident < MemoryLimit.bytes)
    }

    @Test func theCacheTakesWhatIsLeft() throws {
        let mebibyte = 1 << 20
        func budget(limit: Int) -> CacheBudget {
            CacheBudget(limit: limit, resident: 300 * mebibyte, embeddings: 64 * mebibyte)
        }
        // A position takes 32 KiB.
        func sizes(limit: Int, asked: Int? = nil, context: Int? = nil, trained: Int = 8_192) throws -> [Int] {
            let sizes = try budget(limit: limit).sizes(asked: asked, context: context, trained: trained) { $0 << 15 }
            return [sizes.bytes, sizes.context]
        }
        #expect(try sizes(limit: 16 << 30) == [CacheBudget.usual, 8_192])
        #expect(try sizes(limit: 1_000 * mebibyte) == [280 * mebibyte, 8_192])
        #expect(try sizes(limit: 0, asked: 300 * mebibyte) == [300 * mebibyte, 8_192])
        // The trained length is longer than the cache.
        #expect(try sizes(limit: 880 * mebibyte) == [172 * mebibyte, 5_504])
        #expect(try sizes(limit: 16 << 30, trained: 131_072) == [CacheBudget.usual, 65_536])
        #expect(try sizes(limit: 0, asked: 9 * mebibyte) == [9 * mebibyte, 288])
        // Sizes that were asked for may exceed the usual size, if there is room.
        #expect(try sizes(limit: 16 << 30, context: 131_072) == [4 << 30, 131_072])
        let small = CacheBudget.Failure.limited(
            limit: 880 * mebibyte, left: 172 * mebibyte, positions: 8_192, needed: 256 * mebibyte)
        #expect(throws: small) { try sizes(limit: 880 * mebibyte, context: 8_192) }
        #expect("\(small)".contains("leaves 172 MiB to the KV cache, and a context of 8192 positions takes 256 MiB"))
        #expect(throws: CacheBudget.Failure.asked(bytes: 9, positions: 256, needed: 8 * mebibyte)) {
            try sizes(limit: 16 << 30, asked: 9)
        }
    }
}
