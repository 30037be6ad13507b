import Counting
import NIOHTTP1

/// The keys with which senders on other machines sign the beacons of a site.
struct KeyRoutes: RouteGroup {
    let backend: any Backend
    let keys: SiteKeys

    var routes: [Route] {
        [
            Route(.GET, "/api/v1/sites/{site}/keys", .owner("Keys of a site are"), list) {
                RouteDescription(
                    "listKeys", .access, "The keys that senders elsewhere sign beacons of a site with",
                    "Their ids; the keys themselves are not shown again.",
                    [
                        .json("The keys.", "KeyList")
                    ])
            },
            Route(.POST, "/api/v1/sites/{site}/keys", .owner("Keys of a site are"), create) {
                RouteDescription(
                    "createKey", .access, "Make a key",
                    "A site has at most two keys, so that one can be replaced without a gap. The request has no body.",
                    [
                        .json("The key is made, and valid from now on. It is shown only this once.", "NewKey"),
                        .problem(409, "The site has two keys already."),
                        .problem(503, "The key cannot be written now; `/readyz` may say why. Nothing was made."),
                    ])
            },
            Route(.DELETE, "/api/v1/sites/{site}/keys/{id}", .owner("Keys of a site are"), revoke) {
                RouteDescription(
                    "revokeKey", .access, "Revoke a key",
                    "Beacons that are signed with it are refused from now on.",
                    parameters: [.pathPart("id", "The id of the key.", .schema("KeyId"))],
                    [
                        .json("Revoked.", "RevokedKey"),
                        .problem(404, "No site has this name, or the site has no key with this id."),
                        .problem(
                            503,
                            "The key is no longer valid, but cannot be removed from the disk now. Revoke it again."),
                    ])
            },
        ]
    }

    @Sendable private func list(_ request: HTTPRequest) throws(Problem) -> ResponseAction {
        let list = keys.keys(of: try site(of: request)).map { key -> JSON in
            ["id": JSON(key.id), "created": JSON(key.created.rfc3339)]
        }
        return .now(.json(["keys": .array(list)]))
    }

    /// Makes a key, and shows it only this once.
    @Sendable private func create(_ request: HTTPRequest) throws(Problem) -> ResponseAction {
        let site = try site(of: request)
        guard let key = keys.reserve(for: site) else {
            throw Problem(
                .conflict, "The site has \(SiteKeys.countMax) keys already: revoke one that no sender uses any more.")
        }
        return .after {
            await answered {
                try await keys.save(key)
                return ["site": JSON(site), "id": JSON(key.id), "key": JSON(key.key)]
            }
        }
    }

    @Sendable private func revoke(_ request: HTTPRequest) throws(Problem) -> ResponseAction {
        let site = try site(of: request)
        let id = String(request.parameters[1])
        guard keys.keys(of: site).contains(where: { $0.id == id }) else {
            throw Problem(.notFound, "The site has no key with this id; footfall key list shows its keys.")
        }
        return .after {
            await answered {
                try await keys.revoke(id, of: site)
                return ["site": JSON(site), "id": JSON(id)]
            }
        }
    }

    /// The site of the request, which must be known.
    private func site(of request: HTTPRequest) throws(Problem) -> String {
        let name = String(request.parameters[0])
        guard backend.report.index(of: name) != nil else { throw Problem.unknownSite }
        return name
    }

    private func answered(_ change: () async throws -> JSONObject) async -> Response {
        do {
            return .json(try await change())
        } catch {
            return Problem(.serviceUnavailable, "The key cannot be written now; /readyz may say why.").response
        }
    }
}
