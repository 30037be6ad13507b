import Foundation
import Glibc
import Testing

extension Hardship {
    /// Addresses and agents are in the receive ring while a batch is being written, and never anywhere else.
    @Suite(.serialized)
    struct PrivacyTests {
        /// The visitors. No other address or agent looks like these.
        private static let visitors = [
            "i=203.0.113.77&a=Quokkabrowser/77.1", "i=198.51.100.201&a=Wombatview/3",
            "i=2001:db8:feed:beef:1234:5678:9abc:def0&a=Numbat",
        ]

        /// What must not be found: the text that was sent, and the addresses as bytes in network order, for IPv6 the
        /// part that is used.
        private static let secrets: [(name: String, bytes: Data)] = [
            ("an address", Data("203.0.113.77".utf8)), ("an address", Data("198.51.100.201".utf8)),
            ("an address", Data("2001:db8:feed:beef".utf8)), ("an agent", Data("Quokka".utf8)),
            ("an agent", Data("Wombatview".utf8)), ("an agent", Data("Numbat".utf8)),
            ("the bytes of an address", Data([203, 0, 113, 77])),
            ("the bytes of an address", Data([198, 51, 100, 201])),
            ("the bytes of an address", Data([0x20, 0x01, 0x0d, 0xb8, 0xfe, 0xed, 0xbe, 0xef])),
            ("the bytes of an address, turned", Data([77, 113, 0, 203])),
            ("the bytes of an address, turned", Data([201, 100, 51, 198])),
            ("the bytes of an address, turned", Data([0xef, 0xbe, 0xed, 0xfe, 0xb8, 0x0d, 0x01, 0x20])),
        ]

        @Test("no address and no agent is on any disk: while it runs, after a kill, after the next start, after a stop")
        func secrets() throws {
            let machine = try Machine(sites: ["demo"], tables: ["state": "segment = \"1MiB\""])
            let life = try machine.start()
            try life.becomeReady()
            for _ in 0..<20 { try machine.send(Self.visitors.map { "f1 s=demo&u=/where&" + $0 }) }
            try eventually("they are counted") { try machine.numbers().sites["demo"]?.views ?? 0 >= 3 }
            #expect(try machine.numbers().sites["demo"]?.visits == 3)
            // The batches are written, so even the ring is empty.
            #expect(try Self.found(machine) == [])
            #expect(life.kill() == 128 + SIGKILL)
            #expect(try Self.found(machine) == [])
            let next = try machine.start()
            try next.becomeReady()
            #expect(try Self.found(machine) == [])
            #expect(next.stop() == 0)
            #expect(try Self.found(machine) == [])
            // The search finds text that is there.
            #expect(try machine.holds(Data("/where".utf8)) != [])
        }

        @Test(
            "a kill leaves at most one batch in memory, and the next start has counted and wiped it",
            .enabled(if: canCrash))
        func killedInTheMiddle() throws {
            let machine = try Machine(sites: ["demo"], tables: ["state": "segment = \"1MiB\""])
            try machine.send(Self.visitors.map { "f1 s=demo&u=/where&" + $0 })
            let life = try machine.start(KillTests.crash(at: "received"))
            #expect(try life.awaitEnd() == 128 + SIGKILL)
            // The addresses of the visitors as text, and nothing outside the ring.
            #expect(try machine.holds(Data("203.0.113.77".utf8)) == [machine.runtime + "/landing.ring"])
            #expect(try Set(Self.found(machine)) == ["an address in landing.ring", "an agent in landing.ring"])
            let next = try machine.start()
            try next.becomeReady()
            #expect(try Self.found(machine) == [])
            let demo = try machine.numbers().sites["demo"]
            #expect(demo?.views == 3 && demo?.visits == 3)
            #expect(next.kill() == 128 + SIGKILL)
            #expect(try Self.found(machine) == [])
        }

        /// The secrets found, and their files in the state and the runtime directory.
        private static func found(_ machine: Machine) throws -> [String] {
            try secrets.flatMap { name, bytes in
                try machine.holds(bytes).map { "\(name) in \(URL(filePath: $0).lastPathComponent)" }
            }
        }
    }
}

extension Machine {
    /// Sends each text as a datagram.
    fileprivate func send(_ datagrams: [String]) throws {
        let descriptor = socket(AF_INET, CInt(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        defer { close(descriptor) }
        guard connectToLoopback(descriptor, beaconPort) else {
            throw Daemon.Failure(description: "cannot connect: error \(errno)")
        }
        for datagram in datagrams {
            let bytes = Array(datagram.utf8)
            guard unsafe Glibc.send(descriptor, bytes, bytes.count, 0) == bytes.count else {
                throw Daemon.Failure(description: "cannot send: error \(errno)")
            }
        }
    }

    /// The files of the state and of the runtime directory that contain these bytes.
    fileprivate func holds(_ bytes: Data) throws -> [String] {
        try [state, runtime].flatMap { directory in
            try Machine.files(in: directory).map { directory + "/" + $0 }.filter { path in
                // A socket has no bytes to read, and a file may be gone by now.
                guard let file = FileManager.default.contents(atPath: path) else { return false }
                return file.firstRange(of: bytes) != nil
            }
        }
    }
}
