import Counting
import TestSupport
import Testing
import Wire

/// From `u` to the path and from `r` to the host in the rankings.
@Suite("Pages and referrers")
struct PageTests {
    @Test(
        "the path of a URL is the part between host and query",
        arguments: [
            ("/", "/"), ("", "/"), ("/tin-tuc/123", "/tin-tuc/123"), ("tin-tuc", "/tin-tuc"), ("/a/", "/a/"),
            ("/A/b", "/A/b"),
            ("https://demo.example/a/b", "/a/b"), ("https%3A%2F%2Fdemo.example%2Fa%2Fb", "/a/b"),
            ("https://demo.example", "/"), ("https://demo.example?x=1", "/"), ("https://demo.example#top", "/"),
            ("https://demo.example/", "/"), ("https://demo.example:8443/a", "/a"), ("https://demo.example:8443", "/"),
            ("https://user:secret@demo.example/a", "/a"), ("https://a@b@demo.example/a", "/a"),
            ("http://[2001:db8::1]:8080/a", "/a"), ("http://[::1]", "/"), ("HTTPS://DEMO.EXAMPLE/A", "/A"),
            ("android-app://com.example/a", "/a"), ("file:///a", "/a"), ("https:///a", "/a"), ("https://", "/"),
            ("demo.example/a", "/demo.example/a"), ("https:/a", "/https:/a"),
            ("mailto:a@b.example", "/mailto:a@b.example"),
            ("://a", "/://a"), ("/https://demo.example/a", "/https://demo.example/a"),
            ("//demo.example/a", "//demo.example/a"),  // A path as log senders write it: the specification is silent.
            ("/a?x=1", "/a"), ("/a#b", "/a"), ("/a?", "/a"), ("/a#b?c", "/a"), ("?x=1", "/"), ("#top", "/"),
            ("/a%3Fx%3D1", "/a"), ("/a%23top", "/a"), ("/a=b", "/a=b"), ("/a;b,c'd!(e)*", "/a;b,c'd!(e)*"),
        ])
    func paths(url: String, path: String) throws { #expect(try page(url) == path) }

    @Test(
        "after form decoding, the path is percent-decoded once",
        arguments: [
            ("/a%2Fb", "/a/b"), ("/a%252Fb", "/a/b"), ("/a%25252Fb", "/a%2Fb"), ("/a%253Fb", "/a?b"),
            ("/a%2523b", "/a#b"),
            ("/a+b", "/a b"), ("/a%20b", "/a b"), ("/a b", "/a b"), ("/a%2520b", "/a b"), ("/a%2Bb", "/a+b"),
            ("/a%252Bb", "/a+b"), ("/a%26b", "/a&b"), ("/a%2526b", "/a&b"), ("/a%3Db", "/a=b"),
            // A % without two hex digits stays as it is.
            ("/100%", "/100%"), ("/100%25", "/100%"), ("/100%2525", "/100%"), ("/%zz", "/%zz"), ("/%4", "/%4"),
            ("/%4g", "/%4g"),
            ("/%%41", "/%A"), ("/%2541", "/A"), ("/%254", "/%4"), ("/%25", "/%"), ("/%G1%1", "/%G1%1"),
        ])
    func decoding(url: String, path: String) throws { #expect(try page(url) == path) }

    @Test("a slash is put in front only if the cleaned path has none", arguments: ["%252Fa", "%01/a", "%E2%80%AE/a"])
    func slash(url: String) throws {
        let page = try page(url)
        #expect(page == "/a")
    }

    @Test("a Vietnamese path is one page in every spelling")
    func vietnamese() throws {
        var house = try CountingHouse()
        for url in [
            "/tin-tức/đại-hội", form("/tin-tức/đại-hội"), form("/tin-tức/đại-hội").lowercased(),
            "https://demo.example/tin-tức/đại-hội", "/" + form(form("tin-tức/đại-hội")),
            form("https://demo.example/tin-t%e1%bb%a9c/%C4%91%E1%BA%A1i-h%E1%BB%99i?x=1"),
        ] { try house.receive("f1 s=demo&u=\(url)") }
        #expect(house.pages() == ["/tin-tức/đại-hội": 6])
    }

    @Test("controls and bidirectional marks are stripped, other invisible characters stay")
    func controls() throws {
        let stripped: [ClosedRange<UInt32>] = [
            0...0x1f, 0x7f...0x9f, 0x61c...0x61c, 0x200e...0x200f, 0x202a...0x202e, 0x2066...0x2069,
        ]
        for value in stripped.joined() {
            let scalar = try #require(Unicode.Scalar(value))
            #expect(try page("/a" + form("\(scalar)") + "b") == "/ab", "U+\(String(value, radix: 16))")
            #expect(try page("/a" + form(form("\(scalar)")) + "b") == "/ab", "U+\(String(value, radix: 16)) twice")
        }
        for value: UInt32 in [
            0x20, 0xa0, 0x61b, 0x61d, 0x200b, 0x200d, 0x2010, 0x2028, 0x2065, 0x206a, 0xfeff, 0x1f600,
        ] {
            let scalar = try #require(Unicode.Scalar(value))
            #expect(try page("/a\(form("\(scalar)"))b") == "/a\(scalar)b", "U+\(String(value, radix: 16))")
        }
        #expect(try page("/a\u{1b}[31mb\rc\td\u{0}e") == "/a[31mbcde")
    }

    @Test(
        "every maximal part of broken UTF-8 becomes one U+FFFD",
        arguments: [
            ("%FF", "?"), ("%80", "?"), ("%C3", "?"), ("%C3%28", "?("), ("%C0%AF", "??"), ("%E1%BB", "?"),
            ("%E1%BBa", "?a"),
            ("%F0%9F%98", "?"), ("%ED%A0%80", "???"), ("%F4%90%80%80", "????"), ("%E0%80%80", "???"), ("%F5%80", "??"),
            ("a%F1%80%80%E1%80%C2b%80c%80%BFd", "a???b?c??d"),  // Unicode 15, table 3-8.
        ])
    func brokenUTF8(url: String, path: String) throws {
        let expected = "/" + path.replacing("?", with: "\u{fffd}")
        #expect(try page("/" + url) == expected)
        #expect(try page("/" + url.replacing("%", with: "%25")) == expected)
    }

    @Test("random bytes become the same text as in Swift, without controls")
    func randomBytes() throws {
        let alphabet = (0...255).filter { !"%?#/+&\n\r".utf8.contains($0) } as [UInt8]
        let dense: [UInt8] = [0x61, 0x80, 0x8e, 0x9f, 0xa0, 0xbf, 0xc2, 0xd8, 0xe0, 0xe2, 0xed, 0xf0, 0xf4, 0xff]
        for seed in 1...3000 as ClosedRange<UInt64> {
            var random = SplitMix(seed: seed)
            let bytes = random.bytes(random.number(0...60), of: seed % 2 == 0 ? alphabet : dense)
            let expected = String(
                String.UnicodeScalarView(
                    String(decoding: bytes, as: UTF8.self).unicodeScalars.filter { scalar in
                        let isControl = scalar.value < 0x20 || (0x7f...0x9f).contains(scalar.value)
                        return !isControl && !scalar.properties.isBidiControl
                    }))
            #expect(try page("/" + form(bytes)) == "/" + expected, "seed \(seed)")
        }
    }

    @Test("a path has at most 512 bytes and ends with a whole character")
    func pathLimit() throws {
        func count(_ character: Character, _ n: Int) -> String { String(repeating: character, count: n) }
        #expect(try page("/" + count("a", 511)) == "/" + count("a", 511))
        #expect(try page("/" + count("a", 512)) == "/" + count("a", 511))
        #expect(try page("/" + form(count("é", 300))) == "/" + count("é", 255))
        #expect(try page("/" + count("é", 300)) == "/" + count("é", 255))
        #expect(try page("/" + count("ứ", 171)) == "/" + count("ứ", 170))
        #expect(try page("/" + form(count("😀", 200))) == "/" + count("😀", 127))
        #expect(try page("/" + form([UInt8](repeating: 0xff, count: 300))) == "/" + count("\u{fffd}", 170))
        #expect(try page("/" + count("\u{1}", 400) + count("a", 500)) == "/" + count("a", 500))
    }

    @Test("a URL past 1024 decoded bytes is cut before a broken character, and that is counted")
    func urlLimit() throws {
        let escaped = { String(repeating: "%2541", count: $0) }
        let decoded = "/" + String(repeating: "A", count: 341)
        let host = { "https://" + String(repeating: "h", count: $0) }
        for (url, path, cut) in [
            ("/" + escaped(341), decoded, 0), ("/" + escaped(342), decoded, 1), (host(1014) + "/a", "/a", 0),
            (host(1014) + "/ab", "/a", 1), (host(1014) + "/é", "/", 1), (host(1013) + "/é", "/é", 0),
            (host(1014) + "/%C3%A9", "/", 1), (host(1012) + "/ứ", "/ứ", 0), (host(1013) + "/ứ", "/", 1),
            (host(1100), "/", 1),
        ] as [(String, String, UInt64)] {
            var house = try CountingHouse()
            try house.receive("f1 s=demo&u=\(url)")
            #expect(house.pages() == [path: 1] && house[.cutFields] == cut, "\(path)")
        }
    }

    @Test(
        "query keys that a site keeps belong to the path, in the order of its list",
        arguments: [
            ("/a?id=1", "/a?id=1"), ("/a?x=1%26id=2%26page=3%26id=9", "/a?id=2&page=3"),
            ("/a?page=3%26id=2", "/a?id=2&page=3"),
            ("/a?page=3", "/a?page=3"), ("/a?idx=1", "/a"), ("/a?i=1", "/a"), ("/a?id", "/a?id"), ("/a?id=", "/a?id="),
            ("/a?ID=1", "/a"), ("/a?id=1%23page=2", "/a?id=1"), ("/a%23?id=1", "/a"),
            ("https://demo.example?id=1", "/?id=1"),
            ("https%3A%2F%2Fdemo.example%2Fa%3Fid%3D1%26x%3D2", "/a?id=1"), ("/a?id=caf%25C3%25A9", "/a?id=café"),
            ("/a?%26%26id=1", "/a?id=1"), ("/a?", "/a"), ("?id=1", "/?id=1"), ("/a?id=1?page=2", "/a?id=1?page=2"),
        ])
    func keptQuery(url: String, path: String) throws {
        var house = try CountingHouse(keepQuery: ["id", "page"])
        try house.receive("f1 s=demo&u=\(url)")
        #expect(house.pages() == [path: 1])
        #expect(try page(url) == String(path.prefix { $0 != "?" }))
    }

    @Test(
        "a referrer is its host, or direct, or internal",
        arguments: [
            ("", "(direct)"), ("-", "(direct)"), ("https://www.google.com/search?q=a", "google.com"),
            ("https%3A%2F%2Fwww.google.com%2Fsearch%3Fq%3Da%26b%3Dc", "google.com"), ("http://a.example", "a.example"),
            ("http://a.example/", "a.example"), ("http://a.example:8080/x", "a.example"),
            ("https://a.example:443", "a.example"),
            ("https://a.example?x", "a.example"), ("https://a.example#x", "a.example"),
            ("https://a.example\\x", "a.example"),
            ("https://A.Example/X", "a.example"), ("HTTPS://WWW.A.EXAMPLE:443/", "a.example"),
            ("https://m.a.example/", "m.a.example"),
            ("https://www.www.a.example/", "www.a.example"), ("https://wwww.example/", "wwww.example"),
            ("https://my_host.example/", "my_host.example"), ("https://10.0.0.1:8080/", "10.0.0.1"),
            ("http://[2001:DB8::1]:8080/x", "[2001:db8::1]"), ("http://[::1]", "[::1]"),  // Brackets: silent.
            ("https%3A%2F%2F%5B%3A%3A1%5D%3A80%2F", "[::1]"), ("https://user@a.example/", "a.example"),
            ("https%3A%2F%2Fuser%3Asecret%40a.example%2F", "a.example"),
            ("https://User:secret@a.example:81/", "a.example"),
            ("https://a@b@a.example/", "a.example"), ("https://a.example/@b.example", "a.example"),
            ("android-app://com.google.android.gm/", "com.google.android.gm"), ("//a.example/x", "a.example"),
            ("//www.A.example:80", "a.example"), ("a.example", "a.example"), ("www.a.example/x", "a.example"),
            ("a.example:443/x", "a.example"), ("A.EXAMPLE", "a.example"), ("https://viện.example/", "viện.example"),
            ("https://vi%E1%BB%87n.example/", "viện.example"),
            ("https://xn--vin-xw5a.example/", "xn--vin-xw5a.example"),
            ("https://a\u{202e}.ex\u{1}ample/", "a.example"), ("https://a%FF.example/", "a\u{fffd}.example"),
            // Text that names no host.
            ("/", "(direct)"), ("/path", "(direct)"), ("localhost", "(direct)"), ("about:blank", "(direct)"),
            ("?q", "(direct)"), ("\u{11}a.example/", "(direct)"),
            ("javascript:alert(1)", "(direct)"), ("https://", "(direct)"), ("https:///x", "(direct)"),
            ("https://:80/", "(direct)"),
            ("https://@/", "(direct)"), ("//", "(direct)"), ("some words.", "(direct)"), (".example", "(direct)"),
            ("%00", "(direct)"),
            // The hosts of the site.
            ("https://demo.example/a", "(internal)"), ("https://www.demo.example/", "(internal)"),
            ("demo.example", "(internal)"),
            ("https%3A%2F%2FDEMO.example%3A8443%2F", "(internal)"), ("//shop.demo.example/", "(internal)"),
            ("https://demo.example", "(internal)"),
            ("https://m.demo.example/", "m.demo.example"),
            ("https://demo.example.evil.example/", "demo.example.evil.example"),
            ("https://xdemo.example/", "xdemo.example"), ("https://demo.exampl/", "demo.exampl"),
        ])
    func referrers(referrer: String, host: String) throws { #expect(try self.referrer(referrer) == host) }

    @Test(
        "a raw user and password before the host are not part of it",
        arguments: [("https://user:secret@a.example/", "a.example"), ("http://user:@demo.example:80/x", "(internal)")])
    func rawUser(referrer: String, host: String) throws {
        let found = try self.referrer(referrer)
        #expect(found == host)
    }

    @Test("a referrer past 1024 bytes is cut and counted, a host past 253 cut")
    func referrerLimit() throws {
        var house = try CountingHouse()
        try house.receive("f1 s=demo&u=/&r=https%3A%2F%2Fa.example%2F\(String(repeating: "x", count: 1006))")
        #expect(house[.cutFields] == 0)
        try house.receive("f1 s=demo&u=/&r=https%3A%2F%2Fa.example%2F\(String(repeating: "x", count: 1007))")
        #expect(house[.cutFields] == 1 && house.referrers() == ["a.example": 2])
        let host = String(repeating: "h", count: 300)
        #expect(try referrer("https://\(host)/") == String(host.prefix(253)))
        #expect(try referrer("https://\(host.prefix(253))/") == String(host.prefix(253)))
    }

    /// The page under which a view with this `u` is counted.
    private func page(_ url: String) throws -> String? {
        var house = try CountingHouse()
        try house.receive("f1 s=demo&u=\(url)")
        return house.pages().count == 1 ? house.pages().first?.key : nil
    }

    private func referrer(_ referrer: String) throws -> String? {
        var house = try CountingHouse(hosts: ["demo.example", "shop.demo.example"])
        try house.receive("f1 s=demo&u=/&r=\(referrer)")
        return house.referrers().count == 1 ? house.referrers().first?.key : nil
    }
}
