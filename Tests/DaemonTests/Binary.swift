import Foundation

/// Runs the real `footfall`, the one built beside this test, and waits for its end.
///
/// It sees exactly the environment given, and a `PATH`. Without `input` its standard input is empty.
func footfall(
    _ arguments: [String], environment: [String: String] = [:], input: String? = nil
) throws -> (status: Int32, output: String, errors: String) {
    let folder = try TemporaryFolder()
    let process = Process()
    process.executableURL = try footfallBinary()
    process.arguments = arguments
    process.environment = environment.merging(["PATH": "/usr/bin:/bin"]) { given, _ in given }
    // Files, not pipes: a pipe that nobody empties would stop the program.
    process.standardInput = try input.map { try FileHandle(forReadingFrom: folder.write("input", $0)) } ?? .nullDevice
    let output = try folder.write("output", "")
    let errors = try folder.write("errors", "")
    process.standardOutput = try FileHandle(forWritingTo: output)
    process.standardError = try FileHandle(forWritingTo: errors)
    try process.run()
    process.waitUntilExit()
    return (
        process.terminationStatus, try String(contentsOf: output, encoding: .utf8),
        try String(contentsOf: errors, encoding: .utf8)
    )
}

/// The program lies in the directory of the test's own executable.
func footfallBinary() throws -> URL {
    let test = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    return URL(filePath: test).deletingLastPathComponent().appending(path: "footfall")
}

/// A folder that is gone when the test is over.
struct TemporaryFolder: ~Copyable {
    let url: URL
    var path: String { url.path }

    init() throws {
        url = FileManager.default.temporaryDirectory.appending(path: "footfall-test-\(UUID())")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    /// Writes a file, creating the folders it lies in.
    @discardableResult
    func write(_ name: String, _ text: String) throws -> URL {
        let file = url.appending(path: name)
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
        return file
    }

    deinit {
        do {
            try FileManager.default.removeItem(at: url)
        } catch {
            print("left behind: \(url.path): \(error)")
        }
    }
}
