import Foundation
import Glibc

/// A child process with files for its input and output.
///
/// Not Foundation's `Process`: it has one thread for all children, which can wait for a child that keeps running. Then
/// no other child ever ends.
final class Child {
    let pid: pid_t
    private var status: Int32?

    /// The program that could not be started, and why.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// Starts a program with exactly the given environment, and `descriptors` as 3, 4 and so on. Their numbers must be
    /// greater than those.
    init(
        _ program: String, _ arguments: [String], environment: [String: String], descriptors: [CInt] = [],
        input: String, output: String, errors: String
    )
        throws
    {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_addopen(&actions, 0, input, O_RDONLY, 0)
        unsafe posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        unsafe posix_spawn_file_actions_addopen(&actions, 2, errors, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        for (i, descriptor) in descriptors.enumerated() {
            precondition(descriptor >= 3 + descriptors.count, "a descriptor has the number of another one")
            unsafe posix_spawn_file_actions_adddup2(&actions, descriptor, CInt(3 + i))
        }
        // A thread of this process may block signals. A child must not inherit that.
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        unsafe sigemptyset(&none)
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        let words = unsafe ([program] + arguments).map { unsafe strdup($0) } + [nil]
        let variables = unsafe environment.map { unsafe strdup("\($0)=\($1)") } + [nil]
        defer { unsafe (words + variables).forEach { unsafe free($0) } }
        var pid = pid_t()
        let error = unsafe posix_spawn(&pid, program, &actions, &attributes, words, variables)
        guard error == 0 else { throw Failure(description: "cannot start \(program): error \(error)") }
        self.pid = pid
    }

    /// True until its end was observed.
    var isRunning: Bool {
        look(WNOHANG)
        return status == nil
    }

    /// Waits for its end. Returns the exit status, or 128 plus the signal.
    @discardableResult
    func wait() -> Int32 {
        look(0)
        guard let status else { return -1 }
        return status & 0x7f == 0 ? status >> 8 & 0xff : 128 + status & 0x7f
    }

    /// Asks it to end, like a supervisor.
    func terminate() { signal(SIGTERM) }

    /// Sends a signal, unless its end was observed.
    func signal(_ number: CInt) { if isRunning { kill(pid, number) } }

    private func look(_ options: Int32) {
        guard status == nil else { return }
        var seen: Int32 = 0
        if unsafe waitpid(pid, &seen, options) == pid { status = seen }
    }
}

/// Runs the real `footfall`, built beside this test, and waits for its end.
///
/// It has exactly the given environment, and a `PATH`. Without `input` its standard input is empty.
func footfall(
    _ arguments: [String], environment: [String: String] = [:], input: String? = nil
) throws -> (status: Int32, output: String, errors: String) {
    let environment = environment.merging(["PATH": "/usr/bin:/bin"]) { given, _ in given }
    return try run(try footfallBinary(), arguments, environment: environment, input: input)
}

/// What only root may do.
enum Rights {
    /// The beginning of a line of shell that runs a program without some of root's rights, `-` before all but the first.
    static func without(_ rights: String) -> String { getuid() == 0 ? "setpriv --bounding-set=-\(rights) " : "" }

    /// Ports below 1024 are for root; a container may allow them to everybody.
    static let hasPrivilegedPorts: Bool = {
        let first = FileManager.default.contents(atPath: "/proc/sys/net/ipv4/ip_unprivileged_port_start")
        return first.map { String(decoding: $0, as: UTF8.self) } == "1024\n"
    }()
}

/// Runs a line as if typed into bash.
func shell(_ line: String) throws -> (status: Int32, output: String, errors: String) {
    try run("/bin/bash", ["-c", line], environment: ProcessInfo.processInfo.environment, input: nil)
}

private func run(
    _ program: String, _ arguments: [String], environment: [String: String], input: String?
) throws -> (status: Int32, output: String, errors: String) {
    let folder = try TemporaryFolder()
    let output = try folder.write("output", "")
    let errors = try folder.write("errors", "")
    let child = try Child(
        program, arguments, environment: environment,
        input: try input.map { try folder.write("input", $0).path } ?? "/dev/null", output: output.path,
        errors: errors.path)
    let status = child.wait()
    return (
        status, try String(contentsOf: output, encoding: .utf8), try String(contentsOf: errors, encoding: .utf8)
    )
}

/// The program is in the directory of the test's own executable.
func footfallBinary() throws -> String {
    let test = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    return URL(filePath: test).deletingLastPathComponent().appending(path: "footfall").path
}

/// A folder that is deleted when the test is over.
struct TemporaryFolder: ~Copyable {
    let url: URL
    var path: String { url.path }

    init() throws {
        url = FileManager.default.temporaryDirectory.appending(path: "footfall-test-\(UUID())")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    /// Writes a file and creates its folders.
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
