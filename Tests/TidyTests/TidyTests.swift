import Foundation
import Testing

/// Checks that the project follows its map.
@Suite("The house is in order")
struct TidyTests {
    // MARK: Modules

    /// What each module may import, from the table in `Sources/README.md`; empty if it cannot be read.
    static let imports: [String: Set<String>] = {
        do {
            return importTable(of: try Project.text("Sources/README.md"))
        } catch {
            return [:]
        }
    }()

    /// The rows of the table: a module in bold, its purpose, and what it may import.
    private static func importTable(of page: String) -> [String: Set<String>] {
        let rows = page.matches(of: #/(?m)^\| \*\*([\w-]+)\*\* \|[^|]*\|([^|]*)\|/#)
        return Dictionary(rows.map { (String($0.1), names(in: String($0.2))) }) { first, _ in first }
    }

    /// The names in a cell, separated by commas. A reason in brackets may follow each.
    private static func names(in cell: String) -> Set<String> {
        let list = cell.replacing(#/\([^)]*\)/#, with: "").trimmingCharacters(in: .whitespaces)
        if list.isEmpty || list == "nothing" { return [] }
        return Set(list.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) })
    }

    /// True for modules with Swift files. The names of C modules begin with a C and another capital.
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

    @Test("every module is in the map's table")
    func everyModule() throws {
        let modules = try Project.files(in: "Sources").map { $0.split(separator: "/") }.filter { $0.count > 2 }
        #expect(Set(modules.map { String($0[1]) }) == Set(Self.imports.keys))
    }

    @Test("the table is read correctly, with its reasons, and has names and no prose")
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
                #expect(name.wholeMatch(of: #/\w+/#) != nil, "\(module) may import \(name), which is not a module")
            }
        }
    }

    @Test(
        "an import is found in every written form",
        arguments: [
            ("import Wire", "Wire"), ("public import Wire", "Wire"), ("@testable import Wire", "Wire"),
            ("@preconcurrency private import Wire", "Wire"), ("import struct Foundation.Data", "Foundation"),
            ("@_spi(Some) import Wire", "Wire"), ("import Wire; import Web", "Wire"), ("importer()", nil),
            ("let x = 1", nil),
        ] as [(String, String?)])
    func importForms(line: String, module: String?) {
        #expect(Self.module(importedBy: line) == module)
    }

    /// The linter refuses two imports in one line.
    private static func module(importedBy line: String) -> String? {
        let form =
            #/^(?:@\w+(?:\([^)]*\))?\s+)*(?:\w+\s+)?import\s+(?:(?:struct|class|enum|protocol|typealias|func|let|var)\s+)?(\w+)/#
        return line.firstMatch(of: form).map { String($0.1) }
    }

    // MARK: Words that need a reason

    /// Files that handle memory by hand, and why.
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
        "Sources/Ingest/ReceiveRing.swift": "slots that the kernel and earlier processes wrote",
        "Sources/Ingest/SocketAddress.swift": "socket addresses",
        "Sources/Ingest/CountingLoop.swift": "poll",
        "Sources/Supervision/InheritedSockets.swift": "sd_listen_fds_with_names",
        "Sources/Supervision/Supervisor.swift": "sd_notify, clock_gettime",
        "Sources/Supervision/SystemJournal.swift": "getenv, fstat, sd_journal_sendv",
        "Sources/Web/Formats/ProcessNumbers.swift": "clock_gettime, getrlimit",
        "Sources/footfall/Descriptors.swift": "getrlimit, setrlimit",
        "Sources/footfall/Commands/TopCommand.swift": "the size of the terminal",
        "Sources/footfall/LocalSocket.swift": "socket addresses",
        "Sources/footfall/DatagramSocket.swift": "send",
        "Sources/footfall-load/Batch.swift": "sendmmsg",
        "Sources/footfall-load/Drain.swift": "recvmmsg into slots, poll, nanosleep",
        "Sources/footfall-load/HTTPEndpoint.swift": "a plain socket",
        "Sources/footfall-load/Outgoing.swift": "write to standard error",
        "Sources/footfall-load/ReceivedViews.swift": "recvmmsg into slots",
    ]

    @Test("unsafe code is in the listed files and in no others")
    func unsafeCode() throws {
        // Nothing unsafe compiles without the word. @safe and @unchecked are promises of the same kind.
        let words = #/\bunsafe\b|@safe\b|@unchecked\b/#
        let found = try Project.files(in: "Sources", endingIn: [".swift"]).filter { file in
            try Project.code(file).contains { $0.text.contains(words) }
        }
        let listed = Set(Self.unsafeFiles.keys)
        #expect(Set(found).subtracting(listed).sorted() == [], "unsafe, and not in the list")
        #expect(listed.subtracting(found).sorted() == [], "in the list, and no longer unsafe: take it out")
    }

    /// Where errors are dropped, how many, and why nothing is lost.
    static let droppedErrors: [String: (count: Int, reason: String)] = [
        "Sources/Counting/Bytes.swift": (1, "becomes the error of the caller"),
        "Sources/Ingest/PortOwner.swift": (2, "a process that cannot be inspected has no name"),
        "Sources/Wire/Log/UnknownSites.swift": (1, "names in a refused datagram do not count"),
        "Sources/footfall/Health.swift": (1, "an interrupted sleep needs no report"),
        "Sources/Storage/StateBackup.swift": (3, "deletes the files of a failed attempt, if there are any"),
        "Sources/Web/Routes/HistoryRoutes.swift": (1, "the response to an invalid date says how to write one"),
        "Sources/Web/Formats/ProcessNumbers.swift": (1, "an unavailable number is left out"),
        "Sources/footfall/Commands/Doctor.swift": (1, "a machine without /proc shows no web servers"),
        "Sources/Settings/SiteFile.swift": (
            3, "the error before the failed undo or read is reported"
        ),
        "Sources/footfall/DaemonBackend.swift": (1, "the response is 503 if the audit cannot be read"),
        "Sources/footfall/LocalClient.swift": (
            2, "a response without a problem is reported by its status; a missing directory has no owner"
        ),
        "Sources/footfall/Commands/Count.swift": (1, "reads back what this process has just written"),
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
        // A JSON description is one unit, and a list has no ideas.
        for file in try Project.files(in: "Sources") where !file.hasSuffix(".json") && !file.hasSuffix(".txt") {
            let lines = try Project.text(file).split(separator: "\n", omittingEmptySubsequences: false).count - 1
            #expect(lines <= 400, "\(file) has \(lines) lines: which second idea moved in?")
        }
    }

    @Test("no comment postpones work, and no file names a path of somebody's machine")
    func leftovers() throws {
        let words = ["TO" + "DO", "FIX" + "ME", "XX" + "X:", "HA" + "CK:", "/wo" + "rk/", "/ho" + "me/"]
        var files = ["Package.swift", "Makefile", "README.md", "LICENSE"].filter(Project.exists)
        for folder in ["Sources", "Tests", "systemd", "dashboards"] { files += try Project.files(in: folder) }
        for file in files {
            // Files that are not text, such as a recorded datagram, were not written by hand.
            let data = try Data(contentsOf: Project.root.appending(path: file))
            guard let text = String(validating: data, as: UTF8.self) else { continue }
            for word in words where text.contains(word) { Issue.record("\(file) holds \(word)") }
        }
    }

    @Test("the top level has the expected files and no others", .enabled(if: isCheckout, "needs git and a checkout"))
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

    @Test("the formatter finds nothing, and every public declaration is documented")
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
            #expect(targets.contains(String(match.1)), "make \(match.1) is not a target of the Makefile")
        }

        let program = try Project.text("Sources/footfall/Footfall.swift")
        let commands = program.matches(of: #/(\w+?)(?:Command)?\.self/#).map { $0.1.lowercased() }
        for match in text.matches(of: #/`footfall ([a-z]+)/#) where match.1 != "help" {
            #expect(commands.contains(String(match.1)), "footfall \(match.1) is not a command")
        }
        let known: Set = ["printf", "php", "python3", "node", "curl", "footfall", "tail"]
        let blocks = text.matches(of: #/(?m)^```(?:sh|console)\n((?:.|\n)*?)^```/#)
        for line in blocks.flatMap({ $0.1.split(separator: "\n") }) {
            let isTyped = line.hasPrefix("$ ")
            let word = (isTyped ? line.dropFirst(2) : line[...]).prefix { $0 != " " }
            if word.first?.isLetter ?? false { #expect(known.contains(String(word)), "\(line)") }
        }
    }

    @Test("the README names the build and test commands, and the page of commands names every command")
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

    @Test("the documentation has a page for each entry of its first page, and DocC reports nothing")
    func documentation() throws {
        let first = Self.catalog + "/Documentation.md"
        let listed = try Project.text(first).matches(of: #/\]\(([^)]+)\)/#).map { Self.catalog + "/" + $0.1 }
        #expect(Set(listed + [first]) == Set(Self.pages))
        let made = try run("make docs")
        #expect(made.status == 0, "\(made.said)")
    }
}
