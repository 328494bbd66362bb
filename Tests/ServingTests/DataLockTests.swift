import Foundation
import Serving
import TestSupport
import Testing

@Suite struct DataLockTests {
    @Test func oneServerHoldsAFolder() throws {
        try withTemporaryFolder { folder in
            let path = folder.path + "/data"
            let lock = try DataLock(folder: path)
            #expect(throws: DataLockError.taken(folder: path)) { try DataLock(folder: path) }
            withExtendedLifetime(lock) {}
            let other = try DataLock(folder: folder.path + "/other")
            withExtendedLifetime(other) {}
        }
    }

    @Test func aFolderIsFreeAgain() throws {
        try withTemporaryFolder { folder in
            for _ in 0..<2 {
                let lock = try DataLock(folder: folder.path)
                withExtendedLifetime(lock) {}
            }
        }
    }

    @Test func aFolderThatCannotBeMadeIsNamed() throws {
        try withTemporaryFolder { folder in
            let file = folder.appending(path: "file")
            try Data().write(to: file)
            let error = #expect(throws: DataLockError.self) { try DataLock(folder: file.path + "/data") }
            #expect(error?.description.hasPrefix(file.path + "/data/lock: ") == true)
        }
    }
}
