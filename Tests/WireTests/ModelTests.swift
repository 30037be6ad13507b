import Counting
import TestSupport
import Testing
import Wire

/// The reader beside one that splits at every separator, on random bytes. The seed is in the failure message.
@Suite("The reader beside a naive split")
struct ModelTests {
    @Test("every field of datagrams of every length is found where a naive split finds it")
    func everyLength() throws {
        // Every length up to 1400, then every 13th. 13 has no factor in common with 64, so all ends of a block occur.
        let lengths = Array(3...1400) + stride(from: 1401, through: 8192, by: 13) + Array(8128...8192)
        var failures = 0
        for length in lengths where failures < 5 {
            var random = SplitMix(seed: UInt64(length))
            if let difference = try firstDifference(randomBeacons(length, &random)) {
                Issue.record("length and seed \(length): \(difference)")
                failures += 1
            }
        }
    }

    @Test("a separator is found at every place of a block, and a look-alike is not")
    func everyPlace() throws {
        for length in 60...200 {
            for place in 12..<length - 2 {
                var datagram = Array("f1 s=demo&u=/".utf8) + [UInt8](repeating: 0x61, count: length - 13)
                datagram[place] = 0x25  // Differs from & in one bit; not followed by hex digits it stands for itself.
                datagram[place + 1] = 0x7a
                let before = try firstDifference(datagram)
                datagram[place] = place == 12 ? 0x2f : 0x26
                let ampersand = try firstDifference(datagram)
                datagram[place] = place == 12 ? 0x2f : 0x0a
                let feed = try firstDifference(datagram)
                if let difference = before ?? ampersand ?? feed {
                    Issue.record("length \(length), place \(place): \(difference)")
                    return
                }
            }
        }
    }

    @Test("junk is split as by a naive reader, every record is conserved, and nothing traps")
    func junk() throws {
        let separators = Array("&&&\n\n==\r".utf8)
        let letters = Array("acdehilmnoqrstuvwxzbfg._0129AZ%+/\\:[] ".utf8) + [0, 1, 0x7f, 0x80, 0xc3, 0xff]
        var failures = 0
        for seed in 1...20_000 as ClosedRange<UInt64> where failures < 5 {
            var random = SplitMix(seed: seed)
            var datagram: [UInt8]
            switch seed % 4 {
            case 0: datagram = random.bytes(random.number(0...300), of: Array(0...255))
            case 1: datagram = Array("f1 ".utf8) + random.bytes(random.number(0...300), of: Array(0...255))
            case 2: datagram = Array("f1 ".utf8) + random.bytes(random.number(0...300), of: separators + letters)
            default:
                datagram = randomBeacons(random.number(3...600), &random)
                for _ in 0...random.number(0...12) { mutate(&datagram, &random) }
            }
            let isTruncated = random.percent(3)
            var house = try CountingHouse(hosts: ["a.example"], keepQuery: ["id"])
            let stranger = Admission.Sender.address(.v4(0x0a00_0001))
            try house.receive(datagram, from: random.percent(10) ? stranger : .ourselves, isTruncated: isTruncated)
            if !house.isConserved || house[.datagrams] != 1 || house[.bytes] != UInt64(datagram.count) {
                Issue.record("seed \(seed): not conserved: \(quoted(datagram))")
                failures += 1
            }
            // Anything that begins differently is a log, and not for this reader.
            if datagram.starts(with: Array("f1 ".utf8)), let difference = firstDifferenceInLines(datagram) {
                Issue.record("seed \(seed): \(difference)")
                failures += 1
            }
        }
    }
}

// MARK: Datagrams

/// Records of random fields, cut at a length, wherever that is.
private func randomBeacons(_ length: Int, _ random: inout SplitMix) -> [UInt8] {
    let text = Array("abcdef0123456789-./".utf8)
    var datagram = Array("f1 ".utf8)
    if random.percent(40) { datagram += Array("s=demo&i=10.0.0.7&a=aa\n".utf8) }
    while datagram.count < length {
        var fields: [[UInt8]] = []
        func add(_ share: Int, _ key: String, _ value: @autoclosure () -> [UInt8]) {
            if random.percent(share) { fields.append(Array("\(key)=".utf8) + value()) }
        }
        let long = random.percent(8) ? 900 : 40
        add(60, "s", Array(random.one(of: ["demo", "demo", "other", "nobody", "NO"]).utf8))
        add(90, "u", [0x2f] + random.bytes(random.number(0...long), of: text))
        add(50, "i", Array("10.\(random.number(0...260)).0.\(random.number(1...3))".utf8))
        // Letters that form no bot's word.
        add(40, "a", random.bytes(random.number(0...long), of: Array("qx0123456789-.".utf8)))
        add(15, "v", random.bytes(random.number(1...64), of: text))
        add(
            50, "r",
            Array("https://\(random.one(of: ["a.example", "b.example", "c.example"]))/".utf8)
                + random.bytes(random.number(0...40), of: text))
        add(10, "n", Array(random.one(of: ["ping", "view"]).utf8))
        add(
            20, random.one(of: ["b", "f", "unknown", "x.y", "d", "Q", "t", "h"]),
            random.bytes(random.number(0...20), of: text))
        add(5, "u", Array("/second".utf8))
        fields.shuffle(using: &random)
        datagram += Array(fields.joined(separator: [0x26])) + Array(random.one(of: ["\n", "\n", "\r\n"]).utf8)
        if random.percent(5) { datagram += Array("\r\n".utf8) }
    }
    datagram = Array(datagram.prefix(length))
    if random.percent(20), length > 60 {
        let tag = Array("&z=".utf8) + random.bytes(32, of: Array("0123456789abcdef".utf8))
        datagram.replaceSubrange(length - tag.count..<length, with: tag)
    }
    return datagram
}

private func mutate(_ datagram: inout [UInt8], _ random: inout SplitMix) {
    guard datagram.count > 3 else { return }
    let place = random.number(3...datagram.count - 1)
    switch random.number(0...3) {
    case 0: datagram[place] ^= 1 << UInt8(random.number(0...7))
    case 1: datagram.remove(at: place)
    case 2: datagram.insert(UInt8(random.number(0...255)), at: place)
    default: datagram.insert(random.one(of: Array("&=\n\r%".utf8)), at: place)
    }
}

// MARK: The naive reader

/// The content of a datagram, found by splitting it at every LF, `&` and `=`.
private struct NaiveDatagram {
    typealias Field = (key: String, value: String)
    var rejection: DatagramRejection?
    var records: [[Field]] = []
    var unknownKeys = 0
    var malformedFields = 0

    init(_ datagram: [UInt8]) {
        guard datagram.starts(with: Array("f1 ".utf8)) else {
            rejection = datagram.isEmpty ? .empty : .version
            return
        }
        var body = datagram.dropFirst(3)
        let unfed = body.last == 0x0a ? body.dropLast() : body
        let hex = Array("0123456789abcdefABCDEF".utf8)
        if unfed.suffix(35).starts(with: Array("&z=".utf8)), unfed.count >= 35,
            unfed.suffix(32).allSatisfy(hex.contains)
        {
            body = unfed.dropLast(35)
        }
        let lines = body.split(separator: 0x0a, omittingEmptySubsequences: false)
            .map { $0.last == 0x0d ? $0.dropLast() : $0 }
        for line in lines where !line.isEmpty { records.append(read(line)) }
        guard let first = records.first else {
            rejection = .empty
            return
        }
        for i in records.indices.dropFirst() { records[i] += inherited(by: records[i], from: first) }
        if !first.isEmpty, !first.contains(where: { $0.key == "u" || $0.key == "n" }) {
            records.removeFirst()
        }
        if records.isEmpty { rejection = .empty }
    }

    private mutating func read(_ line: ArraySlice<UInt8>) -> [Field] {
        let inKeys = Array("abcdefghijklmnopqrstuvwxyz0123456789_.".utf8)
        var fields: [Field] = []
        for field in line.split(separator: 0x26) {
            let parts = field.split(separator: 0x3d, maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, (1...16).contains(parts[0].count), parts[0].allSatisfy(inKeys.contains) else {
                malformedFields += 1
                continue
            }
            let key = String(decoding: parts[0], as: UTF8.self)
            let isLetter = parts[0].count == 1 && parts[0][parts[0].startIndex] >= 0x61
            let isRepeated = fields.contains { $0.key == key }
            if !"acdehilmnoqrstuvwz".contains(key) || key.count > 1, !key.hasPrefix("x."), !(isLetter && isRepeated) {
                unknownKeys += 1
            }
            if !isRepeated { fields.append((key, String(decoding: parts[1], as: UTF8.self))) }
        }
        return fields
    }

    private func inherited(by record: [Field], from first: [Field]) -> [Field] {
        let group = ["i", "a", "v"]
        let own = record.map(\.key)
        let keys = ["s", "h"] + (own.contains(where: group.contains) ? [] : group)
        return first.filter { keys.contains($0.key) && !own.contains($0.key) }
    }
}

/// Compares the content of each line.
private func firstDifferenceInLines(_ datagram: [UInt8]) -> String? {
    let naive = NaiveDatagram(datagram)
    var beacons = Beacons(datagram.span)
    do throws(DatagramRejection) { try beacons.begin() } catch {
        return error == naive.rejection ? nil : "\(error), not \(naive.rejection as Any): \(quoted(datagram))"
    }
    if let rejection = naive.rejection { return "not \(rejection): \(quoted(datagram))" }
    var lines: [String] = []
    reading: while true {
        switch beacons.next() {
        case .record: lines.append("record")
        case .rejected(let reason): lines.append(reason.rawValue)
        case .end: break reading
        }
    }
    let expected = naive.records.enumerated().map { i, record in
        i >= 64 ? "limit" : record.contains { $0.key == "u" || $0.key == "n" } ? "record" : "syntax"
    }
    if lines != expected { return "lines \(lines), not \(expected): \(quoted(datagram))" }
    let odd = (Int(beacons.unknownKeys), Int(beacons.malformedFields))
    if odd != (naive.unknownKeys, naive.malformedFields) {
        return "odd fields \(odd), not \((naive.unknownKeys, naive.malformedFields)): \(quoted(datagram))"
    }
    return nil
}

/// Compares the pages, referrers and visitors of plain records.
private func firstDifference(_ datagram: [UInt8]) throws -> String? {
    if let difference = firstDifferenceInLines(datagram) { return difference }
    var expected: [Counter: UInt64] = [:]
    var pages: [String: UInt64] = [:]
    var referrers: [String: UInt64] = [:]
    var visitors: Set<String> = []
    let naive = NaiveDatagram(datagram)
    for (i, record) in naive.records.enumerated() {
        let fields = Dictionary(uniqueKeysWithValues: record)
        let isPing = fields["n"] == "ping"
        let counter: Counter =
            if i >= 64 { .beaconsLimit } else if fields["u"] == nil && fields["n"] == nil {
                .beaconsSyntax
            } else if fields["n"] != nil && !isPing { .beaconsSyntax } else if fields["s"].map(isName) != true {
                .beaconsSiteMissing
            } else if !["demo", "other"].contains(fields["s"]) { .beaconsSiteUnknown } else if isPing { .pings } else {
                .views
            }
        expected[counter, default: 0] += 1
        guard counter == .pings || counter == .views, let site = fields["s"] else { continue }
        if let id = fields["v"], !id.isEmpty {
            visitors.insert("\(site) \(id)")
        } else if let address = fields["i"], NetworkAddress(Array(address.utf8).span) != nil {
            visitors.insert("\(site) \(address) \((fields["a"] ?? "").prefix(512))")
        }
        guard counter == .views, site == "demo" else { continue }
        let url = fields["u"] ?? ""
        pages[String((url.hasPrefix("/") ? url : "/" + url).prefix(512)), default: 0] += 1
        referrers[host(of: fields["r"] ?? ""), default: 0] += 1
    }
    var house = try CountingHouse()
    try house.receive(datagram)
    let outcome = house.outcome.filter { ![.unknownKeys, .droppedFields, .cutFields].contains($0.key) }
    if outcome != (house[.parsedDatagrams] == 0 ? [.datagramsEmpty: 1] : expected) {
        return "\(outcome), not \(expected): \(quoted(datagram))"
    }
    if house.pages() != pages { return "\(house.pages()), not \(pages): \(quoted(datagram))" }
    if house.referrers() != referrers { return "\(house.referrers()), not \(referrers): \(quoted(datagram))" }
    if house.engine.trackedVisitors != visitors.count {
        return "\(house.engine.trackedVisitors) visitors, not \(visitors.count): \(quoted(datagram))"
    }
    return nil
}

private func isName(_ site: String) -> Bool { isSiteName(Array(site.utf8).span) }

/// The host of a referrer that begins with `https://` or was cut earlier.
private func host(of referrer: String) -> String {
    guard referrer.hasPrefix("https://") else { return "(direct)" }
    let host = referrer.dropFirst(8).prefix { $0 != "/" }
    return host.isEmpty ? "(direct)" : String(host.count > 1 && host.hasSuffix(".") ? host.dropLast() : host)
}
