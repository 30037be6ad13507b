import Foundation
import Testing

/// The daemon does what `/openapi.json` says.
@Suite("OpenAPI")
struct OpenAPITests {
    private static let script =
        URL(filePath: #filePath).deletingLastPathComponent().appending(path: "OpenAPI/check.py").path

    /// Where `make test` puts schemathesis.
    private static let python = URL(filePath: #filePath).appending(path: "../../../.build-python/bin/python")
        .standardized.path

    @Test(
        "every route, status and shape is as described, for any request",
        .enabled(if: FileManager.default.fileExists(atPath: python)))
    func check() throws {
        let machine = try Machine(
            sites: ["demo", "portal"], tables: ["http": "local_admin = false", "site": "duplicate = \"0s\""])
        let life = try machine.start()
        try life.becomeReady()
        let token = try machine.command("token create openapi").output.trimmingCharacters(in: .whitespacesAndNewlines)
        let address = "f1 s=demo&v=1&u=/tin-tuc&r=https%3A%2F%2Fnews.example%2F"
        _ = try shell("printf '%s' '\(address)' >/dev/udp/127.0.0.1/\(machine.beaconPort)")
        let check = try shell("'\(Self.python)' '\(Self.script)' http://127.0.0.1:\(machine.httpPort) \(token)")
        #expect(check.status == 0, "\(check.output)\(check.errors)")
        print(check.output.suffix(400))
        #expect(life.stop() == 0)
    }
}
