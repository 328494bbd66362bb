import ArgumentParser
import Foundation
import Support

/// The locations of the files that come with the program: policies, the web page, a sample image.
enum Installation {
    /// The path of `name`, for example `Deploy/policies`: in the working folder, otherwise in the nearest folder above
    /// the executable that contains it, otherwise `name` itself.
    static func path(_ name: String) -> String {
        if exists(name) { return name }
        var folder = URL(fileURLWithPath: executable).resolvingSymlinksInPath().deletingLastPathComponent()
        while folder.path != "/" {
            let path = folder.appendingPathComponent(name).path
            if exists(path) { return path }
            folder.deleteLastPathComponent()
        }
        return name
    }

    private static let executable =
        (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]

    private static func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }
}

/// The folder of the policies that come with the program.
struct PoliciesOption: ParsableArguments {
    @Option(
        name: .customLong("policies"),
        help: ArgumentHelp(
            "The folder of the policies that come with the program. It is only read. Empty: the base model only.",
            discussion: "Default: Deploy/policies in the working folder, or beside or above the executable.",
            valueName: "folder"))
    var given: String?

    /// The folder; empty if there is none.
    var folder: String { given ?? Installation.path(Self.standard) }

    private static let standard = "Deploy/policies"

    func validate() throws {
        if folder.isEmpty { return }
        var isFolder: ObjCBool = false
        if FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder), isFolder.boolValue { return }
        guard given == nil else { throw ValidationError("--policies: there is no folder \(folder)") }
        throw ValidationError(
            "there is no folder \(Self.standard), neither here nor beside or above the executable; name it with "
                + "--policies, or pass --policies '' to use the base model alone")
    }
}

/// The folder that the program writes to.
struct DataFolderOption: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The folder to write to: rankings, images, published policies.", valueName: "folder"))
    var dataPath = "data"
}

/// An error as one plain line. Foundation's error descriptions contain names, codes and user info that only programs
/// need.
struct PlainError: Error, CustomStringConvertible {
    let description: String

    /// The plain form of an error that Foundation threw; nil for other errors, which already have a plain form.
    init?(_ error: any Error) {
        switch error {
        case let error as DecodingError: description = "the JSON is not as expected: \(error.summary)"
        case let error as EncodingError: description = "this cannot be written as JSON: \(error)"
        case let error as CocoaError:
            let path = (error.userInfo[NSFilePathErrorKey] as? String) ?? (error.userInfo[NSURLErrorKey] as? URL)?.path
            description = [path, Self.reason(error)].compactMap { $0 }.joined(separator: ": ")
        case let error as POSIXError: description = String(cString: strerror(Int32(error.errorCode)))
        default: return nil
        }
    }

    private static func reason(_ error: CocoaError) -> String {
        if let cause = error.userInfo[NSUnderlyingErrorKey] as? POSIXError {
            return String(cString: strerror(Int32(cause.errorCode)))
        }
        return switch error.code {
        case .fileNoSuchFile, .fileReadNoSuchFile: "there is no such file or folder"
        case .fileReadNoPermission: "it may not be read"
        case .fileWriteNoPermission, .fileWriteVolumeReadOnly: "it may not be written"
        case .fileWriteOutOfSpace: "the disk is full"
        case .fileWriteFileExists: "it exists already"
        default: error.localizedDescription
        }
    }
}
