import Checkpoints
import Foundation
import Policies
import TestSupport
import Testing

/// What killed processes leave behind, and what stands where a file should be.
@Suite struct LeftoverTests {
    private let backbone = String(repeating: "ab", count: 32)

    private func publish(_ generation: Int, in policies: URL) throws {
        let manifest = PolicyManifest(
            name: "sft", generation: generation, backbone: backbone, created: Date(timeIntervalSince1970: 1e9),
            creator: "test")
        try PolicyFolder.publish(manifest, in: policies.path) { staging in
            try "weights \(generation)".write(toFile: "\(staging)/a.bin", atomically: false, encoding: .utf8)
        }
    }

    private func touch(_ url: URL) throws {
        try Data("half".utf8).write(to: url)
    }

    /// Two generations of `sft`, of which 1 is current: as a kill between `rename` and `current` leaves them, but for
    /// the mark.
    private func withTwo(_ body: (_ policies: URL, _ sft: URL) throws -> Void) throws {
        try withTemporaryFolder { policies in
            try publish(1, in: policies)
            try publish(2, in: policies)
            try PolicyFolder.setCurrent(1, of: "sft", in: policies.path)
            try body(policies, policies.appendingPathComponent("sft"))
        }
    }

    /// Calls `body` while another process seems to write what is at `url`.
    private func locking(_ url: URL, _ body: () throws -> Void) throws {
        let descriptor = open(url.path, O_RDONLY)
        defer { close(descriptor) }
        #expect(flock(descriptor, LOCK_EX | LOCK_NB) == 0)
        try body()
    }

    private func names(in folder: URL) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
    }

    @Test func aPublicationKilledBeforeItWasCurrentIsFinished() throws {
        try withTwo { policies, sft in
            try touch(sft.appendingPathComponent(".publishing-2"))
            let library = PolicyLibrary(published: policies.path, shipped: policies.path + "/none")
            // Not while its process is there.
            try locking(sft.appendingPathComponent("2")) {
                try library.recover()
                #expect(try library.current() == ["sft": 1])
            }
            try library.recover()
            #expect(try library.current() == ["sft": 2])
            #expect(try names(in: sft) == ["1", "2", "current"])
            // An older generation that is current on purpose stays it.
            try library.setCurrent(1, of: "sft")
            try library.recover()
            #expect(try library.current() == ["sft": 1])
        }
    }

    @Test func aRollbackIsNotUndoneByAnOldMark() throws {
        try withTwo { policies, sft in
            try touch(sft.appendingPathComponent(".publishing-2"))
            let library = PolicyLibrary(published: policies.path, shipped: policies.path + "/none")
            try library.setCurrent(1, of: "sft")
            try library.recover()
            #expect(try library.current() == ["sft": 1])
        }
    }

    @Test func aDamagedGenerationThatWasNeverCurrentIsUndone() throws {
        try withTwo { policies, sft in
            try touch(sft.appendingPathComponent(".publishing-2"))
            try touch(sft.appendingPathComponent("2/a.bin"))
            try PolicyLibrary(published: policies.path, shipped: "").recover()
            #expect(try names(in: sft) == ["1", "current"])
        }
    }

    @Test func foldersAndFilesThatNobodyWritesAreRemoved() throws {
        try withTwo { policies, sft in
            let (mine, other) = (sft.appendingPathComponent(".staging-3"), sft.appendingPathComponent(".staging-4"))
            for folder in [mine, other] {
                try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
                try touch(folder.appendingPathComponent("a.bin"))
            }
            try touch(sft.appendingPathComponent("current.123.tmp"))
            try locking(mine) {
                try PolicyLibrary(published: policies.path, shipped: "").recover()
                #expect(try names(in: sft) == [".staging-3", "1", "2", "current"])
                #expect(throws: PolicyError.beingPublished(path: mine.path)) { try publish(3, in: policies) }
            }
            try publish(3, in: policies)
            #expect(try names(in: sft) == ["1", "2", "3", "current"])
        }
    }

    @Test func temporaryFilesOfKilledProcessesAreRemoved() throws {
        try withTemporaryFolder { folder in
            let left = ["cache.7.tmp", "cache.\(getpid()).tmp", "cache.7.2.tmp", "cache.8.tmp"]
            let others = ["cache", "cache.x.tmp", "cache.7.txt", "other.7.tmp", "cache.tmp"]
            for name in left + others { try touch(folder.appendingPathComponent(name)) }
            try locking(folder.appendingPathComponent("cache.8.tmp")) {
                AtomicFile.removeLeftovers(in: folder.path, of: "cache")
            }
            #expect(try names(in: folder) == (others + ["cache.8.tmp"]).sorted())
            AtomicFile.removeLeftovers(in: folder.path)
            #expect(try names(in: folder) == (others.filter { $0 != "other.7.tmp" }).sorted())
        }
    }

    /// A process of the same number, in another container, may be writing the same file.
    @Test func aTemporaryFileOfAnotherProcessIsLeftAlone() throws {
        try withTemporaryFolder { folder in
            let other = folder.appendingPathComponent("a.\(getpid()).tmp")
            try touch(other)
            try locking(other) {
                try AtomicFile.write([1, 2], to: folder.appendingPathComponent("a").path)
            }
            #expect(try names(in: folder) == ["a", other.lastPathComponent])
            #expect(try Data(contentsOf: folder.appendingPathComponent("a")) == Data([1, 2]))
            try AtomicFile.write([3], to: folder.appendingPathComponent("a").path)
            #expect(try names(in: folder) == ["a"])
        }
    }

    /// Neither waits, nor reads without an end.
    @Test(.timeLimit(.minutes(1)), arguments: ["manifest.json", "a.bin", "../current"])
    func onlyRegularFilesAreOpened(name: String) throws {
        for spoil in [{ mkfifo($0, 0o644) }, { symlink("/dev/zero", $0) }] as [(String) -> Int32] {
            try withTwo { policies, sft in
                let file = sft.appendingPathComponent("1/\(name)").standardizedFileURL.path
                try FileManager.default.removeItem(atPath: file)
                #expect(spoil(file) == 0)
                let error = #expect(throws: PolicyError.self) {
                    try PolicyFolder(name: "sft", in: policies.path, backbone: backbone)
                }
                #expect(error?.description == "\(file): cannot read: it is not a regular file")
            }
        }
    }
}
