import Counting
import Glibc
import Wire

/// Feeds random bytes to everything that reads bytes from outside or from a disk (`make fuzz`).
///
/// The variable FOOTFALL_FUZZ chooses the target, so that each has a corpus of its own. Whatever comes, nothing traps,
/// nothing is lost and nothing is counted twice: datagrams and records are conserved.
///
/// For the package manager this is the program's main function. libFuzzer has its own, which is called from here.
@_cdecl("footfall_fuzz_main")
public func main(_ count: CInt, _ arguments: Arguments) -> CInt {
    var (count, arguments) = unsafe (count, arguments)
    return unsafe runDriver(&count, &arguments) { data, size in
        let bytes = unsafe Array(UnsafeBufferPointer(start: data, count: size))
        unsafe target(bytes)
        return 0
    }
}

/// The words of the command line, in C's form.
public typealias Arguments = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>

@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
    _ count: UnsafeMutablePointer<CInt>, _ arguments: UnsafeMutablePointer<Arguments>,
    _ test: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

private nonisolated(unsafe) let target: ([UInt8]) -> Void = {
    let house = House()
    switch unsafe getenv("FOOTFALL_FUZZ").map({ unsafe String(cString: $0) }) {
    case "datagram": return { house.receive($0, from: .ourselves) }
    case "stranger": return { house.receive($0, from: .address(.v4(0x0808_0808))) }
    case "browser": return { house.receiveForm($0) }
    case "forwarded": return { forwarded($0) }
    case "line": return { bytes in _ = RecordedLine(bytes.span) }
    case "frame":
        let whole = house.someFrame()
        var (tried, runs) = (house, 0)
        return { input in
            runs += 1
            // The state made by frames grows up to the limits of a daemon, which are more than a fuzzer may use.
            if runs % 100_000 == 0 { tried = House() }
            tried.apply(altered(whole, by: input))
        }
    case "snapshot":
        let whole = house.someSnapshot()
        return { input in
            let bytes = altered(whole, by: input)
            _ = try? Engine(restoring: bytes.span, limits: Limits(), seed: HashSeed(1, 2))
        }
    default: fatalError("FOOTFALL_FUZZ is one of datagram, stranger, browser, forwarded, line, frame, snapshot")
    }
}()

/// Two fields that proxies write, from a proxy and from an untrusted peer. For an untrusted peer, only the connection
/// counts.
private func forwarded(_ input: [UInt8]) {
    let fields = input.split(separator: 0x0a, maxSplits: 1, omittingEmptySubsequences: false)
        .map { String(decoding: $0, as: UTF8.self).split(separator: ",") }
    func visitor(of peer: UInt32) -> NetworkAddress {
        Networks.loopback.visitor(
            of: .v4(peer), isBelieved: false, forwardedFor: fields[0], forwarded: fields.count > 1 ? fields[1] : [])
    }
    precondition(visitor(of: 0x0808_0808) == .v4(0x0808_0808))
    _ = visitor(of: 0x7f00_0001)
}

/// Valid bytes changed by `input`: each three of its bytes put one byte in a place, and the last two cut the end off.
/// If it begins with a zero, the rest of it is used unchanged.
private func altered(_ whole: [UInt8], by input: [UInt8]) -> [UInt8] {
    guard let first = input.first, first != 0 else { return Array(input.dropFirst()) }
    var bytes = whole
    var rest = input.dropFirst()
    while rest.count > 2 {
        bytes[(Int(rest[rest.startIndex]) << 8 | Int(rest[rest.startIndex + 1])) % bytes.count] =
            rest[rest.startIndex + 2]
        rest = rest.dropFirst(3)
    }
    return rest.isEmpty ? bytes : Array(bytes.prefix(rest.reduce(0) { $0 << 8 | Int($1) }))
}

/// An admission with two sites, and the engine behind it.
private final class House {
    private var admission: Admission
    private var engine: Engine
    private var runs: Int64 = 0
    private static let noon = Moment(second: 20_780 * 86_400 + 43_200)
    private static let key = "0123456789abcdef0123456789abcdef"

    init() {
        let seed = HashSeed(1, 2)
        var directory = SiteDirectory(seed: seed)
        var random = SystemRandomNumberGenerator()
        engine = Engine(limits: Limits(), seed: seed, at: Self.noon)
        var frame = Frame()
        let begins = Moment(second: 20_780 * 86_400)
        let day = DaySpan(day: LocalDay(number: 20_780), begins: begins, ends: begins + 86_400_000)
        for name in ["demo", "a-b.c"] {
            let settings = SiteSettings(name: name, duplicateMilliseconds: 0)
            var profile = SiteProfile(settings, hosts: ["demo.example"], keepQuery: name == "demo" ? [] : ["id", "p"])
            profile.bots = ["own"]
            let site = directory.add(profile, today: day, salt: Salt(number: 1, using: &random))
            frame.append(.site(site, settings, DayRollover(day: day.day, begins: begins, salt: 1), at: Self.noon))
        }
        let rules = Admission.Rules(assets: ["css", "png"], logSite: "demo")
        admission = Admission(sites: directory, rules: rules, seed: seed)
        admission.setKeys([Self.key], of: SiteIndex(0))
        apply(frame.bytes)
    }

    func receive(_ bytes: [UInt8], from sender: Admission.Sender) {
        runs += 1
        var frame = Frame()
        // Sometimes as if the slot had been too short.
        let isTruncated = (bytes.last ?? 0) & 7 == 7
        let arrival = Admission.Arrival(
            from: sender, isTruncated: isTruncated, stamp: Self.noon.milliseconds, at: Self.noon + runs / 1000)
        admission.admit(bytes.span, arrival, against: engine.signatures, into: &frame)
        admission.forgetPendingSignatures()
        finish(frame)
    }

    func receiveForm(_ bytes: [UInt8]) {
        runs += 1
        let half = bytes.count / 2
        let hit = BrowserHit(
            form: Array(bytes[..<half]), address: .v4(UInt32(truncatingIfNeeded: runs)),
            agent: String(decoding: bytes[half...], as: UTF8.self), page: String(decoding: bytes, as: UTF8.self),
            isPrefetch: runs & 15 == 0)
        var frame = Frame()
        do throws(BeaconRejection) {
            _ = try admission.admit(hit, at: Self.noon + runs / 1000, steady: runs, into: &frame)
        } catch {}
        finish(frame)
    }

    /// A frame with one of everything that a datagram can contain.
    func someFrame() -> [UInt8] {
        var frame = Frame()
        let text =
            "f1 s=demo&v=1&u=/a&r=https://x.example/\nu=/b\nn=ping\ni=10.0.0.1&a=Googlebot&u=/c\ns=a-b.c&u=/d?id=1"
        let arrival = Admission.Arrival(from: .ourselves, stamp: Self.noon.milliseconds, at: Self.noon)
        admission.admit(Array(text.utf8).span, arrival, against: engine.signatures, into: &frame)
        return frame.bytes
    }

    /// A state with people online and a closed day.
    func someSnapshot() -> [UInt8] {
        for _ in 0..<3 { apply(someFrame()) }
        return engine.snapshot()
    }

    /// Frames come from a disk: whatever they contain, they are applied or refused.
    func apply(_ bytes: [UInt8]) {
        do throws(MalformedBytes) { try engine.apply(bytes.span) } catch {}
    }

    private func finish(_ frame: Frame) {
        do throws(MalformedBytes) { try engine.apply(frame.span) } catch {
            fatalError("our own frame is \(error)")
        }
        func count(_ counter: Counter) -> UInt64 { admission.counts[counter] + engine.counters[counter] }
        let refused = DatagramRejection.allCases.reduce(0) { $0 + count($1.counter) }
        let rejected = BeaconRejection.allCases.reduce(0) { $0 + count($1.counter) }
        precondition(count(.datagrams) == count(.parsedDatagrams) + refused, "a datagram was lost or counted twice")
        let counted = [Counter.views, .pings, .duplicates, .bots].reduce(0) { $0 + count($1) }
        precondition(count(.records) == counted + rejected, "a record was lost or counted twice")
    }
}
