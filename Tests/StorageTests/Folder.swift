import Foundation
import Glibc

/// The files below a directory by their relative names.
typealias FileSet = [String: [UInt8]]

/// A folder that is deleted when the test is over. In memory if the machine has room there, because these tests create
/// thousands.
final class Folder: Sendable {
    let path: String

    init(_ files: FileSet = [:], in parent: String = Folder.memory) throws {
        path = parent + "/footfall-test-\(UUID())"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        for (name, bytes) in files { try write(name, bytes) }
    }

    private static let memory =
        FileManager.default.isWritableFile(atPath: "/dev/shm") ? "/dev/shm" : NSTemporaryDirectory()

    func files() throws -> FileSet { try Self.files(in: path) }

    /// All files except those without content of their own: the lock and SQLite's shared memory.
    static func files(in path: String) throws -> FileSet {
        var files: FileSet = [:]
        for name in try FileManager.default.subpathsOfDirectory(atPath: path) {
            let file = URL(filePath: path + "/" + name)
            guard try file.resourceValues(forKeys: [.isRegularFileKey]).isRegularFile == true, name != "lock",
                !name.hasSuffix("-shm")
            else { continue }
            files[name] = [UInt8](try Data(contentsOf: file))
        }
        return files
    }

    func read(_ name: String) throws -> [UInt8] { [UInt8](try Data(contentsOf: URL(filePath: path + "/" + name))) }

    func write(_ name: String, _ bytes: [UInt8]) throws {
        let file = URL(filePath: path + "/" + name)
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: file)
    }

    deinit {
        do {
            try FileManager.default.removeItem(atPath: path)
        } catch {
            print("left behind: \(path): \(error)")
        }
    }
}

/// Waits until another thread makes something true: checks every millisecond, gives up after 30 s.
func eventually(_ condition: () -> Bool) -> Bool {
    for _ in 0..<30_000 {
        if condition() { return true }
        usleep(1000)
    }
    return false
}

/// True if tests run in their long forms.
let isSoak = ProcessInfo.processInfo.environment["FOOTFALL_SOAK"] != nil
