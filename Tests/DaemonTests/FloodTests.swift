import Foundation
import Testing

/// Floods of new values from trusted senders: the limits hold, and honest visitors are still counted.
@Suite("Floods")
struct FloodTests {
    private static let settings = """
        [limits]
        visitors = 20000
        recent_views = 1000
        pages = 200
        referrers = 100
        sites = 10
        [[site]]
        name = "flooded"
        timezone = "UTC"
        duplicate = "0s"
        [[site]]
        name = "quiet"
        timezone = "UTC"
        duplicate = "0s"
        """

    /// Sends one round, and waits for the daemon before the kernel would drop anything: new visitors, pages and
    /// referrers of one site; unknown sites, tags and hosts; junk. In between, one honest visitor of the other site
    /// reads ten pages. What the test waits for, the visitors, is sent last.
    private static let flood = """
        import random, socket, sys, time
        random.seed(int(sys.argv[2]))
        out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        out.connect(('127.0.0.1', int(sys.argv[1])))
        name = lambda: random.randbytes(6).hex()
        junk = lambda: b'\\xff' + random.randbytes(99)  # \\xff: not by chance the first bytes of JSON
        port = f':{int(sys.argv[1]):04X}'
        def waiting():
            lines = [l.split() for l in open('/proc/net/udp')]
            return sum(int(l[4].split(':')[1], 16) for l in lines if l[1].endswith(port))
        line = lambda host: f'{host} 203.0.113.9 - - [23/Nov/2026:07:49:43 +0000] "GET / HTTP/1.1" 200 1 "-" "x"'
        for i in range(2000):
            out.send(f'f1 s={name()}&u=/'.encode())
            out.send(f'<190>Nov 23 07:49:43 web1 ff_{name()}: {line("-")}'.encode())
            out.send(line(name() + '.example').encode())
            out.send(junk())
            if i % 200 == 0: out.send(f'f1 s=quiet&v=honest&u=/{i // 200}'.encode())
            out.send(b'f1 ' + '\\n'.join(f's=flooded&v={name()}&u=/{name()}&r=https://{name()}.example/' for _ in range(12)).encode())
            while i % 10 == 0 and waiting() > 30_000: time.sleep(0.002)
        """

    @Test(
        "memory does not grow after the first of four floods, each is refused by reason, and a quiet site is exact"
    )
    func floods() throws {
        let daemon = try Daemon(sites: Self.settings)
        let folder = try TemporaryFolder()
        let script = try folder.write("flood.py", Self.flood)
        func metric(_ name: String) throws -> Int {
            let text = try shell("curl -sf http://127.0.0.1:\(daemon.httpPort)/metrics").output
            let line = text.split(separator: "\n").first { $0.hasPrefix("\(name) ") }
            return line.flatMap { Double($0.split(separator: " ")[1]) }.map(Int.init) ?? -1
        }
        var sizes: [Int] = []
        for round in 1...4 {
            #expect(try shell("python3 '\(script.path)' \(daemon.beaconPort) \(round)").status == 0)
            let views = "footfall_site_views_total{site=\"flooded\"}"
            try eventually("round \(round) is counted: \(try metric(views))") { try metric(views) == round * 24_000 }
            sizes.append(try metric("process_resident_memory_bytes"))
        }
        #expect(sizes[3] - sizes[0] < 4 << 20, "\(sizes)")
        #expect(try metric("footfall_ingest_kernel_drops_total{listener=\"127.0.0.1:\(daemon.beaconPort)\"}") == 0)
        let refused = "footfall_ingest_rejected_beacons_total"
        #expect(try metric("\(refused){reason=\"site_unknown\"}") == 4 * 2 * 2000)
        #expect(try metric("\(refused){reason=\"site_missing\"}") == 4 * 2000)
        #expect(try metric("\(refused){reason=\"syntax\"}") == 4 * 2000)
        let quiet = try shell("curl -sf http://127.0.0.1:\(daemon.httpPort)/api/v1/sites/quiet").output
        #expect(
            quiet.contains("\"online\":{\"visitors\":1,") && quiet.contains("\"visits\":1,\"views\":40,"), "\(quiet)")
        #expect(quiet.contains("\"rejected\":{\"total\":0}"))
        // The other site reports what its limits cost.
        let flooded = try shell("curl -sf http://127.0.0.1:\(daemon.httpPort)/api/v1/sites/flooded").output
        #expect(flooded.contains("\"exact\":{\"online\":false"))
        // The log has nothing of it.
        #expect(try daemon.said.split(separator: "\n").count < 20 && !daemon.said.contains("ff_"))
    }
}
