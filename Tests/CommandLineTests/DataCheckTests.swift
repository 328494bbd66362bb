import Foundation
import Images
import TestSupport
import Testing
import apus

/// `apus data check` on good and bad files.
@Suite struct DataCheckTests {
    private func table(_ rows: [String], in folder: URL) throws -> String {
        for index in 0..<4 {
            let image = RGBImage(width: 200, height: 40, red: UInt8(index), green: 0, blue: 0)
            try Data(ImageFile.encode(image)).write(to: folder.appending(path: "\(index).png"))
        }
        let file = folder.appending(path: "data.csv")
        try Data((["image,question,answer,split"] + rows).joined(separator: "\n").utf8).write(to: file)
        return file.path
    }

    /// The words of a line of the report, by its name.
    private func line(_ name: String, of output: String) -> String? {
        output.split(separator: "\n").first { $0.hasPrefix(name) }
            .map { $0.dropFirst(name.count).trimmingCharacters(in: .whitespaces) }
    }

    @Test func goodDataAreCounted() async throws {
        try await withTemporaryFolder { folder in
            let file = try table(
                ["0.png,what,a,", "1.png,what,b,", "2.png,why,a,", "2.png,why,a,", "3.png,why,,"], in: folder)
            let sheet = folder.appending(path: "sheet.png")
            let run = await CommandRun("data", "check", file, "--sheet", sheet.path, "--model", "none")
            #expect(run.code == 0 && run.error.isEmpty, "\(run.error)")
            #expect(line("bad lines", of: run.output) == "0")
            #expect(line("examples", of: run.output) == "5, 1 without an answer, for rankings")
            #expect(line("images", of: run.output) == "4 different")
            #expect(line("duplicates", of: run.output) == "1")
            #expect(run.output.contains("\(file):5 repeats \(file):4"))
            #expect(run.output.contains("75.0 % (3): a"))
            #expect(line("tokens", of: run.output)?.hasPrefix("not counted") == true)
            let image = try ImageFile.decode([UInt8](try Data(contentsOf: sheet)))
            #expect(image.width == 4 * 132 + 4 && image.height == 25 + 8)
        }
    }

    @Test func badLinesAreNamedAndFail() async throws {
        try await withTemporaryFolder { folder in
            let file = try table(["0.png,what,a,", "9.png,what,b,", "1.png,,b,", "0.png,how,b,"], in: folder)
            let run = await CommandRun("data", "check", file, "--model", "none")
            #expect(run.code == 1 && run.error.isEmpty)
            #expect(run.output.hasPrefix("\(file):3: image: 9.png: cannot be read: No such file or directory\n"))
            #expect(run.output.contains("\(file):4: question: the cell is empty\n"))
            #expect(line("bad lines", of: run.output) == "2" && line("examples", of: run.output) == "2")
        }
    }

    @Test func leaksFail() async throws {
        try await withTemporaryFolder { folder in
            let file = try table(["0.png,what,a,train", "0.png,how,a,test"], in: folder)
            let run = await CommandRun("data", "check", file, "--model", "none")
            #expect(run.code == 1 && line("leaks", of: run.output) == "1")
        }
    }

    @Test func aMissingFileIsAnError() async {
        let run = await CommandRun("data", "check", "nowhere.csv")
        #expect(run.code == 1 && run.error.contains("nowhere.csv: there is no such file or folder"))
    }
}
