import Foundation
import Glibc

/// Makes system calls of a running daemon fail, with `strace`, until it is ended.
final class Fault {
    private let process: Child
    private let folder: TemporaryFolder

    /// True if this machine allows tracing.
    static let isToBeHad: Bool = {
        do {
            return try shell("strace -qq -o /dev/null true").status == 0
        } catch {
            return false
        }
    }()

    /// `calls` are separated by commas. `how` is strace's injection, such as `error=EIO`. With `paths` only calls on
    /// these files fail. Returns when it is active.
    init(_ calls: String, _ how: String, at paths: [String] = [], of life: Life) throws {
        folder = try TemporaryFolder()
        let errors = try folder.write("errors", "")
        process = try Child(
            "/usr/bin/env",
            [
                "strace", "-f", "-p", "\(life.process.pid)", "-o", folder.path + "/trace", "-e", "trace=\(calls)", "-e",
                "inject=\(calls):\(how)",
            ] + paths.flatMap { ["-P", $0] }, environment: ProcessInfo.processInfo.environment, input: "/dev/null",
            output: "/dev/null", errors: errors.path)
        try eventually("strace is attached") {
            let said = try String(contentsOf: errors, encoding: .utf8)
            guard process.isRunning else { throw Daemon.Failure(description: "strace ended: \(said)") }
            return said.contains(" attached")
        }
    }

    /// The command that starts a daemon whose `calls` on one file fail from the beginning. The daemon keeps its process
    /// id.
    static func command(_ calls: String, _ how: String, at path: String) -> String {
        "strace -D -f -qq -o /dev/null -e trace=\(calls) -e inject=\(calls):\(how) -P \(path)"
    }

    deinit { end() }

    /// Calls that failed so far.
    var count: Int {
        get throws {
            try String(contentsOfFile: folder.path + "/trace", encoding: .utf8)
                .split(separator: "\n").count { $0.contains("(INJECTED)") }
        }
    }

    /// From now on all calls work.
    func end() {
        process.signal(SIGTERM)
        process.wait()
    }
}
