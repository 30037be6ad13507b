import Foundation
import Glibc
import Synchronization
import Testing

extension Hardship {
    /// Hits over HTTP to the real daemon: an answered hit is stored, and a hit that is not stored gets no answer.
    @Suite("hits over HTTP: what is answered is stored", .serialized)
    struct HTTPHitTests {
        private static let limits = ["limits": "visitor_rate = \"1000000/s\""]

        @Test("a page's hit is in its own response, and each browser on one address is a visitor")
        func ownHit() throws {
            let machine = try Machine(tables: Self.limits)
            let life = try machine.start()
            try life.becomeReady()
            for number in 1...20 {
                let answer = try #require(machine.post(visitor: number))
                #expect(answer.status == 200)
                #expect(answer.body.hasPrefix("{\"online\":\(number),\"total\":\(number),"), "\(answer)")
            }
            // A reload is a view and not a visit.
            #expect(
                try #require(machine.post(visitor: 3, page: "/again")).body.hasPrefix("{\"online\":20,\"total\":20,"))
            try eventually("all numbers show it") {
                let site = try machine.numbers().sites["demo"]
                return site?.views == 21 && site?.visits == 20 && site?.online == 20
            }
            #expect(life.stop() == 0)
        }

        @Test("a hit does not overtake waiting beacons, which count when they arrived")
        func order() throws {
            let machine = try Machine(tables: Self.limits)
            let life = try machine.start()
            try life.becomeReady()
            life.process.signal(SIGSTOP)
            // More than one batch, so that the socket is not drained at once. Then a visitor's views, too far apart to
            // be duplicates.
            let beacons = """
                import socket, time
                s = socket.socket(type=socket.SOCK_DGRAM)
                for i in range(1500): s.sendto(b'f1 s=second.site&u=/&v=%d' % i, ('127.0.0.1', \(machine.beaconPort)))
                for i in range(3):
                    s.sendto(b'f1 s=demo&u=/&v=somebody', ('127.0.0.1', \(machine.beaconPort)))
                    time.sleep(1.1)
                """
            #expect(try shell("python3 -c \"\(beacons)\"").status == 0)
            // Hits wait as well, each on its own connection.
            let hits = """
                import socket, sys
                def ask(i):
                    s = socket.create_connection(('127.0.0.1', \(machine.httpPort)))
                    s.sendall(b'POST /hit HTTP/1.1\\r\\nHost: localhost\\r\\nUser-Agent: Mozilla/5.0 Test/%d\\r\\nContent-Length: 17\\r\\nConnection: close\\r\\n\\r\\ns=third_site&u=/x' % i)
                    return s
                waiting = [ask(i) for i in range(20)]
                print('asked', flush=True)
                print(sum(b' 200 ' in s.recv(4096) for s in waiting))
                """
            let process = try shell("(sleep 0.5; kill -CONT \(life.process.pid)) & python3 -c \"\(hits)\"")
            #expect(process.output == "asked\n20\n", "\(process)")
            try eventually("all is counted") { try machine.numbers().sites["second.site"]?.views == 1500 }
            let sites = try machine.numbers().sites
            #expect(sites["demo"]?.views == 3 && sites["third_site"]?.views == 20)
            #expect(try machine.scrape()["ingest_duplicates_total"] == 0)
        }

        @Test(
            "an answered hit survives a kill at every step of the daemon's writing, and none is counted twice",
            .enabled(if: canCrash))
        func killed() throws {
            let machine = try Machine(
                tables: Self.limits.merging(["state": "segment = \"1MiB\"\njournal_cap = \"8MiB\""]) { $1 })
            let days = ["FOOTFALL_DAY_SECONDS": "3600"]
            var (answered, sent) = (0, 0)
            for name in try KillTests.crashPoints() where !name.hasPrefix("salt") {
                let life = try machine.start(
                    days.merging(KillTests.crash(at: name, KillTests.occasions(of: name, isFirst: false))) { $1 })
                let noise = Noise(machine.beaconPort)
                while life.process.isRunning {
                    sent += 1
                    if machine.post(visitor: sent)?.status == 200 { answered += 1 }
                }
                noise.end()
                #expect(life.process.wait() == 128 + SIGKILL, "\(name)")
                let next = try machine.start(days)
                try next.becomeReady()
                let site = try #require(try machine.numbers().sites["demo"])
                #expect(site.views >= answered && site.views <= sent, "\(name): \(answered) answered, \(sent) sent")
                #expect(site.visits == site.views, "\(name)")
                next.kill()
            }
            #expect(answered > 100)
            print("\(answered) of \(sent) hits were answered, and all of these are stored")
        }

        @Test(
            "a hit that cannot be written is refused and not counted, and hits count again when there is room",
            .enabled(if: Fault.isToBeHad))
        func refused() throws {
            let machine = try Machine(tables: Self.limits)
            let life = try machine.start()
            try life.becomeReady()
            #expect(machine.post(visitor: 1)?.status == 200)
            let fault = try Fault("pwritev", "error=ENOSPC", of: life)
            for number in 2...20 { #expect(machine.post(visitor: number)?.status == 503) }
            try eventually("all numbers show it") {
                let site = try machine.numbers().sites["demo"]
                return site?.views == 1 && site?.online == 1
            }
            fault.end()
            try eventually("it is ready again") { machine.get("/readyz")?.status == 200 }
            #expect(machine.post(visitor: 21)?.status == 200)
            try eventually("all numbers show it") {
                let site = try machine.numbers().sites["demo"]
                return site?.rejected == 19 && site?.views == 2
            }
            let site = try #require(try machine.numbers().sites["demo"])
            let scrape = try machine.scrape()
            #expect(scrape[#"ingest_rejected_beacons_total{reason="internal"}"#] == 19)
            #expect(scrape["ingest_records_total"] == 21)
            life.kill()
            let next = try machine.start()
            try next.becomeReady()
            #expect(try machine.numbers().sites["demo"] == site)
        }
    }
}

/// Beacons of another site, on which no number depends. They keep the writing of frames busy.
private final class Noise: Sendable {
    private let isOver = Atomic(false)
    private let ended = DispatchSemaphore(value: 0)

    init(_ port: Int) {
        Thread.detachNewThread { [self] in
            let descriptor = socket(AF_INET, CInt(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
            defer { close(descriptor) }
            _ = connectToLoopback(descriptor, port)
            let beacon = Array("f1 s=second.site&v=noise&u=/\(String(repeating: "noise", count: 90))".utf8)
            while !isOver.load(ordering: .relaxed) {
                for _ in 0..<100 { _ = unsafe send(descriptor, beacon, beacon.count, 0) }
                Thread.sleep(forTimeInterval: 0.005)
            }
            ended.signal()
        }
    }

    func end() {
        isOver.store(true, ordering: .relaxed)
        ended.wait()
    }
}

extension Machine {
    /// A page's hit from one of many browsers on this machine.
    fileprivate func post(visitor: Int, page: String = "/") -> (status: Int, body: String)? {
        httpPost(httpPort, "/hit", "s=demo&u=\(page)", ["User-Agent: Mozilla/5.0 (X11) Test/\(visitor)"])
    }
}
