import Counting
import Glibc
import TestSupport
import Testing
import Wire

/// Addresses and networks.
@Suite("Addresses")
struct AddressTests {
    @Test(
        "an address is read in every written form",
        arguments: [
            ("203.0.113.9", .v4(0xcb00_7109)), ("0.0.0.0", .v4(0)), ("255.255.255.255", .v4(.max)),
            ("::", .v6(0, 0)), ("::1", .v6(0, 1)), ("1::", .v6(1 << 48, 0)),
            ("2001:db8::1", .v6(0x2001_0db8_0000_0000, 1)),
            ("2001:DB8:0:0:0:0:0:1", .v6(0x2001_0db8_0000_0000, 1)), ("2001:0db8::0001", .v6(0x2001_0db8_0000_0000, 1)),
            ("1:2:3:4:5:6:7:8", .v6(0x0001_0002_0003_0004, 0x0005_0006_0007_0008)),
            ("1:2:3:4:5:6:7::", .v6(0x0001_0002_0003_0004, 0x0005_0006_0007_0000)),
            ("::2:3:4:5:6:7:8", .v6(0x0000_0002_0003_0004, 0x0005_0006_0007_0008)),
            ("64:ff9b::203.0.113.9", .v6(0x0064_ff9b_0000_0000, 0xcb00_7109)),
            ("1:2:3:4:5:6:203.0.113.9", .v6(0x0001_0002_0003_0004, 0x0005_0006_cb00_7109)),
            ("::203.0.113.9", .v6(0, 0xcb00_7109)),
            // IPv4-mapped addresses become IPv4, in every spelling.
            ("::ffff:203.0.113.9", .v4(0xcb00_7109)), ("::FFFF:cb00:7109", .v4(0xcb00_7109)),
            ("0000:0000:0000:0000:0000:ffff:203.000.113.9", nil),
            ("0000:0000:0000:0000:0000:ffff:255.255.255.255", .v4(.max)),
        ] as [(String, NetworkAddress?)])
    func forms(text: String, address: NetworkAddress?) {
        #expect(NetworkAddress(Array(text.utf8).span) == address)
    }

    @Test("a set holds an address once, in every spelling, and each of its neighbours")
    func sets() throws {
        let spellings = [
            ["203.0.113.9", "::ffff:203.0.113.9", "::FFFF:cb00:7109"], ["203.0.113.10"],
            ["::203.0.113.9", "::cb00:7109"],
            ["2001:db8::1", "2001:DB8:0:0:0:0:0:1", "2001:0db8::0001"], ["2001:db8::2"], ["2001:db8:0:1::1"],
        ]
        let addresses = try spellings.map { try Set($0.map(address)) }
        #expect(addresses.allSatisfy { $0.count == 1 })
        #expect(Set(addresses.joined()).count == spellings.count)
    }

    @Test(
        "other text is not an address",
        arguments: [
            "", "1", ":", ".", "1.2.3", "1.2.3.4.5", "1.2.3.", ".1.2.3", "1..2.3", "256.1.1.1", "1.2.3.256", "01.2.3.4",
            "1.2.3.04", "00.0.0.0", "1.2.3.0004", "0x1.2.3.4", "1.2.3.4 ", " 1.2.3.4", "+1.2.3.4", "1.2.3.-4",
            "1,2,3,4",
            ":::", "::::", "1:::2", "::1::", "1::2::3", "1:", ":1", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:", ":2:3:4:5:6:7:8",
            "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "::1:2:3:4:5:6:7:8", "1:2:3:4::5:6:7:8", "12345::", "g::", "::g",
            "[::1]", "fe80::1%eth0", "::1/64", "1.2.3.4:80", "::1.2.3", "::1.2.3.4.5", "::1.2.3.4:1", "::1.2.3.256",
            "::01.2.3.4", "1:2:3:4:5:6:7:1.2.3.4", "::1:2:3:4:5:6:1.2.3.4", "1.2.3.4::", "::1.2.3.4::", "localhost",
            "-",
            "unknown", "::\u{0}", "::1\u{0}", "１.2.3.4", String(repeating: "0", count: 45),
            String(repeating: ":", count: 46),
        ])
    func noForms(text: String) { #expect(NetworkAddress(Array(text.utf8).span) == nil) }

    @Test("random strings are addresses exactly when inet_pton reads them, and the same addresses")
    func system() {
        let words = [
            "0", "1", "00", "01", "9", "10", "99", "255", "256", "a", "F", "ffff", "fFfF", "12345", "g", "203", "",
        ]
        let marks = [":", ":", "::", ".", ".", ":::", ""]
        var random = SplitMix(seed: 4)
        var valid = 0
        for _ in 0..<300_000 {
            var text = ""
            switch random.number(0...2) {
            case 0: for _ in 0..<random.number(1...9) { text += random.one(of: words) + random.one(of: marks) }
            case 1:
                let groups = (0..<random.number(6...8)).map { _ in
                    random.one(of: ["0", "1", "ffff", "2001", "a", "", "0db8"])
                }
                text = groups.joined(separator: ":") + random.one(of: ["", "", ":203.0.113.9", ":1.2.3.04", ":"])
            default: text = (0..<4).map { _ in "\(random.number(-1...270))" }.joined(separator: ".")
            }
            guard text.utf8.count <= 45 else { continue }
            let expected = systemAddress(text)
            if expected != nil { valid += 1 }
            guard NetworkAddress(Array(text.utf8).span) == expected else {
                Issue.record("\(text) is \(expected as Any)")
                return
            }
        }
        #expect(valid > 20_000)
    }

    @Test(
        "a network holds the addresses that share its prefix",
        arguments: [
            (
                "127.0.0.0/8", ["127.0.0.1", "127.255.255.255", "::ffff:127.0.0.1"],
                ["128.0.0.0", "126.255.255.255", "::1"]
            ),
            ("::1/128", ["::1", "0:0:0:0:0:0:0:1"], ["::2", "::", "127.0.0.1", "1::1"]),
            ("203.0.113.9", ["203.0.113.9"], ["203.0.113.8", "203.0.113.11"]),
            ("203.0.113.8/31", ["203.0.113.8", "203.0.113.9"], ["203.0.113.7", "203.0.113.10"]),
            ("203.0.113.99/24", ["203.0.113.0", "203.0.113.255"], ["203.0.112.255", "203.0.114.0"]),
            ("0.0.0.0/0", ["0.0.0.0", "255.255.255.255", "::ffff:1.2.3.4"], ["::", "2001:db8::1"]),
            ("::/0", ["::", "ffff::1", "2001:db8::1"], ["0.0.0.0", "::ffff:1.2.3.4"]),
            ("2001:db8::/32", ["2001:db8::", "2001:db8:ffff::1"], ["2001:db7:ffff::", "2001:db9::"]),
            ("2001:db8::/64", ["2001:db8::ffff:0:0:1"], ["2001:db8:0:1::"]),
            ("2001:db8::/65", ["2001:db8::7fff:0:0:1"], ["2001:db8::8000:0:0:1"]),
            ("2001:db8::8/127", ["2001:db8::8", "2001:db8::9"], ["2001:db8::a", "2001:db8::7"]),
        ])
    func networks(network: String, inside: [String], outside: [String]) throws {
        let networks = try #require(Networks([network]))
        for text in inside { #expect(try networks.contains(address(text)), "\(text)") }
        for text in outside { #expect(try !networks.contains(address(text)), "\(text)") }
    }

    @Test("several networks hold what one of them holds, and an empty list holds nothing")
    func severalNetworks() throws {
        let networks = try #require(Networks(["10.0.0.0/8", "2001:db8::/32"]))
        #expect(try networks.contains(address("10.1.2.3")) && networks.contains(address("2001:db8::5")))
        #expect(try !networks.contains(address("127.0.0.1")))
        #expect(try !#require(Networks([])).contains(address("127.0.0.1")))
        #expect(try Networks.loopback.contains(address("127.3.2.1")) && Networks.loopback.contains(address("::1")))
    }

    @Test(
        "text that is not a network is refused, and the whole list with it",
        arguments: [
            "", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8/8", "10.0.0.0/8 ", "10.0.0/8",
            "::/129",
            "::/x", "example.com", "10.0.0.0/255.0.0.0", "*",
        ])
    func noNetworks(text: String) { #expect(Networks(["127.0.0.0/8", text]) == nil) }

    @Test(
        "an unsigned datagram is accepted from trusted addresses only",
        arguments: [
            ("127.0.0.1", true), ("127.200.0.1", true), ("::1", true), ("::ffff:127.0.0.1", true),
            ("10.0.0.1", false), ("192.168.1.1", false), ("172.16.0.1", false), ("fd00::1", false), ("fe80::1", false),
            ("203.0.113.9", false), ("::ffff:203.0.113.9", false), ("::", false), ("0.0.0.0", false),
            ("::127.0.0.1", false),
        ])
    func trust(sender: String, isTrusted: Bool) throws {
        let from = Admission.Sender.address(try address(sender))
        #expect(try outcome(of: "f1 s=demo&u=/", from: from) == (isTrusted ? [.views: 1] : [.datagramsUntrusted: 1]))
        // The site has no key, so no signature can be right, and an untrusted sender is refused. A trusted one needs
        // none.
        let signed = "f1 s=demo&u=/&t=1795420189&z=6f97e3c71efebedca610e44c020f0eef"
        #expect(try outcome(of: signed, from: from) == (isTrusted ? [.views: 1] : [.datagramsSignature: 1]))
        #expect(try outcome(of: signed + "0", from: from) == (isTrusted ? [.views: 1] : [.datagramsUntrusted: 1]))
        #expect(try outcome(of: "f1 s=demo&u=/", from: .ourselves) == [.views: 1])
    }

    @Test("only the listed networks are trusted")
    func trustedNetworks() throws {
        var house = try CountingHouse(trusted: ["10.0.0.0/8"])
        try house.receive("f1 s=demo&u=/", from: .address(address("10.9.8.7")))
        try house.receive("f1 s=demo&u=/", from: .address(address("127.0.0.1")))
        try house.receive("f1 s=demo&u=/", from: .address(address("::1")))
        #expect(house.outcome == [.views: 1, .datagramsUntrusted: 2])
    }

    private func address(_ text: String) throws -> NetworkAddress {
        let bytes = Array(text.utf8)
        let address = NetworkAddress(bytes.span)
        return try #require(address, "\(text)")
    }
}

/// The address that the C library reads. IPv4-mapped addresses become IPv4.
private func systemAddress(_ text: String) -> NetworkAddress? {
    var bytes = [UInt8](repeating: 0, count: 16)
    func word(_ places: Range<Int>) -> UInt64 { bytes[places].reduce(0) { $0 << 8 | UInt64($1) } }
    if unsafe inet_pton(AF_INET, text, &bytes) == 1 { return .v4(UInt32(word(0..<4))) }
    guard unsafe inet_pton(AF_INET6, text, &bytes) == 1 else { return nil }
    return NetworkAddress(v6: word(0..<8), word(8..<16))
}
