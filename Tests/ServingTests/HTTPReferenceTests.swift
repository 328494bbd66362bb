import Foundation
import HTTPTypes
import HummingbirdTesting
import TestSupport
import Testing

/// `docs/http-reference.md` is what `scripts/http-reference.py` makes of `/openapi.json`.
@Suite struct HTTPReferenceTests {
    @Test func thePageIsUpToDate() async throws {
        let root = URL(filePath: #filePath).appending(path: "../../..").standardized
        try await withTemporaryFolder { folder in
            let file = folder.appending(path: "openapi.json")
            try await withServer(ScriptedEngine(ScriptedEngine.saying(["A"]))) { client in
                let response = try await client.execute(uri: "/openapi.json", method: .get)
                try Data(response.text.utf8).write(to: file)
            }
            let (process, output) = (Process(), Pipe())
            process.executableURL = URL(filePath: "/usr/bin/env")
            process.arguments = ["python3", root.appending(path: "scripts/http-reference.py").path]
            process.standardInput = try FileHandle(forReadingFrom: file)
            process.standardOutput = output
            try process.run()
            let written = try output.fileHandleForReading.readToEnd()
            process.waitUntilExit()
            #expect(process.terminationStatus == 0)
            let page = try Data(contentsOf: root.appending(path: "docs/http-reference.md"))
            // The text of a page is no message that anyone reads.
            let isUpToDate = written == page
            #expect(isUpToDate, "docs/http-reference.md is out of date: scripts/http-reference.py writes it anew")
        }
    }
}
