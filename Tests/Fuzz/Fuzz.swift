import Counting
import Glibc
import Wire

/// Throws bytes at everything that reads bytes of strangers or of a disk (libFuzzer calls it; `make fuzz`).
///
/// What is thrown at is chosen by the variable FOOTFALL_FUZZ, so that each has a corpus of its own. Whatever comes, nothing
/// traps, nothing is lost and nothing comes twice: datagrams and records are conserved.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
    let bytes = unsafe Array(UnsafeBufferPointer(start: data, count: size))
    target(bytes)
    return 0
}

private nonisolated(unsafe) let target: ([UInt8]) -> Void = {
    let house = House()
    switch unsafe getenv("FOOTFALL_FUZZ").map({ unsafe String(cString: $0) }) {
    case "datagram": return { house.take($0, from: .ourselves) }
    case "stranger": return { house.take($0, from: .address(.v4(0x0808_0808))) }
    case "browser": return { house.takeForm($0) }
    case "line": return { bytes in _ = RecordedLine(bytes.span) }
    case "frame": return { house.apply($0) }
    case "snapshot": return { bytes in _ = try? Engine(restoring: bytes.span, limits: Limits(), seed: HashSeed(1, 2)) }
    default: fatalError("FOOTFALL_FUZZ is one of datagram, stranger, browser, line, frame, snapshot")
    }
}()

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
            frame.append(.site(site, settings, DayTurn(day: day.day, begins: begins, salt: 1), at: Self.noon))
        }
        let rules = Admission.Rules(assets: ["css", "png"], logSite: "demo")
        admission = Admission(sites: directory, rules: rules, seed: seed)
        admission.setKeys([Self.key], of: SiteIndex(0))
        apply(frame.bytes)
    }

    func take(_ bytes: [UInt8], from sender: Admission.Sender) {
        runs += 1
        var frame = Frame()
        // Sometimes as if the slot had been too short.
        let arrival = Admission.Arrival(from: sender, isTruncated: runs & 7 == 0, stamp: Self.noon.milliseconds)
        admission.admit(
            bytes.span, arrival, at: Self.noon + runs / 1000, seen: engine.signatures, into: &frame)
        admission.forgetPendingSignatures()
        finish(frame)
    }

    func takeForm(_ bytes: [UInt8]) {
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

    /// Frames come from a disk: whatever is in them, they are applied or refused.
    func apply(_ bytes: [UInt8]) {
        do throws(MalformedBytes) { try engine.apply(bytes.span) } catch {}
    }

    private func finish(_ frame: Frame) {
        do throws(MalformedBytes) { try engine.apply(frame.span) } catch {
            fatalError("a frame of our own is \(error)")
        }
        func count(_ tally: Tally) -> UInt64 { admission.tallies[tally] + engine.tallies[tally] }
        let refused = DatagramRejection.allCases.reduce(0) { $0 + count($1.tally) }
        let rejected = BeaconRejection.allCases.reduce(0) { $0 + count($1.tally) }
        precondition(count(.datagrams) == count(.parsedDatagrams) + refused, "a datagram got lost or came twice")
        let counted = [Tally.views, .pings, .duplicates, .bots].reduce(0) { $0 + count($1) }
        precondition(count(.records) == counted + rejected, "a record got lost or came twice")
    }
}
