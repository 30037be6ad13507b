import Foundation
import Settings
import Testing

/// The file of a site that is added or removed by hand.
@Suite("site files") struct SiteFileTests {
    private static let text = "[[site]]\nname = \"a\"\n"

    private func files(in folder: borrowing SettingsFolder) throws -> [String] {
        try FileManager.default.subpathsOfDirectory(atPath: folder.path).sorted()
    }

    @Test("a site that is added has a file, and a main file without which a daemon would serve the demo")
    func write() throws {
        let folder = try SettingsFolder()
        let file = SiteFile("a", main: folder.path + "/footfall.toml")
        #expect(!file.exists)
        _ = try file.write(Self.text)
        #expect(file.exists)
        #expect(try files(in: folder) == ["footfall.toml", "sites.d", "sites.d/a.toml"])
        #expect(try folder.load().sites.map(\.name) == ["a"])
    }

    @Test("what cannot be put in force is undone, and leaves nothing that was not there")
    func undo() throws {
        let folder = try SettingsFolder()
        let file = SiteFile("a", main: folder.path + "/footfall.toml")
        try file.write(Self.text)()
        #expect(try files(in: folder) == [])
        try folder.write("footfall.toml", "# mine\n")
        try folder.write("sites.d/b.toml", "")
        try file.write(Self.text)()
        #expect(try files(in: folder) == ["footfall.toml", "sites.d", "sites.d/b.toml"])
    }

    @Test("a site that is removed has no file, or has it again as it was")
    func hide() throws {
        let folder = try SettingsFolder()
        try folder.write("sites.d/a.toml", "# mine\n" + Self.text)
        let file = SiteFile("a", main: folder.path + "/footfall.toml")
        let undo = try file.hide()
        #expect(!file.exists)
        #expect(try folder.load().sites.isEmpty)
        undo()
        #expect(try files(in: folder) == ["sites.d", "sites.d/a.toml"])
        let kept = try String(contentsOfFile: file.path, encoding: .utf8)
        #expect(kept == "# mine\n" + Self.text)
        _ = try file.hide()
        try file.removeHidden()
        #expect(try files(in: folder) == ["footfall.toml", "sites.d"])
        // A site in another file has none of its own.
        try file.hide()()
        #expect(try files(in: folder) == ["footfall.toml", "sites.d"])
    }

    @Test("where it cannot be written, the sentence says so")
    func failure() throws {
        let folder = try SettingsFolder()
        try folder.write("sites.d", "a file in its place")
        let file = SiteFile("a", main: folder.path + "/footfall.toml")
        let error = #expect(throws: SiteFile.Failure.self) { try file.write(Self.text) }
        #expect(error?.description.hasPrefix("cannot write \(file.path): ") == true)
        #expect(try files(in: folder) == ["sites.d"])
    }
}
