import Counting
import NIOHTTP1

/// The tokens for the HTTP API.
struct TokenRoutes: RouteGroup {
    let tokens: Tokens

    var routes: [Route] {
        [
            Route(.GET, "/api/v1/tokens", .owner("The list of tokens is"), list) {
                RouteDescription(
                    "listTokens", .access, "The list of tokens",
                    "Their names. Of the tokens themselves only hashes are kept.",
                    [
                        .json("The tokens.", "TokenList")
                    ])
            },
            Route(.POST, "/api/v1/tokens", .owner("Making a token is"), create) {
                RouteDescription(
                    "createToken", .access, "Make a token",
                    "A token opens everything, also this route. There are at most 100.",
                    body: .jsonBody(.schema("TokenForm")),
                    [
                        .json("The token is made. It is shown only this once.", "NewToken"),
                        .problem(
                            400,
                            """
                            The body is not such JSON, or the name is not 1 to 64 letters, digits, dots, dashes and \
                            underscores. Or as for every route.
                            """),
                        .problem(409, "There is a token with this name already, or there are 100."),
                        .problem(503, "The token cannot be written now; `/readyz` may say why. Nothing was made."),
                    ])
            },
            Route(.DELETE, "/api/v1/tokens/{name}", .owner("Revoking a token is"), revoke) {
                RouteDescription(
                    "revokeToken", .access, "Revoke a token",
                    """
                    It opens nothing from now on, not even the stream that it opened before. A token may \
                    revoke itself.
                    """,
                    parameters: [.pathPart("name", "The token's name.", .schema("TokenName"))],
                    [
                        .json("Revoked.", "RevokedToken"),
                        .problem(404, "No token that was made here has this name."),
                        .problem(
                            503,
                            """
                            The token no longer opens anything, but cannot be removed from the disk now. Revoke it \
                            again.
                            """),
                    ])
            },
        ]
    }

    private struct Form: Decodable { var name: String }

    @Sendable private func list(_ request: HTTPRequest) throws(Problem) -> ResponseAction {
        let list = tokens.all.map { token -> JSON in
            ["name": JSON(token.name), "created": token.created.map { JSON($0.rfc3339) } ?? .null]
        }
        return .now(.json(["tokens": .array(list)]))
    }

    /// Makes a token, and shows it only this once.
    @Sendable private func create(_ request: HTTPRequest) throws(Problem) -> ResponseAction {
        let name = try request.decode(Form.self, #"{"name":"dashboard"}"#).name
        guard name.wholeMatch(of: /[A-Za-z0-9._-]{1,64}/) != nil else {
            throw Problem(
                .badRequest, "Give the token a name of 1 to 64 letters, digits, dots, dashes and underscores.")
        }
        guard tokens.hasRoom(for: name) else {
            throw Problem(
                .conflict, "There is a token with this name already, or there are \(Tokens.countMax); revoke one first."
            )
        }
        return .after {
            answered {
                let token = try tokens.create(named: name)
                return ["name": JSON(name), "token": JSON(token)]
            }
        }
    }

    @Sendable private func revoke(_ request: HTTPRequest) throws(Problem) -> ResponseAction {
        let name = String(request.parameters[0])
        guard tokens.all.contains(where: { $0.name == name && $0.created != nil }) else {
            throw Problem(
                .notFound, "No token that was made here has this name; footfall token list shows all tokens.")
        }
        return .after {
            answered {
                try tokens.revoke(name)
                return ["name": JSON(name)]
            }
        }
    }

    private func answered(_ change: () throws -> JSONObject) -> Response {
        do {
            return .json(try change())
        } catch {
            return Problem(.serviceUnavailable, "The token cannot be written now; /readyz may say why.").response
        }
    }
}
