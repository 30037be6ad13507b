import Foundation
import Glibc
import Testing

/// The package: installing, replacing and removing it.
extension UnderSystemd {
    @Suite("The package", .serialized)
    struct PackageTests {
        @Test(
            "the README's installation: apt, the sockets, a site, and a view is counted; then the package goes, and what it counted stays"
        )
        func installation() throws {
            let machine = try Systemd()
            // The README's own lines, run as root, without the first, which builds the package.
            let block = try #require(try Page.readme().blocks(of: "shell").first { $0.hasPrefix("make deb\n") })
            let lines = block.split(separator: "\n").dropFirst()
                .map {
                    $0.replacing("sudo ", with: "")
                        .replacing("./.build/package/footfall.deb", with: "/opt/footfall.deb")
                }
            #expect(lines.count == 3)
            for line in lines { try machine.must("export DEBIAN_FRONTEND=noninteractive; " + line) }
            try machine.must("footfall hit portal / --wait")
            #expect(try machine.property("UnitFileState", of: "footfall-beacon.socket") == "enabled")
            let doctor = try machine.run("footfall doctor")
            let wrong = doctor.output.split(separator: "\n").filter { $0.hasPrefix("wrong") && !$0.contains("clock:") }
            #expect(wrong.isEmpty, "\(doctor.output)")
            #expect(doctor.output.contains("footfall-beacon.socket listens at 127.0.0.1:7373 [::1]:7373"))

            try machine.must("dpkg -r footfall")
            #expect(try machine.run("command -v footfall || systemctl is-active footfall-beacon.socket").status != 0)
            #expect(try machine.must("ls /var/lib/private/footfall").contains("footfall.db"))
            #expect(try machine.run("ls /etc/systemd/system/sockets.target.wants/ | grep footfall").status != 0)
            try machine.must("apt-get install -y /opt/footfall.deb && systemctl enable --now \(Systemd.sockets)")
            #expect(try machine.must("footfall stats portal --csv | tail -1").contains(",1,1,"))
            try machine.must("dpkg --purge footfall")
            #expect(
                try machine.must(
                    "ls -d /var/lib/footfall /var/lib/private/footfall /etc/footfall 2>/dev/null || echo none")
                    == "none")
            #expect(try machine.must("find /etc/systemd -name '*footfall*'") == "")
        }

        @Test(
            "an upgrade under load loses nothing and leaves the sockets alone; back again on a copy of the state from before"
        )
        func upgrade() throws {
            let machine = try Systemd(installed: true)
            for (version, name) in [("0.1.1", "newer"), ("0.1.2", "newest")] {
                try machine.must(
                    "cd /opt && dpkg-deb -R footfall.deb tree && sed -i 's/^Version: .*/Version: \(version)/' tree/DEBIAN/control "
                        + "&& dpkg-deb -Znone -b tree \(name).deb && rm -r tree")
            }
            let opened = try machine.property("ActiveEnterTimestampMonotonic", of: "footfall-beacon.socket")
            let storm = try Storm(machine, seed: 6, seconds: 14, rate: 8000)
            let before = try machine.becomeReady()
            try machine.must("dpkg --force-confold -i /opt/newer.deb")
            let after = try machine.property("MainPID")
            #expect(after != before && after != "0")
            try machine.must("dpkg --force-confold -i /opt/newest.deb")
            let end = try storm.finish()
            #expect(end.complaints == [] && end.client.refused == 0, "\(end.client)")
            print("figure: 2 upgrades: \(end.datagrams) datagrams, \(end.complaints.count) numbers off, \(end.client)")
            #expect(try machine.property("ActiveEnterTimestampMonotonic", of: "footfall-beacon.socket") == opened)
            #expect(try machine.must("dpkg-query -W -f '${Version}' footfall") == "0.1.2")

            // A downgrade is the former package with a copy of the state from before.
            let counted = try machine.views()
            try machine.must(
                "systemctl stop \(Systemd.sockets) footfall.service && cp -a /var/lib/private/footfall /root/copy")
            try machine.must("systemctl start \(Systemd.sockets)")
            try machine.send("f1 s=demo&v=late&u=/late")
            try eventually("counted") { try machine.views() == counted + 1 }
            try machine.must(
                "systemctl stop \(Systemd.sockets) footfall.service && rm -r /var/lib/private/footfall "
                    + "&& cp -a /root/copy /var/lib/private/footfall && dpkg --force-confold -i /opt/footfall.deb "
                    + "&& systemctl start \(Systemd.sockets)")
            #expect(try machine.must("dpkg-query -W -f '${Version}' footfall") == "0.1.0")
            #expect(try machine.views() == counted)
            try machine.send("f1 s=demo&v=later&u=/later")
            try eventually("it continues from there") { try machine.views() == counted + 1 }
        }

        @Test("setup leads from nothing to the first visitor from another address, through a real nginx")
        func setup() throws {
            let machine = try Systemd()
            try machine.must("dpkg -i /opt/footfall.deb && systemctl enable --now \(Systemd.sockets)")
            let run = try machine.must(
                "footfall setup portal --host portal.example.vn --timezone Asia/Ho_Chi_Minh --start 57998 --wait 0")
            #expect(run.contains("portal starts from 57,998 visits"))
            #expect(run.contains("location /thong-ke/ {") && run.contains("data-site=\"portal\""))
            // Its output is pasted: the settings, and the block into a web server.
            let settings = try #require(run.firstMatch(of: #/\[http\]\nproxies = .*\n/#))
            try machine.must("printf '%s' '\(settings.0)' >>/etc/footfall/footfall.toml; footfall check >/dev/null")
            try machine.must("systemctl reload footfall")
            let block = try #require(run.firstMatch(of: #/location [^}]*}/#))
            try machine.write(
                "/etc/nginx.conf",
                "worker_processes 1; pid /run/nginx.pid; error_log /dev/null; events {} http { access_log off; "
                    + "server { listen 127.0.0.1:8080; \(block.0) } }")
            try machine.must("mkdir -p /var/lib/nginx /var/log/nginx; nginx -c /etc/nginx.conf")
            let hit =
                "curl -sf -A Mozilla/5.0 -H 'Host: portal.example.vn' -H 'Origin: http://portal.example.vn' "
                + "-d 's=portal&u=/' http://127.0.0.1:8080/thong-ke/hit"
            // For a hit from this machine, it reports that the address may not have come through. For one from
            // elsewhere, that it has.
            let own = try machine.run("footfall setup portal --wait 20 & sleep 1; \(hit) >/dev/null; wait $!")
            #expect(own.status == 75 && own.errors.contains("did not come through"), "\(own)")
            let elsewhere = hit.replacing("/hit", with: "/hit -H 'X-Forwarded-For: 203.0.113.7'")
            let other = try machine.run("footfall setup portal --wait 20 & sleep 1; \(elsewhere) >/dev/null; wait $!")
            #expect(other.status == 0 && other.output.contains("It came from elsewhere"), "\(other)")
            #expect(other.output.contains("58,000 in all"))
        }

        @Test("doctor says what is wrong and how to fix it, and finds nothing when it is fixed")
        func doctor() throws {
            let machine = try Systemd(
                installed: true, settings: "[beacon]\nlisten = [\"127.0.0.1:9999\"]\n[[site]]\nname = \"demo\"\n")
            try machine.must("systemctl disable --now footfall-http.socket && systemctl start footfall-beacon.socket")
            let sick = try machine.run("footfall doctor")
            #expect(sick.status == 1)
            for sentence in [
                "footfall-http.socket will not be there after a reboot",
                "fix: sudo systemctl enable footfall-http.socket",
                "[beacon] listen says 127.0.0.1:9999, and footfall-beacon.socket listens at 127.0.0.1:7373 [::1]:7373",
            ] { #expect(sick.output.contains(sentence), "\(sick.output)") }
            let check = try machine.run("footfall check")
            #expect(check.status == 0 && check.errors.contains("127.0.0.1:9999, and footfall-beacon.socket"))

            try machine.write("/etc/footfall/footfall.toml", "[[site]]\nname = \"demo\"\n")
            try machine.must("systemctl enable --now footfall-http.socket; systemctl restart footfall")
            let well = try machine.run("footfall doctor")
            #expect(well.output.split(separator: "\n").filter { $0.hasPrefix("wrong") && !$0.contains("clock:") } == [])
            try machine.write("/etc/footfall/footfall.toml", "nonsense")
            let wrong = try machine.run("footfall doctor")
            #expect(wrong.status == 1 && wrong.output.contains("footfall.toml:1"))
            #expect(wrong.output.contains("ok     daemon"), "the daemon continues, and is asked")
        }

        @Test(
            "lintian has no errors, and the package contains what it promises",
            .enabled(if: UnderSystemd.PackageTests.hasLintian))
        func contents() throws {
            let package = ProcessInfo.processInfo.environment["FOOTFALL_PACKAGE"] ?? ""
            let lintian = try shell("lintian --allow-root --fail-on error '\(package)'")
            #expect(lintian.status == 0, "\(lintian.output)")
            print("lintian:", lintian.output.isEmpty ? "silent" : lintian.output)
            let files = try shell("dpkg-deb -c '\(package)'").output
            for file in [
                "usr/bin/footfall", "usr/lib/systemd/system/footfall.service",
                "usr/lib/systemd/system/footfall-beacon.socket", "usr/lib/systemd/system/footfall-backup.timer",
                "usr/lib/systemd/catalog/footfall.catalog", "etc/footfall/footfall.toml",
                "usr/share/man/man1/footfall.1.gz",
                "usr/share/man/man5/footfall.toml.5.gz", "usr/share/bash-completion/completions/footfall",
                "usr/share/zsh/vendor-completions/_footfall", "usr/share/fish/vendor_completions.d/footfall.fish",
                "usr/share/footfall/dashboards/footfall.json", "usr/share/footfall/dashboards/footfall.rules.yml",
                "usr/share/doc/footfall/copyright", "usr/share/doc/footfall/README.md",
                "usr/share/doc/footfall/pages/Widget.md",
            ] { #expect(files.contains("./" + file), "\(file)") }
            #expect(try shell("dpkg-deb -f '\(package)' Depends").output.contains("libsystemd0"))
            // It contains Swift's own library, no names of functions, and no crash points for tests.
            let folder = try TemporaryFolder()
            let path = folder.path + "/footfall"
            let program = try shell(
                "dpkg-deb --fsys-tarfile '\(package)' | tar -xO ./usr/bin/footfall >\(path); file -b \(path); ldd \(path)"
            )
            #expect(
                !program.output.contains("libswift") && !program.output.contains("not stripped"), "\(program.output)")
            #expect(try shell("grep -c FOOTFALL_CRASH \(path)").output == "0\n")
        }

        static let hasLintian: Bool = FileManager.default.fileExists(atPath: "/usr/bin/lintian")
    }
}

/// The text shipped with the program is true.
@Suite("Manual pages and the journal's catalog")
struct ManualTests {
    @Test("footfall(1) has every command and option of the help, with its words")
    func commands() throws {
        struct Help: Decodable {
            struct Argument: Decodable {
                struct Name: Decodable { let kind: String, name: String }
                let names: [Name]?, valueName: String?, abstract: String?, shouldDisplay: Bool
            }
            struct Command: Decodable {
                let commandName: String, abstract: String?
                let arguments: [Argument]?, subcommands: [Command]?
            }
            let command: Command
        }
        let page = Self.plain(try String(contentsOfFile: "systemd/man/footfall.1", encoding: .utf8))
        let dump = try footfall(["--experimental-dump-help"])
        var seen = 0
        func look(at command: Help.Command) {
            seen += 1
            #expect(page.contains(command.commandName), "\(command.commandName)")
            if let abstract = command.abstract { #expect(page.contains(Self.plain(abstract)), "\(abstract); make man") }
            for argument in command.arguments ?? [] where argument.shouldDisplay {
                for name in argument.names ?? [] where name.kind == "long" {
                    #expect(page.contains("-" + name.name), "\(command.commandName) --\(name.name); make man")
                }
                if let abstract = argument.abstract {
                    #expect(page.contains(Self.plain(abstract)), "\(abstract); make man")
                }
            }
            for subcommand in command.subcommands ?? [] where subcommand.commandName != "help" { look(at: subcommand) }
        }
        look(at: try JSONDecoder().decode(Help.self, from: Data(dump.output.utf8)).command)
        #expect(seen > 15)
    }

    /// Without marks for the typesetter.
    private static func plain(_ text: String) -> String {
        text.replacing("\\&", with: "").replacing("\\", with: "").split(whereSeparator: \.isWhitespace).joined(
            separator: " ")
    }

    @Test("footfall.toml(5) has every key that footfall check prints, and no other")
    func keys() throws {
        let page = try String(contentsOfFile: "systemd/man/footfall.toml.5", encoding: .utf8)
        let folder = try TemporaryFolder()
        let file = try folder.write("footfall.toml", "[[site]]\nname = \"demo\"\n")
        let printed = try footfall(["check", "-c", file.path]).output
        let keys = printed.matches(of: #/(?m)^([a-z_]+) = /#).map { String($0.1) }
        let documented = page.matches(of: #/(?m)^\.It Va ([a-z_]+)/#).map { String($0.1) }
        #expect(keys.count > 25)
        #expect(Set(keys) == Set(documented))
    }

    @Test("every kind of entry in the log is explained in the catalog by its identity and its words, and no other is")
    func catalog() throws {
        let catalog = try String(contentsOfFile: "systemd/footfall.catalog", encoding: .utf8)
        let log = try String(contentsOfFile: "Sources/footfall/Log.swift", encoding: .utf8)
        let kinds = log.matches(of: #/LogKind\(\s*"([0-9a-f]{32})", \.\w+,\s*"(.*?)"\)/#).map { "\($0.1) \($0.2)" }
        let explained = catalog.matches(of: #/-- ([0-9a-f]{32})\nSubject: (.*)\n/#).map { "\($0.1) \($0.2)" }
        #expect(kinds.count > 20 && Set(kinds).count == kinds.count)
        #expect(kinds.sorted() == explained.sorted())
    }
}
