import Counting
import Glibc
import Ingest
import Platform
import Testing
import Wire

/// A sender with a socket of its own, connected to a numeric address.
private final class Client {
    private let descriptor: CInt

    init(to socket: BeaconSocket) throws {
        let colon = try #require(socket.name.lastIndex(of: ":"))
        let host = socket.name[..<colon].filter { $0 != "[" && $0 != "]" }
        let port = try #require(UInt16(socket.name[socket.name.index(after: colon)...]))
        descriptor = try SocketAddress(host: host, port: port).connected()
    }

    func send(_ bytes: [UInt8]) { _ = unsafe Glibc.send(descriptor, bytes, bytes.count, 0) }
    func send(_ text: String) { send(Array(text.utf8)) }

    deinit { close(descriptor) }
}

private func pipeline() -> IngestPipeline {
    var pipeline = IngestPipeline(
        limits: Limits(), rules: Admission.Rules(), calendar: calendar, salts: SplitMix(seed: 1), wall: Clocks.wall,
        steady: Clocks.steady)
    let isAdded = pipeline.serve(SiteProfile(SiteSettings(name: "demo")))
    precondition(isAdded)
    pipeline.commit()
    return pipeline
}

private func loopback(_ host: String = "127.0.0.1", receiveBuffer: Int = 1 << 20) throws -> BeaconSocket {
    try BeaconSocket(host: host, port: 0, receiveBuffer: receiveBuffer)
}

/// The report after everything that had arrived is counted.
private func counted(_ thread: CountingThread) -> Report {
    thread.stop()
    return thread.publication.current
}

@Test("beacons of both address families are counted, and every datagram is accounted for")
func bothFamilies() throws {
    let sockets = [try loopback(), try loopback("::1")]
    let clients = try sockets.map(Client.init)
    for i in 0..<100 {
        for client in clients { client.send("f1 s=demo&v=\(i)&u=/\(i)") }
    }
    let report = counted(CountingThread(pipeline(), sockets: sockets, ring: ReceiveRing()))
    #expect(report.sites[0].totalViews + Int64(report.counters[.duplicates]) == 200)
    #expect(report.counters[.datagrams] == 200 && report.counters[.parsedDatagrams] == 200)
}

@Test("an empty and a too long datagram are refused with their reasons, and hide none after them")
func oddSizes() throws {
    let socket = try loopback()
    let client = try Client(to: socket)
    client.send("f1 s=demo&v=a&u=/")
    client.send([])
    client.send(Array("f1 s=demo&v=b&u=/".utf8) + [UInt8](repeating: 0x61, count: 8192))
    client.send(Array("f1 s=demo&v=c&u=/".utf8) + [UInt8](repeating: 0x61, count: 8192 - 17))
    client.send("f1 s=demo&v=d&u=/")
    let report = counted(CountingThread(pipeline(), sockets: [socket], ring: ReceiveRing()))
    #expect(report.counters[.datagramsEmpty] == 1 && report.counters[.datagramsOversize] == 1)
    #expect(report.sites[0].totalVisits == 3)
}

@Test("every datagram dropped by the kernel is counted")
func kernelDrops() throws {
    let socket = try loopback(receiveBuffer: 4096)
    let client = try Client(to: socket)
    for i in 0..<500 { client.send("f1 s=demo&v=\(i)&u=/") }
    #expect(socket.memory.drops > 0)
    let report = counted(CountingThread(pipeline(), sockets: [socket], ring: ReceiveRing()))
    #expect(report.counters[.kernelDrops] > 0)
    #expect(report.counters[.datagrams] + report.counters[.kernelDrops] == 500)
}

@Test("after the answer to a change, it is visible at once")
func changeIsPublished() async throws {
    let thread = CountingThread(pipeline(), sockets: [try loopback()], ring: ReceiveRing())
    let profiles = ["demo", "more"].map { SiteProfile(SiteSettings(name: $0)) }
    let seen = await withCheckedContinuation { (seen: CheckedContinuation<[String], Never>) in
        let isAsked = thread.ask(
            .change(
                { pipeline in
                    if pipeline.reload(profiles, rules: Admission.Rules()) == .waiting { return nil }
                    return { seen.resume(returning: thread.publication.current.sites.map(\.name)) }
                }, abandon: { seen.resume(returning: []) }))
        if !isAsked { seen.resume(returning: []) }
    }
    #expect(seen == ["demo", "more"])
    thread.stop()
}

@Test("a hit that waited in the socket counts when it arrived, not when it was read")
func kernelStamp() throws {
    // The kernel begins to stamp some time after the first socket on the machine asks for it. This socket keeps asking.
    let asking = try loopback()
    defer { withExtendedLifetime(asking) {} }
    for attempt in 1...20 {
        let socket = try loopback()
        let pipeline = pipeline()
        try Client(to: socket).send("f1 s=demo&v=a&u=/")
        let sent = Clocks.wall
        while Clocks.wall < sent + 30 {}
        let report = counted(CountingThread(pipeline, sockets: [socket], ring: ReceiveRing()))
        #expect(report.sites[0].totalViews == 1 && report.asOf.milliseconds >= sent + 30)
        if report.sites[0].peak.at.milliseconds <= sent { return }
        #expect(attempt < 20, "never stamped on arrival")
    }
}

@Test("an unsigned datagram from outside is refused, and one that looks signed is refused with another reason")
func strangers() {
    var pipeline = pipeline()
    let stranger = Admission.Sender.address(.v4(0xcb00_7109))
    for text in ["f1 s=demo&u=/", "f1 s=demo&u=/&z=0123456789abcdef0123456789abcdef"] {
        pipeline.ingest(Array(text.utf8).span, from: stranger, isTruncated: false, stamp: Clocks.wall)
    }
    pipeline.commit()
    let counters = pipeline.engine.counters
    #expect(counters[.datagramsUntrusted] == 1 && counters[.datagramsSignature] == 1 && counters[.parsedDatagrams] == 0)
}

@Test("the error for a port in use names the process that has it")
func portInUse() throws {
    let socket = try loopback()
    let port = try #require(UInt16(socket.name.split(separator: ":")[1]))
    let error = #expect(throws: SocketError.self) {
        _ = try BeaconSocket(host: "127.0.0.1", port: port, receiveBuffer: 4096)
    }
    guard case .inUse(let address, by: let owner?) = error else {
        Issue.record("not reported as in use: \(String(describing: error))")
        return
    }
    #expect(address == socket.name && owner.hasSuffix("(pid \(getpid()))"))
}

@Test("in every frame of junk and beacons, everything is counted or refused")
func conservation() {
    var random = SplitMix(seed: 7)
    var pipeline = pipeline()
    let pieces = [
        "f1 ", "s=demo", "&", "u=/", "\n", "n=ping", "n=x", "=", "v=1", "%", "\0", "f2 ", "é", "a=bot", "s=no",
        "s=demo&v=1&u=/",
    ]
    for _ in 0..<20_000 {
        var text = Bool.random(using: &random) ? "f1 " : ""
        for _ in 0..<Int.random(in: 0..<12, using: &random) { text += pieces.randomElement(using: &random) ?? "" }
        pipeline.ingest(Array(text.utf8).span, from: .ourselves, isTruncated: false, stamp: Clocks.wall)
        if Int.random(in: 0..<10, using: &random) == 0 { pipeline.commit() }
    }
    pipeline.commit()
    let t = pipeline.engine.counters
    #expect(t[.datagrams] == 20_000)
    #expect(t[.datagrams] == t[.parsedDatagrams] + DatagramRejection.allCases.reduce(0) { $0 + t[$1.counter] })
    let refused = BeaconRejection.allCases.reduce(0) { $0 + t[$1.counter] }
    #expect(t[.records] == t[.views] + t[.pings] + t[.duplicates] + t[.bots] + refused)
    #expect(t[.views] > 0 && t[.pings] > 0 && t[.bots] > 0 && t[.duplicates] > 0)
}
