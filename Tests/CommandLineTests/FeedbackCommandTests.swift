import AsyncHTTPClient
import Checkpoints
import Feedback
import Foundation
import Images
import NIOCore
import NIOHTTP1
import TestSupport
import Testing
import apus

/// Feedback over the command line, and over a real server that is killed.
@Suite struct FeedbackCommandTests {
    private func withFolder<Result>(
        _ body: (_ folder: URL, _ data: [String]) async throws -> Result
    ) async throws -> Result {
        try await withTemporaryFolder { folder in
            try Data(ImageFile.encode(RGBImage(width: 2, height: 1, red: 255, green: 0, blue: 0)))
                .write(to: folder.appending(path: "a.png"))
            return try await body(folder, ["--data-path", folder.appending(path: "data").path])
        }
    }

    @Test func promptsAreQueuedOnceAndMistakesAreNamed() async throws {
        try await withFolder { folder, data in
            let file = folder.appending(path: "prompts.jsonl").path
            func queue(_ lines: String...) async throws -> CommandRun {
                try Data(lines.joined(separator: "\n").utf8).write(to: URL(fileURLWithPath: file))
                return await CommandRun(["feedback", "queue", file] + data)
            }
            let added = try await queue(
                #"{"question":"What is this?","images":["a.png"],"k":3}"#, "",
                #"{"messages":[{"role":"user","content":"Hi"}],"answers":["Hello.",{"answer":"Yo.","model":"x@1"}]}"#)
            #expect(added.code == 0 && added.output == "2 of 2 prompts are new; 1 wait for answers\n", "\(added.error)")
            let again = try await queue(#"{"question":"What is this?","images":["a.png"],"k":3}"#)
            #expect(again.output.hasPrefix("0 of 1 prompts are new"))
            for (line, reason) in [
                (#"{"question":"q","images":["../a.png"]}"#, "outside the folder"),
                (#"{"question":"q","images":["http://x/a.png"]}"#, "never fetched"),
                (#"{"question":"q","images":["b.png"]}"#, "there is no such file"),
                (#"{"question":"q","answer":"a"}"#, "Unknown parameter: answer"), (#"{"question":"#, "not valid JSON"),
                (#"{"question":"q","answers":["a"]}"#, "must have 2 to 9"),
            ] {
                let refused = try await queue(#"{"question":"new"}"#, line)
                #expect(refused.code == 64 && refused.error.contains("prompts.jsonl:2: "), "\(refused.error)")
                #expect(refused.error.contains(reason), "\(line): \(refused.error)")
            }
            let report = await CommandRun(["feedback", "report"] + data)
            #expect(report.output.contains("queue: 1 prompts wait for answers\n"), "\(report.output)")
            #expect(report.output.contains("human: 0 rankings, 0 thumbs, 0 skips by 0 labelers\n"))
        }
    }

    @Test func feedbackIsExportedImportedBackedUpAndDeleted() async throws {
        try await withFolder { folder, data in
            let arena = folder.appending(path: "arena.jsonl").path
            func turns(_ answer: String) -> String {
                #"[{"role":"user","content":"Hi"},{"role":"assistant","content":"\#(answer)"}]"#
            }
            let battle =
                #"{"winner":"model_a","judge":"ann","model_a":"x","model_b":"y","conversation_a":\#(turns("Hello."))"#
                + #","conversation_b":\#(turns("Go away."))}"#
            try Data("\(battle)\n{}\n".utf8).write(to: URL(fileURLWithPath: arena))
            let imported = await CommandRun(["feedback", "import", "--format", "arena", arena] + data)
            #expect(imported.code == 0 && imported.output.contains("1 of 1 rankings are new"), "\(imported.error)")
            #expect(imported.output.contains("no ranking: line 2: "))
            let pairs = folder.appending(path: "pairs").path
            let exported = await CommandRun(["feedback", "export", "--format", "pairs", pairs] + data)
            #expect(exported.output == "1 pairs of 1 rankings (1 human): \(pairs)/pairs.jsonl\n", "\(exported.error)")
            let backup = folder.appending(path: "backup.sqlite").path
            #expect(await CommandRun(["feedback", "backup", backup] + data).output.hasPrefix("1 rankings, thumbs and"))
            let deleted = await CommandRun(["feedback", "delete", "--labeler", "ann"] + data)
            #expect(
                deleted.output.hasPrefix("deleted: 1 rankings, thumbs and skips, 1 comparisons"), "\(deleted.error)")
            let nothing = await CommandRun(["feedback", "delete", "--labeler", "ann"] + data)
            #expect(nothing.code == 64 && nothing.error.contains("has nothing of ann"))
            let restored = await CommandRun(["feedback", "restore", backup] + data)
            #expect(restored.output.hasPrefix("restored 1 rankings"), "\(restored.error)")
            let records = folder.appending(path: "r.jsonl").path
            let both = await CommandRun(["feedback", "export", records] + data)
            #expect(both.output == "1 rankings (1 human): \(records)\n", "\(both.error)")
            let report = await CommandRun(["feedback", "report"] + data)
            #expect(report.output.contains("  ann: 1 rankings, 0 thumbs, 0 skips\n"))
        }
    }

    /// Every reply that came before a kill must be there after it.
    @Test(.timeLimit(.minutes(10))) func acknowledgedRankingsSurviveAHundredKills() async throws {
        try await withFolder { folder, data in
            let file = folder.appending(path: "prompts.jsonl").path
            try Data(#"{"question":"Hi","answers":["Hello.","Go away."]}"#.utf8)
                .write(to: URL(fileURLWithPath: file))
            #expect(await CommandRun(["feedback", "queue", file] + data).code == 0)
            let store = try FeedbackStore(path: data[1] + "/feedback.sqlite")
            let comparison = try #require(
                try store.comparisons(nil, for: "ann", order: .created, limit: 1, after: nil).page.first?.comparison)
            var generator = SystemRandomNumberGenerator()
            var acknowledged = 0
            for round in 0..<100 {
                let server = try KilledServer(data: data)
                let count = Int.random(in: 0...8, using: &generator)
                acknowledged += try await server.rank(comparison, count: count, labeler: "r\(round)")
                server.kill()
                let kept = try store.counts().reduce(0) { $0 + $1.count }
                #expect(kept >= acknowledged, "round \(round)")
                // A request that got no reply may have been stored.
                acknowledged = kept
            }
            #expect(acknowledged > 100)
        }
    }
}

/// Why there is no server to kill.
private struct NoServer: Error, CustomStringConvertible {
    let description: String
}

/// The built program as a server, until it is killed.
private final class KilledServer {
    private let process = Process()
    private let port: Int

    /// Starts the program on a port of its own, and waits until it says that it listens.
    init(data: [String]) throws {
        // Below the ports that the system takes for outgoing connections.
        port = Int.random(in: 20_000..<32_000)
        process.executableURL = try Self.executable()
        process.arguments =
            [
                "serve", "--port", "\(port)", "--model", try TinyLlama.file().path, "--policies", "", "--log-level",
                "error",
            ]
            + data
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        guard !output.fileHandleForReading.availableData.isEmpty else {
            throw NoServer(description: "the server ended at once; is port \(port) free?")
        }
    }

    /// The program beside the tests.
    private static func executable() throws -> URL {
        var folder = Bundle.main.executableURL?.deletingLastPathComponent()
        while let current = folder, current.path != "/" {
            let file = current.appending(path: "apus")
            var isFolder: ObjCBool = false
            if FileManager.default.fileExists(atPath: file.path, isDirectory: &isFolder), !isFolder.boolValue {
                return file
            }
            folder = current.deletingLastPathComponent()
        }
        throw NoServer(description: "there is no program apus beside the tests")
    }

    /// Sends rankings by new labelers one after the other, and one more that is under way at the kill.
    ///
    /// - Returns: the number of replies.
    func rank(_ comparison: Comparison, count: Int, labeler: String) async throws -> Int {
        let ids = comparison.candidates.map(\.id)
        let send = { @Sendable [port] (index: Int) async throws -> Bool in
            var request = HTTPClientRequest(url: "http://127.0.0.1:\(port)/v1/feedback")
            request.method = .POST
            request.headers.add(name: "content-type", value: "application/json")
            request.body = .bytes(
                ByteBuffer(
                    string: #"{"comparison_id":"\#(comparison.id)","ranking":[["\#(ids[0])"],["\#(ids[1])"]],"#
                        + #""labeler":"\#(labeler).\#(index)"}"#))
            return try await HTTPClient.shared.execute(request, timeout: .seconds(20)).status == .created
        }
        for index in 0..<count { #expect(try await send(index)) }
        Task { try? await send(count) }
        await Task.yield()
        return count
    }

    func kill() {
        Foundation.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }
}
