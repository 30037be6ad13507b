import Foundation
import Testing

/// `footfall check`: its output and its status. `Tests/SettingsTests` has the rules of settings.
@Suite("settings, as footfall check shows them") struct SettingsTests {
    private static let toml = """
        limits.held = 65536
        [[site]]
        name = "a"
        hosts = ["www.A.vn", "a.vn"]
        timezone = "Asia/Ho_Chi_Minh"

        """

    @Test("check prints the settings with every default and then the memory; its output as settings gives the same")
    func roundTrip() throws {
        let folder = try TemporaryFolder()
        let check = try footfall(["check", "-c", try folder.write("footfall.toml", Self.toml).path])
        #expect(check.status == 0)
        #expect(check.errors == "")
        let parts = check.output.components(separatedBy: "\n# Memory, estimated from above:\n")
        #expect(parts.count == 2)
        #expect(parts[0].hasPrefix("[beacon]\nlisten = [\"127.0.0.1:7373\", \"[::1]:7373\"]\n"))
        #expect(parts[0].contains("\nheld = \"64KiB\"\n"))
        #expect(parts[0].contains("\n[[site]]\nname = \"a\"\nhosts = [\"a.vn\"]\ntimezone = \"Asia/Ho_Chi_Minh\"\n"))
        #expect(parts[1].hasSuffix("#   journal                                   256.00 MiB\n"))
        let again = try footfall(["check", "-c", try folder.write("again.toml", check.output).path])
        #expect(again == check)
    }

    @Test(
        "without any file there is one site, demo, for users of this machine",
        .disabled(if: FileManager.default.fileExists(atPath: "/etc/footfall"), "this machine has settings"))
    func demo() throws {
        let check = try footfall(["check"], environment: ["TZ": "Asia/Tokyo", "FOOTFALL_BEACON_SITE": "demo"])
        #expect(check.status == 0)
        #expect(check.errors == "")
        #expect(check.output.contains("local_admin = true\n"))
        #expect(check.output.contains("[[site]]\nname = \"demo\"\nhosts = []\ntimezone = \"Asia/Tokyo\"\n"))
    }

    @Test("each mistake is one line with its place, and nothing else is printed")
    func mistakes() throws {
        let folder = try TemporaryFolder()
        let file = try folder.write(
            "footfall.toml", "[beacon]\nlisen = []\n[[site]]\nname = \"a\"\ntimezone = \"Asia/Hanoi\"\n"
        ).path
        let check = try footfall(
            ["check", "--config", file], environment: ["FOOTFALL_STATE_SYNC": "never", "STATE_DIRECTORY": "/s"])
        #expect(check.status == 78)
        #expect(check.output == "")
        #expect(
            check.errors == """
                \(file):2:1: unknown key "lisen" in [beacon]; did you mean "listen"?
                \(file):5:12: timezone must be a time zone this machine knows, such as "Asia/Ho_Chi_Minh"; found "Asia/Hanoi"
                FOOTFALL_STATE_SYNC: sync must be a duration from 1ms to 1s, such as "250ms"; found "never"

                """)
        let missing = folder.path + "/none.toml"
        #expect(try footfall(["check", "-c", missing]) == (78, "", "\(missing): there is no such file\n"))
        #expect(try footfall(["check", "-c", folder.path]) == (78, "", "\(folder.path): cannot be read as a file\n"))
    }

    @Test("settings that this user may not read or write are reported with what to do")
    func forbidden() throws {
        let folder = try TemporaryFolder()
        let file = try folder.write("footfall.toml", "[[site]]\nname = \"a\"\n")
        func command(_ line: String) throws -> (status: Int32, output: String, errors: String) {
            try shell(
                Rights.without("dac_override,-dac_read_search") + "'\(try footfallBinary())' \(line) -c '\(file.path)'")
        }
        func allow(_ mode: Int, _ path: String) throws {
            try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
        }
        try allow(0o500, folder.path)
        #expect(
            try command("site add shop") == (
                77, "",
                "cannot write \(folder.path)/sites.d/shop.toml: this user may not do that; run the command as root\n"
            ))
        try allow(0, file.path)
        #expect(
            try command("check") == (
                78, "",
                "\(file.path): this user may not read it; make it readable (chmod a+r), or run the command as root\n"
            ))
        try allow(0o700, folder.path)
    }

    @Test("legal but unwise settings give a warning")
    func warnings() throws {
        let folder = try TemporaryFolder()
        let file = try folder.write("footfall.toml", "# nothing\n")
        let check = try footfall(
            ["check", "-c", file.path],
            environment: ["STATE_DIRECTORY": "/var/lib/footfall", "RUNTIME_DIRECTORY": "/run/footfall:/run/other"])
        #expect(check.status == 0)
        #expect(check.errors == "warning: no [[site]] is configured: every hit will be refused as site_unknown\n")
        #expect(check.output.contains("\ndirectory = \"/var/lib/footfall\"\nruntime = \"/run/footfall\"\n"))
    }
}
