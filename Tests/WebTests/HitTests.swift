import Counting
import Crypto
import Foundation
import FoundationXML
import Synchronization
import Testing
import Web
import Wire

@Suite("Hits of pages")
struct HitTests {
    /// What `POST /hit` gives to the one who counts.
    private final class HitRecorder: Sendable {
        let seen = Mutex<[BrowserHit]>([])
        let result: Result<SiteReport, BeaconRejection>
        init(_ result: Result<SiteReport, BeaconRejection>) { self.result = result }

        func backend(showing numbers: Set<PublicNumber> = PublicNumber.counter) -> TestBackend {
            TestBackend(report: { knownReport }) { answers in
                answers.count = { [self] hit, done in
                    seen.withLock { $0.append(hit) }
                    // On another thread, as the counting thread does.
                    DispatchQueue.global().async { [self] in done(result) }
                }
                answers.publicNumbers = { _ in numbers }
            }
        }
    }

    private static let portal = knownReport.sites[0]

    @Test("a hit is answered with the site's public numbers and their names in the page's language")
    func numbers() async throws {
        let recorder = HitRecorder(.success(Self.portal))
        try await withServer(backend: recorder.backend()) { server async throws in
            let response = try await server.post("s=portal&u=/&l=vi-VN")
            #expect(response.status == 200)
            #expect(
                response.body == """
                    {"online":2,"total":50002,"labels":{"online":"Đang trực tuyến","total":"Tổng truy cập"}}
                    """)
            #expect(response.fields["cache-control"] == "no-store")
            #expect(response.fields["access-control-allow-origin"] == "*")
            for (language, label) in [
                ("en", "Total visits"), ("", "Total visits"), ("xx", "Total visits"), ("vi", "Tổng truy cập"),
            ] {
                let labels = try await server.post("s=portal&u=/&l=\(language)").json["labels"] as? [String: String]
                #expect(labels?["total"] == label, "\(language)")
            }
        }
    }

    @Test(
        "every number has a label of its own in every promised language",
        arguments: [
            "vi": "Đang trực tuyến", "en": "Online now", "fr": "En ligne", "de": "Gerade online",
            "es": "En línea ahora",
            "pt": "Online agora", "ru": "Сейчас на сайте", "zh": "当前在线", "zh-TW": "線上人數", "ja": "現在の閲覧者",
            "ko": "현재 접속자", "th": "ขณะนี้ออนไลน์", "id": "Pengunjung online", "lo": "ກຳລັງອອນລາຍ", "km": "កំពុងអនឡាញ",
        ])
    func languages(language: String, online: String) async throws {
        let recorder = HitRecorder(.success(Self.portal))
        let shown = Set(PublicNumber.allCases)
        try await withServer(backend: recorder.backend(showing: shown)) { server async throws in
            func labels(_ language: String) async throws -> [String: String] {
                try await server.post("s=portal&u=/&l=\(language)").json["labels"] as? [String: String] ?? [:]
            }
            let (labels, english) = (try await labels(language), try await labels("en"))
            #expect(labels["online"] == online && labels.count == 9 && Set(labels.values).count == 8)
            // The total of visits is the one name that two numbers share; a word may be the same in English by chance.
            #expect(labels["total"] == labels["visits"])
            #expect(language == "en" || labels.filter { english[$0.key] == $0.value }.isEmpty, "\(labels)")
        }
    }

    @Test("the script under its hash never changes, and the printed hash is right")
    func pinned() async throws {
        let recorder = HitRecorder(.success(Self.portal))
        try await withServer(backend: recorder.backend()) { server async throws in
            let (plain, pinned) = (try await server.ask("/footfall.js"), try await server.ask("/" + Widget.pinnedName))
            #expect(pinned.status == 200 && pinned.body == plain.body)
            #expect(pinned.fields["cache-control"] == "public, max-age=31536000, immutable")
            let hash = Data(SHA384.hash(data: Data(pinned.body.utf8)))
            #expect(Widget.integrity == "sha384-" + hash.base64EncodedString())
            #expect(
                Widget.pinnedName == "footfall-" + hash.prefix(6).map { String(format: "%02x", $0) }.joined() + ".js")
            #expect(try await server.ask("/footfall-000000000000.js").status == 404)
        }
    }

    @Test("HEAD of an image counts nothing")
    func head() async throws {
        let recorder = HitRecorder(.success(Self.portal))
        try await withServer(backend: recorder.backend()) { server async throws in
            for path in ["/hit.gif?s=portal&u=/", "/hit.svg?s=portal&u=/"] {
                let response = try await server.ask("HEAD", path)
                #expect(response.status == 405 && response.fields["allow"] == "GET")
            }
            #expect(try await server.ask("HEAD", "/footfall.js").status == 200)
        }
        #expect(recorder.seen.withLock { $0.isEmpty })
    }

    @Test("an image counts the page that shows it, and its number can be read by programs")
    func images() async throws {
        let recorder = HitRecorder(.success(Self.portal))
        try await withServer(backend: recorder.backend()) { server async throws in
            let page = ["Referer: https://portal.example/tin-tức?a=1&b=2"]
            let pixel = try await server.ask("/hit.gif?s=portal", page)
            #expect(pixel.status == 200 && pixel.fields["content-type"] == "image/gif")
            #expect(pixel.fields["cache-control"]?.contains("no-store") == true)
            let image = try await server.ask("/hit.svg?s=portal&u=/said&show=total&l=vi", page)
            #expect(image.fields["content-type"] == "image/svg+xml; charset=utf-8")
            let document = try XMLDocument(xmlString: image.body)
            func text(_ path: String) throws -> [String?] { try document.nodes(forXPath: path).map(\.stringValue) }
            #expect(try text("/*[local-name()='svg']/@role") == ["img"])
            #expect(try text("/*/@aria-label") == ["Tổng truy cập: 50.002"])
            #expect(try text("/*/*[local-name()='title']") == ["Tổng truy cập: 50.002"])
            #expect(try text("//*[local-name()='text']") == ["Tổng truy cập", "50.002"])
        }
        let forms = recorder.seen.withLock { $0.map { String(decoding: $0.form, as: UTF8.self) } }
        #expect(
            forms == [
                "s=portal&u=https://portal.example/tin-t%E1%BB%A9c%3Fa%3D1%26b%3D2",
                "s=portal&u=/said&show=total&l=vi",
            ])
    }

    @Test(
        "a badge shows a public number with the label and digits of a language, and counts nothing",
        arguments: [
            ("total.svg", "en", "Total visits: 50,002"), ("total.svg", "vi-VN", "Tổng truy cập: 50.002"),
            ("online.svg", "fr", "En ligne: 2"), ("total.svg", "fr", "Total des visites: 50\u{202f}002"),
            ("total.svg", "xx", "Total visits: 50,002"), ("total.svg", "", "Besuche gesamt: 50.002"),
        ])
    func badges(metric: String, language: String, text: String) async throws {
        let recorder = HitRecorder(.success(Self.portal))
        try await withServer(backend: recorder.backend()) { server async throws in
            // Without a language of its own, the browser's.
            let response =
                language.isEmpty
                ? try await server.ask("/badge/portal/\(metric)", ["Accept-Language: de-AT,en;q=0.5"])
                : try await server.ask("/badge/portal/\(metric)?l=\(language)")
            let document = try XMLDocument(xmlString: response.body)
            #expect(try document.nodes(forXPath: "/*/@aria-label").map(\.stringValue) == [text])
        }
        let isUncounted = recorder.seen.withLock(\.isEmpty)
        #expect(isUncounted)
    }

    @Test("there is no badge of a private number, of several numbers, or of nobody")
    func noBadge() async throws {
        try await withServer(backend: HitRecorder(.success(Self.portal)).backend()) { server async throws in
            for path in [
                "portal/views.svg", "portal/windows.svg", "portal/total.png", "portal/total", "nobody/total.svg",
            ] {
                #expect(try await server.ask("/badge/\(path)").status == 404, "\(path)")
            }
            let response = try await server.ask("/badge/portal/views.svg").body
            #expect(response.contains("Of this site these can be shown: online, total."))
        }
    }

    @Test("the privacy signals of a browser are passed on")
    func signals() async throws {
        let recorder = HitRecorder(.success(Self.portal))
        try await withServer(backend: recorder.backend()) { server async throws in
            for fields in [[], ["DNT: 1"], ["Sec-GPC: 1", "DNT: 1"], ["DNT: 0"]] {
                _ = try await server.ask("/hit.gif?s=portal&u=/", fields)
            }
        }
        let signals = recorder.seen.withLock { $0.map(\.signals) }
        #expect(signals == [[], [.dnt], [.dnt, .gpc], []])
    }

    @Test("private numbers are absent, and every public number has a value and a label")
    func visible() async throws {
        let recorder = HitRecorder(.success(Self.portal))
        try await withServer(backend: recorder.backend(showing: [])) { server async throws in
            #expect(try await server.post("s=portal&u=/").body == #"{"labels":{}}"#)
        }
        try await withServer(backend: recorder.backend(showing: Set(PublicNumber.allCases))) { server async throws in
            let numbers = try await server.post("s=portal&u=/").json
            let expected = [
                "online": 2, "peak": 2, "total": 50_002, "visits": 50_002, "views": 3, "today": 2, "yesterday": 0,
                "month": 2,
                "visitors": 2,
            ]
            for (name, value) in expected { #expect(numbers[name] as? Int == value, "\(name)") }
            #expect(Set(try #require(numbers["labels"] as? [String: String]).keys) == Set(expected.keys))
            #expect(numbers.count == expected.count + 1)
        }
    }

    @Test(
        "a refusal has its status, says what to do, and names its reason",
        arguments: [
            (.syntax, 400), (.siteMissing, 400), (.siteUnknown, 404), (.origin, 403), (.rate, 429), (.limit, 503),
            (.internal, 503),
        ] as [(BeaconRejection, Int)])
    func refusals(reason: BeaconRejection, status: Int) async throws {
        try await withServer(backend: HitRecorder(.failure(reason)).backend()) { server async throws in
            let response = try await server.post("s=portal&u=/")
            #expect(response.status == status && response.fields["x-footfall-reason"] == reason.rawValue)
            #expect(response.fields["access-control-allow-origin"] == "*")
            #expect(try !response.problem.isEmpty)
        }
    }

    @Test("a form larger than 4 KiB is refused before it is looked at, and a GET counts nothing")
    func form() async throws {
        let recorder = HitRecorder(.success(Self.portal))
        try await withServer(backend: recorder.backend()) { server async throws in
            #expect(try await server.post(String(repeating: "a", count: 4097)).status == 413)
            #expect(try await server.ask("/hit").status == 405)
            #expect(recorder.seen.withLock { $0.isEmpty })
            #expect(try await server.post(String(repeating: "a", count: 4096)).status == 200)
        }
    }

    @Test(
        "the visitor's address is that of the connection, or what believed proxies say of it, read from the right",
        arguments: [
            // Fields; believed proxies; the address.
            ([], [], "127.0.0.1"), ([], ["127.0.0.1"], "127.0.0.1"),
            (["X-Forwarded-For: 192.0.2.1"], [], "127.0.0.1"),
            (["X-Forwarded-For: 192.0.2.1"], ["10.0.0.0/8"], "127.0.0.1"),
            (["X-Forwarded-For: 192.0.2.1"], ["127.0.0.1"], "192.0.2.1"),
            (["X-Forwarded-For: 198.51.100.7, 192.0.2.1"], ["127.0.0.1"], "192.0.2.1"),
            (["X-Forwarded-For: 198.51.100.7, 192.0.2.1,10.0.0.3"], ["127.0.0.1", "10.0.0.0/8"], "192.0.2.1"),
            (["X-Forwarded-For: 198.51.100.7", "X-Forwarded-For: 192.0.2.1"], ["127.0.0.1"], "192.0.2.1"),
            (["X-Forwarded-For: 10.0.0.4, 10.0.0.3"], ["127.0.0.1", "10.0.0.0/8"], "10.0.0.4"),
            (["X-Forwarded-For: 192.0.2.1:1234"], ["127.0.0.1"], "192.0.2.1"),
            (["X-Forwarded-For: [2001:db8::1]:1234"], ["127.0.0.1"], "2001:db8::1"),
            (["X-Forwarded-For: 2001:db8::1"], ["127.0.0.1"], "2001:db8::1"),
            (["X-Forwarded-For: 192.0.2.1, junk"], ["127.0.0.1"], "127.0.0.1"),
            (["X-Forwarded-For: "], ["127.0.0.1"], "127.0.0.1"),
            (["Forwarded: for=192.0.2.1;proto=https"], ["127.0.0.1"], "192.0.2.1"),
            (["Forwarded: for=198.51.100.7, For=\"[2001:db8::1]:80\";by=x"], ["127.0.0.1"], "2001:db8::1"),
            (["Forwarded: for=198.51.100.7, proto=https"], ["127.0.0.1"], "127.0.0.1"),
            // One of the two the visitor has written.
            (["Forwarded: for=198.51.100.7", "X-Forwarded-For: 192.0.2.1"], ["127.0.0.1"], "127.0.0.1"),
            (["Forwarded: for=192.0.2.1", "X-Forwarded-For: 10.0.0.1, 192.0.2.1"], ["127.0.0.1"], "192.0.2.1"),
            (["X-Real-IP: 192.0.2.1"], ["127.0.0.1"], "127.0.0.1"),
        ])
    func address(fields: [String], proxies: [String], address: String) async throws {
        let recorder = HitRecorder(.success(Self.portal))
        let configuration = WebConfiguration(proxies: try #require(Networks(proxies)), limits: .patient)
        try await withServer(configuration, backend: recorder.backend()) { server async throws in
            #expect(try await server.post("s=portal&u=/", fields).status == 200)
            #expect(recorder.seen.withLock { $0.map(\.address) } == [NetworkAddress(Array(address.utf8).span)])
        }
    }

    @Test("the script is small, contains no comment, and may be loaded by every page")
    func script() async throws {
        try await withServer { server async throws in
            let response = try await server.ask("/footfall.js")
            #expect(response.status == 200 && response.fields["content-type"] == "text/javascript; charset=utf-8")
            #expect(response.fields["access-control-allow-origin"] == "*")
            #expect(!response.body.contains("//") && !response.body.contains("innerHTML"))
            let process = Process()
            process.executableURL = URL(filePath: "/bin/sh")
            let file = FileManager.default.temporaryDirectory.appending(path: "footfall-\(UUID()).js")
            try Data(response.body.utf8).write(to: file)
            process.arguments = ["-c", "gzip -9nc '\(file.path())' | wc -c"]
            let pipe = Pipe()
            process.standardOutput = pipe
            try process.run()
            let said = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
            process.waitUntilExit()
            try FileManager.default.removeItem(at: file)
            #expect(try #require(Int(said.trimmingCharacters(in: .whitespacesAndNewlines))) <= 640)
        }
    }
}

extension TestServer {
    /// One form on a connection of its own.
    fileprivate func post(_ form: String, _ fields: [String] = []) async throws -> ReceivedResponse {
        let client = try await connect()
        let fields = ["Host: localhost", "Content-Length: \(form.utf8.count)", "Connection: close"] + fields
        try await client.send("POST /hit HTTP/1.1\r\n\(fields.joined(separator: "\r\n"))\r\n\r\n\(form)")
        return try await client.response()
    }
}
