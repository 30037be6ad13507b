import Foundation
import Glibc

/// The project's own files, found relative to this one.
enum Project {
    static let root = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// Paths below `folder`, relative to the root and sorted, without hidden files and Python's caches. Throws if there
    /// are none: a check of no files would always pass.
    static func files(in folder: String, endingIn suffixes: [String] = [""]) throws -> [String] {
        let files = try FileManager.default.subpathsOfDirectory(atPath: root.appending(path: folder).path)
            .map { folder + "/" + $0 }
            .filter { path in
                let parts = path.split(separator: "/")
                var isFolder: ObjCBool = false
                let isThere = unsafe FileManager.default.fileExists(
                    atPath: root.appending(path: path).path, isDirectory: &isFolder)
                return isThere && !isFolder.boolValue && suffixes.contains { path.hasSuffix($0) }
                    && !parts.contains { $0.hasPrefix(".") || $0 == "__pycache__" }
            }.sorted()
        guard !files.isEmpty else { throw CocoaError(.fileReadNoSuchFile, userInfo: [NSFilePathErrorKey: folder]) }
        return files
    }

    static func text(_ path: String) throws -> String {
        try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }

    static func exists(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: root.appending(path: path).path)
    }

    /// The lines of a file that are not comments, with their numbers.
    static func code(_ path: String) throws -> [(number: Int, text: String)] {
        try text(path).split(separator: "\n", omittingEmptySubsequences: false).enumerated()
            .map { (number: $0.offset + 1, text: $0.element.trimmingCharacters(in: .whitespaces)) }
            .filter { !$0.text.hasPrefix("//") }
    }
}

/// Runs a shell command in the root of the project. Returns its exit status and its output.
///
/// It does not use Foundation's `Process`, which reports a child's end only when other processes started in the
/// meantime have ended too.
func run(_ line: String) throws -> (status: Int32, said: String) {
    let output = FileManager.default.temporaryDirectory.appending(path: "footfall-tidy-\(UUID())")
    let status = unsafe system("cd '\(Project.root.path)' && (\(line)) >'\(output.path)' 2>&1 </dev/null")
    let said = try String(contentsOf: output, encoding: .utf8)
    try FileManager.default.removeItem(at: output)
    return (status >> 8 & 0xff, said)
}
