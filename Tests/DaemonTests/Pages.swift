import Foundation

/// The pages that tell people what to type: the README, and the pages of the documentation.
struct Page {
    /// Its path, from the root of the project.
    let path: String
    let text: String

    static let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..").standardized
    private static let catalog = "Sources/footfall/Documentation.docc"

    private init(_ path: String) throws {
        self.path = path
        text = try String(contentsOf: Self.root.appending(path: path), encoding: .utf8)
    }

    static func readme() throws -> Page { try Page("README.md") }

    /// A page of the documentation, such as `API`.
    static func documentation(_ name: String) throws -> Page { try Page(catalog + "/\(name).md") }

    /// The README, then the pages of the documentation by their names.
    static func all() throws -> [Page] {
        let names = try FileManager.default.contentsOfDirectory(atPath: root.appending(path: catalog).path)
        return try [readme()] + names.filter { $0.hasSuffix(".md") }.sorted().map { try Page(catalog + "/" + $0) }
    }

    /// The fenced blocks of one kind, such as `toml`.
    func blocks(of kind: String) -> [String] {
        var blocks: [String] = []
        var open: String?
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("```") {
                open = open == nil ? String(line.dropFirst(3)) : nil
                if open == kind { blocks.append("") }
            } else if open == kind {
                blocks[blocks.count - 1] += line + "\n"
            }
        }
        return blocks
    }

    /// What people would type: every line of the `sh` blocks, and the lines with a prompt in the `console` blocks.
    func commands(in kind: String) -> [String] {
        let lines = blocks(of: kind).joined().split(separator: "\n").map(String.init)
        return kind == "console" ? lines.filter { $0.hasPrefix("$ ") }.map { String($0.dropFirst(2)) } : lines
    }
}
