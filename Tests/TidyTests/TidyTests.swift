import Foundation
import Testing

/// What keeps the project the way its map says it is.
@Suite("The house is in order")
struct TidyTests {
    // MARK: Modules

    /// What each module may import, as the table of `Sources/README.md` says it; empty where it cannot be read.
    static let imports: [String: Set<String>] = {
        do {
            return importTable(of: try Project.text("Sources/README.md"))
        } catch {
            return [:]
        }
    }()

    /// The rows of the table: a module in bold, what it does, and what it may import.
    private static func importTable(of page: String) -> [String: Set<String>] {
        let rows = page.matches(of: #/(?m)^\| \*\*([\w-]+)\*\* \|[^|]*\|([^|]*)\|/#)
        return Dictionary(rows.map { (String($0.1), names(in: String($0.2))) }) { first, _ in first }
    }

    /// The names in a cell, parted by commas; a reason in brackets may follow each.
    private static func names(in cell: String) -> Set<String> {
        let list = cell.replacing(#/\([^)]*\)/#, with: "").trimmingCharacters(in: .whitespaces)
        if list.isEmpty || list == "nothing" { return [] }
        return Set(list.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) })
    }

    /// Modules with files of Swift; the names of those in C begin with a C and another capital.
    private static func isSwift(_ module: String) -> Bool { module.prefixMatch(of: #/C[A-Z]/#) == nil }

    @Test(
        "each module imports what the map's table allows and nothing else",
        arguments: imports.keys.filter(isSwift).sorted())
    func importTable(module: String) throws {
        let allowed = try #require(Self.imports[module])
        for file in try Project.files(in: "Sources/" + module, endingIn: [".swift"]) {
            for line in try Project.code(file) {
                guard let imported = Self.module(importedBy: line.text) else { continue }
                #expect(allowed.contains(imported), "\(file):\(line.number): \(module) may not import \(imported)")
            }
        }
    }

    @Test("every module stands in the map's table")
    func everyModule() throws {
        let modules = try Project.files(in: "Sources").map { $0.split(separator: "/") }.filter { $0.count > 2 }
        #expect(Set(modules.map { String($0[1]) }) == Set(Self.imports.keys))
    }

    @Test("the table is read as it is written, with its reasons, and holds names and no prose")
    func table() {
        let page = """
            | module | the one thing it does | may import | never |
            |---|---|---|---|
            | **A** | a | nothing | I/O |
            | **b-c** | a | A, Foundation (dates, and `Data`), D | |
            | **D** | d | | |
            """
        #expect(Self.importTable(of: page) == ["A": [], "b-c": ["A", "Foundation", "D"], "D": []])
        #expect(
            Self.imports["Counting"] == [] && Self.imports["Wire"] == ["Counting", "CBytes", "CResources", "Crypto"])
        for (module, names) in Self.imports {
            for name in names {
                #expect(name.wholeMatch(of: #/\w+/#) != nil, "\(module) may import \(name), which is no module")
            }
        }
    }

    @Test(
        "an import is seen in every form it can be written in",
        arguments: [
            ("import Wire", "Wire"), ("public import Wire", "Wire"), ("@testable import Wire", "Wire"),
            ("@preconcurrency private import Wire", "Wire"), ("import struct Foundation.Data", "Foundation"),
            ("@_spi(Some) import Wire", "Wire"), ("import Wire; import Web", "Wire"), ("importer()", nil),
            ("let x = 1", nil),
        ] as [(String, String?)])
    func importForms(line: String, module: String?) {
        #expect(Self.module(importedBy: line) == module)
    }

    /// Two imports in one line are refused by the linter.
    private static func module(importedBy line: String) -> String? {
        let form =
            #/^(?:@\w+(?:\([^)]*\))?\s+)*(?:\w+\s+)?import\s+(?:(?:struct|class|enum|protocol|typealias|func|let|var)\s+)?(\w+)/#
        return line.firstMatch(of: form).map { String($0.1) }
    }

    // MARK: Words that need a reason

    /// Where memory is handled by hand, and why.
    static let unsafeFiles: [String: String] = [
        "Sources/Counting/ByteWords.swift": "loads of several bytes, which check the bounds themselves",
        "Sources/Wire/Text/FieldScanner.swift": "gives 64 bytes of a span to CBytes",
        "Sources/Storage/Files.swift": "open, pread, readdir and the like; CRC of a span",
        "Sources/Storage/StateBackup.swift": "stat, lchown, rmdir",
        "Sources/Storage/Segment.swift": "unlink",
        "Sources/Platform/Clocks.swift": "clock_gettime, adjtimex",
        "Sources/Storage/VisitorsFile.swift": "unlink",
        "Sources/Platform/DiskSpace.swift": "statvfs",
        "Sources/Platform/OSThread.swift": "pthread_create",
        "Sources/Platform/Wakeup.swift": "pipe, poll",
        "Sources/Platform/SystemError.swift": "strerror",
        "Sources/Ingest/ReceiveRing.swift": "slots that the kernel and former processes wrote into",
        "Sources/Ingest/SocketAddress.swift": "socket addresses",
        "Sources/Ingest/CountingLoop.swift": "poll",
        "Sources/Ingest/BatchCoalescer.swift": "nanosleep",
        "Sources/Supervision/InheritedSockets.swift": "sd_listen_fds_with_names",
        "Sources/Supervision/Supervisor.swift": "sd_notify, clock_gettime",
        "Sources/Supervision/SystemJournal.swift": "getenv, fstat, sd_journal_sendv",
        "Sources/Web/Formats/ProcessNumbers.swift": "clock_gettime, getrlimit",
        "Sources/footfall/Descriptors.swift": "getrlimit, setrlimit",
        "Sources/footfall/Commands/TopCommand.swift": "the size of the terminal",
        "Sources/footfall/LocalSocket.swift": "socket addresses",
        "Sources/footfall/DatagramSocket.swift": "send",
        "Sources/footfall-load/Batch.swift": "sendmmsg",
        "Sources/footfall-load/Drain.swift": "recvmmsg into slots, and poll",
        "Sources/footfall-load/HTTPEndpoint.swift": "a plain socket",
        "Sources/footfall-load/Outgoing.swift": "write to standard error",
    ]

    @Test("unsafe code stands in the files of the list and in no other")
    func unsafeCode() throws {
        // Nothing unsafe compiles without the word; @safe and @unchecked are promises of the same kind.
        let words = #/\bunsafe\b|@safe\b|@unchecked\b/#
        let found = try Project.files(in: "Sources", endingIn: [".swift"]).filter { file in
            try Project.code(file).contains { $0.text.contains(words) }
        }
        let listed = Set(Self.unsafeFiles.keys)
        #expect(Set(found).subtracting(listed).sorted() == [], "unsafe, and not in the list")
        #expect(listed.subtracting(found).sorted() == [], "in the list, and no longer unsafe: take it out")
    }

    /// Where an error is dropped, how often, and why nothing is lost by it.
    static let droppedErrors: [String: (count: Int, reason: String)] = [
        "Sources/Counting/Bytes.swift": (1, "becomes the error of the caller"),
        "Sources/Ingest/PortOwner.swift": (2, "what may not be looked at has no name"),
        "Sources/Wire/Log/UnknownSites.swift": (1, "the names in a datagram that is refused are nobody's"),
        "Sources/footfall/Health.swift": (1, "a sleep that is cut short has nothing to say"),
        "Sources/Storage/StateBackup.swift": (3, "what an attempt has left, or has not"),
        "Sources/Web/Routes/HistoryRoutes.swift": (1, "a text that is no date is answered with how to write one"),
        "Sources/Web/Formats/ProcessNumbers.swift": (1, "a number that is not to be had is left out"),
        "Sources/footfall/Commands/Doctor.swift": (1, "a machine without /proc shows no web servers"),
        "Sources/footfall/Commands/SiteCommand.swift": (
            3, "what cannot be undone or read is said by the error that made it necessary"
        ),
        "Sources/footfall/DaemonBackend.swift": (1, "an audit that cannot be read is answered with 503"),
        "Sources/footfall/LocalClient.swift": (
            2, "an answer without a problem is reported by its status; a directory that is not there has no owner"
        ),
        "Sources/footfall/Commands/Count.swift": (1, "reads back what this process has just written"),
        "Sources/footfall-load/Repeat.swift": (1, "the measured datagram is a constant"),
    ]

    @Test("no error is dropped without a reason in the list")
    func droppedErrors() throws {
        for file in try Project.files(in: "Sources", endingIn: [".swift"]) {
            let count = try Project.code(file).reduce(0) { $0 + $1.text.matches(of: #/\btry\?/#).count }
            #expect(count == Self.droppedErrors[file]?.count ?? 0, "\(file): uses of try?")
        }
        #expect(Self.droppedErrors.keys.filter { !Project.exists($0) } == [])
    }

    // MARK: Files

    @Test("no source file is longer than 400 lines")
    func length() throws {
        // A description in JSON is one whole, and a list has no ideas.
        for file in try Project.files(in: "Sources") where !file.hasSuffix(".json") && !file.hasSuffix(".txt") {
            let lines = try Project.text(file).split(separator: "\n", omittingEmptySubsequences: false).count - 1
            #expect(lines <= 400, "\(file) has \(lines) lines: which second idea moved in?")
        }
    }

    @Test("nothing is left for later in a comment, and no path of somebody's machine is written down")
    func leftovers() throws {
        let words = ["TO" + "DO", "FIX" + "ME", "XX" + "X:", "HA" + "CK:", "/wo" + "rk/", "/ho" + "me/"]
        var files = ["Package.swift", "Makefile", "README.md", "LICENSE"].filter(Project.exists)
        for folder in ["Sources", "Tests", "systemd", "dashboards"] { files += try Project.files(in: folder) }
        for file in files {
            // What is not text, such as a recorded datagram, was not written by anybody.
            let data = try Data(contentsOf: Project.root.appending(path: file))
            guard let text = String(validating: data, as: UTF8.self) else { continue }
            for word in words where text.contains(word) { Issue.record("\(file) holds \(word)") }
        }
    }

    @Test("the top level holds what it should and nothing else", .enabled(if: isCheckout, "needs git and a checkout"))
    func topLevel() throws {
        let listing = try run("git ls-files --cached --others --exclude-standard -z")
        let entries = listing.said.split(separator: "\0").compactMap { $0.split(separator: "/").first.map(String.init) }
        #expect(
            Set(entries.filter { !$0.hasPrefix(".") }) == [
                "Package.swift", "Makefile", "README.md", "LICENSE", "Sources", "Tests", "systemd", "dashboards",
            ])
    }

    private static var isCheckout: Bool {
        do {
            return try run("git rev-parse --is-inside-work-tree").status == 0
        } catch {
            return false
        }
    }

    @Test("the formatter has nothing to say, and every public declaration is documented")
    func format() throws {
        let settings = try Project.text(".swift-format")
        try #require(settings.contains(#""AllPublicDeclarationsHaveDocumentation": true"#))
        let lint = try run("swift format lint --strict --recursive Sources Tests Package.swift")
        #expect(lint.status == 0, "\(lint.said)")
    }

    // MARK: Documentation

    /// The pages of the documentation.
    static let catalog = "Sources/footfall/Documentation.docc"
    static let pages: [String] = {
        do { return try Project.files(in: catalog, endingIn: [".md"]) } catch { return [] }
    }()

    @Test("the commands in the README and in the documentation exist", arguments: ["README.md"] + pages)
    func pageCommands(page: String) throws {
        let text = try Project.text(page)
        let makefile = try Project.text("Makefile")
        let targets = makefile.matches(of: #/(?m)^([a-z][a-z-]*):/#).map { String($0.1) }
        for match in text.matches(of: #/\bmake ([a-z][a-z-]*)`/#) {
            #expect(targets.contains(String(match.1)), "make \(match.1) is no target of the Makefile")
        }

        let program = try Project.text("Sources/footfall/Footfall.swift")
        let commands = program.matches(of: #/(\w+?)(?:Command)?\.self/#).map { $0.1.lowercased() }
        for match in text.matches(of: #/`footfall ([a-z]+)/#) where match.1 != "help" {
            #expect(commands.contains(String(match.1)), "footfall \(match.1) is no command")
        }
        let known: Set = ["printf", "php", "python3", "node", "curl", "footfall", "tail"]
        let blocks = text.matches(of: #/(?m)^```(?:sh|console)\n((?:.|\n)*?)^```/#)
        for line in blocks.flatMap({ $0.1.split(separator: "\n") }) {
            let isTyped = line.hasPrefix("$ ")
            let word = (isTyped ? line.dropFirst(2) : line[...]).prefix { $0 != " " }
            if word.first?.isLetter ?? false { #expect(known.contains(String(word)), "\(line)") }
        }
    }

    @Test("the README names what builds and tests, and the page of commands names every command")
    func namedCommands() throws {
        let readme = try Project.text("README.md")
        #expect(readme.contains("`make run`") && readme.contains("`make test`"))
        let page = try Project.text(Self.catalog + "/Commands.md")
        let program = try Project.text("Sources/footfall/Footfall.swift")
        let commands = program.matches(of: #/(\w+?)(?:Command)?\.self/#).map { $0.1.lowercased() }
        #expect(commands.count > 20)
        for command in commands { #expect(page.contains("`footfall \(command)"), "footfall \(command)") }
    }

    @Test(
        "links lead to files of the project",
        arguments: [
            "README.md", "Sources/README.md", "systemd/README.md", "dashboards/README.md", ".github/CONTRIBUTING.md",
            ".github/SECURITY.md",
        ] + pages)
    func links(page: String) throws {
        let folder = page.split(separator: "/").dropLast().map { $0 + "/" }.joined()
        for match in try Project.text(page).matches(of: #/\]\(([^)#]+)\)/#) where !match.1.contains("://") {
            #expect(Project.exists(folder + match.1), "\(page): \(match.1)")
        }
    }

    @Test("the documentation has a page for each entry of its first page, and DocC has nothing to say")
    func documentation() throws {
        let first = Self.catalog + "/Documentation.md"
        let listed = try Project.text(first).matches(of: #/\]\(([^)]+)\)/#).map { Self.catalog + "/" + $0.1 }
        #expect(Set(listed + [first]) == Set(Self.pages))
        let made = try run("make docs")
        #expect(made.status == 0, "\(made.said)")
    }
}
