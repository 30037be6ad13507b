import Foundation
import Glibc
import Testing

/// The daemon's messages to its supervisor, in the words of sd_notify(3).
@Suite(.serialized)
struct NotifyTests {
    @Test(
        "it reports that it is ready, alive, reloading and stopping, with numbers for people"
    )
    func life() throws {
        let supervisor = try Listener()
        let machine = try Machine(sites: ["demo"])
        let life = try machine.start(["NOTIFY_SOCKET": supervisor.path])
        try life.becomeReady()
        try eventually("it reports it") { supervisor.heard.contains("READY=1\nSTATUS=0 online · 0 visits · 1 site") }
        #expect(supervisor.heard.first == "EXTEND_TIMEOUT_USEC=60000000", "before anything that may take long")
        for i in 1...3 { machine.send("f1 s=demo&v=\(i)&u=/") }
        #expect(try machine.command("start demo 57995").status == 0)
        try eventually("it reports how many") { supervisor.heard.contains("STATUS=3 online · 57,998 visits · 1 site") }
        try eventually("it is alive") { supervisor.heard.count { $0 == "WATCHDOG=1" } >= 3 }

        try machine.write("sites.d/more.toml", "[[site]]\nname = \"more\"\n")
        life.process.signal(SIGHUP)
        try eventually("it has reloaded them") { supervisor.heard.contains("READY=1\nSTATUS=settings reloaded") }
        let reloading = try #require(supervisor.heard.firstIndex { $0.hasPrefix("RELOADING=1\nMONOTONIC_USEC=") })
        let reloaded = try #require(supervisor.heard.firstIndex { $0.hasSuffix("STATUS=settings reloaded") })
        #expect(reloading < reloaded)
        try machine.write("sites.d/more.toml", "nonsense\n")
        life.process.signal(SIGHUP)
        try eventually("a mistake ends the reloading as well") {
            supervisor.heard.contains { $0.hasPrefix("READY=1\nSTATUS=the settings are wrong") }
        }
        #expect(life.stop() == 0)
        #expect(supervisor.heard.contains("STOPPING=1\nSTATUS=stopping"))
    }
}

/// A supervisor's socket, and the messages it received.
private final class Listener {
    let path: String
    private let descriptor: CInt
    private let folder: TemporaryFolder
    private var messages: [String] = []

    init() throws {
        folder = try TemporaryFolder()
        path = folder.path + "/notify"
        descriptor = socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
        let isBound = unsafe withUnsafePointer(to: &address) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard isBound == 0 else { throw Daemon.Failure(description: "no socket at \(path)") }
    }

    deinit { close(descriptor) }

    /// Everything so far, oldest first.
    var heard: [String] {
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = unsafe recv(descriptor, &buffer, buffer.count, 0)
            guard count > 0 else { return messages }
            messages.append(String(decoding: buffer[..<count], as: UTF8.self))
        }
    }
}
