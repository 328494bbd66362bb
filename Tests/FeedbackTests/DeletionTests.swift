import Datasets
import Feedback
import Foundation
import Images
import TestSupport
import Testing

/// Deletion, backup and restoration of what people said.
@Suite struct DeletionTests {
    private let now = Date(timeIntervalSince1970: 1_000)
    private let image = ImageFile.encode(RGBImage(width: 9, height: 9, red: 200, green: 10, blue: 30))

    /// Whether any file below `folder` contains the text.
    private func contains(_ text: String, in folder: URL) throws -> Bool {
        let names = FileManager.default.enumerator(atPath: folder.path)?.compactMap { $0 as? String } ?? []
        return try names.contains { name in
            let file = folder.appending(path: name)
            guard (try? file.resourceValues(forKeys: [.isRegularFileKey]).isRegularFile) == true else { return false }
            return try Data(contentsOf: file).range(of: Data(text.utf8)) != nil
        }
    }

    @Test func aPersonsWordsLeaveEveryFile() throws {
        try withTemporaryFolder { url in
            let folder = try FeedbackFolder(path: url.path)
            let shared = try folder.ask(["one", "two"])
            let kept = try folder.images.keep(Data(image))
            let own = try folder.ask(
                ["left", "right"], about: [kept], question: "ann's secret question", labeler: "ann")
            func rank(_ comparison: Comparison, _ comment: String, _ labeler: String) throws {
                var details = RankingDetails()
                details.comment = comment
                _ = try folder.store.rank(
                    comparison.id, comparison.candidates.map { [$0.id] }, details: details, by: labeler, at: now)
            }
            for index in 0..<200 { try rank(shared, "ann's secret comment \(index)", "ann") }
            try rank(shared, "bob's comment", "bob")
            try rank(own, "ann's secret comment", "ann")
            var thumb = Thumb(
                prompt: [FeedbackMessage(role: .user, parts: [.image(kept), .text("ann's secret chat")])],
                answer: "ann's secret answer", isUp: false)
            thumb.better = "ann's secret correction"
            _ = try folder.store.append(thumb, by: "ann", images: folder.images, at: now)
            // Imported pairs of ann's alone, and of ann's and bob's.
            func record(_ id: String, _ labeler: String) -> PreferenceRecord {
                PreferenceRecord(
                    id: id, image: nil, question: id == "cmp_1" ? "ann's secret pair" : "a shared pair",
                    completions: ["a", "b"].map { .init(text: $0, tokens: [], policy: nil, finishReason: .stop) },
                    tiers: [[0], [1]], labeler: .init(kind: .human, id: labeler), seed: 0)
            }
            try folder.store.append([record("cmp_1", "ann"), record("cmp_2", "ann"), record("cmp_2", "bob")], at: now)
            #expect(try contains("ann's secret", in: url))

            let deletion = try folder.delete(labeler: "ann")
            #expect(deletion.opinions == 204 && deletion.comparisons == 2 && deletion.images == 1)
            #expect(try !contains("ann's secret", in: url))
            #expect(try contains("bob's comment", in: url) && contains("a shared pair", in: url))
            #expect(try folder.store.records().map(\.labeler.id) == ["bob", "bob"])
            guard case .stored(let digest) = kept else { return }
            #expect(!folder.images.contains(sha256: digest))
            #expect(try folder.delete(labeler: "ann") == FeedbackDeletion())
            // The store still takes feedback.
            try rank(shared, "again", "ann")
            #expect(try folder.store.count() == 3)
        }
    }

    @Test func anImageGoesWithEverythingAboutIt() throws {
        try withTemporaryFolder { url in
            let folder = try FeedbackFolder(path: url.path)
            let kept = try folder.images.keep(Data(image))
            guard case .stored(let digest) = kept else { return }
            let other = try folder.ask(["x", "y"])
            let about = try folder.ask(["a person's face", "b"], about: [kept])
            _ = try folder.store.rank(about.id, about.candidates.map { [$0.id] }, by: "ann", at: now)
            _ = try folder.store.rank(other.id, other.candidates.map { [$0.id] }, by: "ann", at: now)
            let prompt = QueuedPrompt.Content(prompt: about.prompt)
            _ = try folder.store.enqueue([.init(content: prompt)], images: folder.images, at: now)
            let deletion = try folder.delete(image: digest)
            #expect(
                deletion.opinions == 1 && deletion.comparisons == 1 && deletion.prompts == 1 && deletion.images == 1)
            #expect(try !contains(digest, in: url) && !contains("a person's face", in: url))
            #expect(try folder.store.waitingPrompts(limit: 9).isEmpty && folder.store.count() == 1)
            // What is about a deleted image is refused, so that no row refers to nothing.
            #expect(throws: FeedbackError.self) { try folder.ask(["a", "b"], about: [kept]) }
        }
    }

    @Test func anImageGoesFromTheFilesOfAllKeys() throws {
        try withTemporaryFolder { url in
            let folder = try FeedbackFolder(path: url.path)
            for (number, owner) in ["one", "two"].enumerated() {
                let upload = UploadFolder.Upload(
                    id: "file-\(number)", content: image, created: 1, name: "face.png", width: 9, height: 9,
                    mediaType: "image/png", owner: owner)
                try folder.uploads.keep(upload, content: image, quota: 1 << 20)
            }
            let digest = try #require(folder.uploads.list(owner: "one").first).sha256
            // Another process deletes them.
            #expect(try FeedbackFolder(path: url.path).delete(image: digest).uploads == 2)
            #expect(folder.uploads.list(owner: "one").isEmpty && folder.uploads.upload("file-1", owner: "two") == nil)
            #expect(try FileManager.default.contentsOfDirectory(atPath: url.path + "/files").isEmpty)
        }
    }

    @Test func imagesOfARefusedRequestDoNotStay() throws {
        struct Refused: Error {}
        try withTemporaryFolder { url in
            let folder = try FeedbackFolder(path: url.path)
            let used = try folder.images.keep(Data(image))
            _ = try folder.ask(["a", "b"], about: [used])
            let other = ImageFile.encode(RGBImage(width: 2, height: 2, red: 1, green: 2, blue: 3))
            var kept: [PreferenceImage] = []
            #expect(throws: Refused.self) {
                try folder.keepingImages { keep in
                    kept = [try keep(Data(image), .standard), try keep(Data(other), .standard)]
                    throw Refused()
                }
            }
            let there = kept.map { reference in
                if case .stored(let digest) = reference { folder.images.contains(sha256: digest) } else { false }
            }
            #expect(there == [true, false])
        }
    }

    @Test func aBackupHasEverythingAndReplacesWhatIsThere() throws {
        try withTemporaryFolder { url in
            let data = url.appending(path: "data")
            let file = url.appending(path: "backup.sqlite").path
            var folder: FeedbackFolder? = try FeedbackFolder(path: data.path)
            let kept = try #require(try folder?.images.keep(Data(image)))
            let comparison = try #require(try folder?.ask(["a", "b"], about: [kept]))
            _ = try folder?.store.rank(comparison.id, comparison.candidates.map { [$0.id] }, by: "ann", at: now)
            let content = try FeedbackBackup.write(try #require(folder), to: file)
            #expect(content == .init(opinions: 1, images: 1))
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: url.path).sorted() == ["backup.sqlite", "data"])
            let mode = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int
            #expect(mode == 0o600)
            _ = try folder?.store.rank(comparison.id, [comparison.candidates.map(\.id)], by: "bob", at: now)
            folder = nil

            let aside = data.path + "/before"
            #expect(try FeedbackBackup.restore(file, to: data.path, aside: aside) == content)
            let restored = try FeedbackFolder(path: data.path)
            #expect(try restored.store.records().map(\.labeler.id) == ["ann"])
            guard case .stored(let digest) = kept else { return }
            #expect(try [UInt8](restored.images.file(sha256: digest)) == image)
            #expect(try FeedbackStore(path: aside + "/feedback.sqlite").count() == 2)
            // A backup of a restored folder is like any other.
            #expect(try FeedbackBackup.write(restored, to: file) == content)
        }
    }

    @Test func aBackupThatIsDamagedChangesNothing() throws {
        try withTemporaryFolder { url in
            let data = url.appending(path: "data").path
            let folder = try FeedbackFolder(path: data)
            let comparison = try folder.ask(["a", "b"])
            _ = try folder.store.rank(comparison.id, [comparison.candidates.map(\.id)], by: "bob", at: now)
            let file = url.appending(path: "backup.sqlite")
            _ = try FeedbackBackup.write(folder, to: file.path)
            let whole = try Data(contentsOf: file)
            for bytes in [Data("no database".utf8), whole.prefix(whole.count / 2), Data()] {
                try bytes.write(to: file)
                #expect(throws: (any Error).self) {
                    try FeedbackBackup.restore(file.path, to: data, aside: data + "/before")
                }
                #expect(try FeedbackStore(path: data + "/feedback.sqlite").count() == 1)
                #expect(!FileManager.default.fileExists(atPath: data + "/before"))
            }
        }
    }
}
