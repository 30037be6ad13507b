import Foundation
import Testing
import Web

@Suite("The description of the API")
struct APIDescriptionTests {
    private typealias Operations = [String: [String: Any]]

    @Test("every described operation is served, and no other method is allowed")
    func served() async throws {
        try await withServer { server async throws in
            let paths = try await Self.paths(server)
            #expect(paths.count > 30)
            for (path, operations) in paths {
                let target = try Self.target(path)
                let other = try await server.ask("PATCH", target, local: true)
                #expect(other.status == 405, "\(path)")
                let allowed = Set(try #require(other.fields["allow"]).components(separatedBy: ", "))
                #expect(allowed.subtracting(["HEAD"]) == Set(operations.keys.map { $0.uppercased() }), "\(path)")
            }
        }
    }

    @Test("what the description reserves for the owner is refused to anybody else")
    func access() async throws {
        try await withServer { server async throws in
            for (path, operations) in try await Self.paths(server) {
                for (method, operation) in operations {
                    let security = try #require(operation["security"] as? [[String: Any]], "\(path)")
                    let isOwners = !security.isEmpty && !security.contains { $0.isEmpty }
                    guard isOwners else { continue }
                    let status = try await server.ask(method.uppercased(), try Self.target(path)).status
                    #expect(status == 401, "\(method) \(path)")
                    let responses = try #require(operation["responses"] as? [String: Any])
                    #expect(responses["401"] != nil)
                }
            }
        }
    }

    @Test("every reference leads somewhere, every operation has its own id, and the version is the program's")
    func whole() async throws {
        let backend = TestBackend(report: { knownReport }) { $0.version = "1.2.3" }
        try await withServer(backend: backend) { server async throws in
            let response = try await server.ask("/openapi.json")
            let document = try response.json
            #expect((document["info"] as? [String: Any])?["version"] as? String == "1.2.3")
            let components = try #require(document["components"] as? [String: [String: Any]])
            for match in response.body.matches(of: #/"#\/components\/(\w+)\/(\w+)"/#) {
                #expect(components[String(match.1)]?[String(match.2)] != nil, "\(match.0)")
            }
            let ids = try await Self.paths(server).values.flatMap {
                $0.values.compactMap { $0["operationId"] as? String }
            }
            #expect(Set(ids).count == ids.count && ids.count > 35)
            // As people read it: each member on a line of its own, indented by two spaces.
            #expect(response.body.contains("\n    \"/hit\": {\n      \"post\": {\n"))
            #expect(!response.body.contains(#/[^\\]":\S/#))
        }
    }

    private static func paths(_ server: TestServer) async throws -> [String: Operations] {
        try #require(try await server.ask("/openapi.json").json["paths"] as? [String: Operations])
    }

    /// A path with something in the place of its parts in braces.
    private static func target(_ path: String) throws -> String {
        path.replacing("/footfall-{hash}.js", with: "/" + Widget.pinnedName).replacing("{site}", with: "portal")
            .replacing("{ranking}", with: "pages").replacing(#/\{\w+\}/#, with: "nobody")
    }
}
