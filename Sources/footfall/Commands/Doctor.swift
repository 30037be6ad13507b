import ArgumentParser
import Foundation
import Glibc
import Platform
import Settings
import Web

struct Doctor: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Look for everything around the daemon that can make numbers wrong, and say how to fix it.",
        discussion: """
            Looks at the settings, the daemon, its units and sockets, the clock, the disk and the proxies in front of \
            it. Prints a line for each; below a line that says wrong is the command or the setting that fixes it. The \
            exit status is 1 if anything is wrong.
            """)

    @OptionGroup var settingsOption: SettingsOption

    func run() throws {
        var examination = Examination(option: settingsOption)
        examination.all()
        if examination.hasProblem { throw ExitCode(1) }
    }
}

/// Examines everything, and prints what it finds as it goes.
private struct Examination {
    let option: SettingsOption
    private(set) var hasProblem = false
    /// The metrics of the daemon by name; all samples of a name are added.
    private var metrics: [String: Double] = [:]
    private var hasDroppedLately = false
    private var settings = Settings(environment: environment)

    init(option: SettingsOption) { self.option = option }

    mutating func all() {
        readSettings()
        askDaemon()
        if option.isTheService { lookAtUnits() }
        lookAtBuffers()
        lookAtClock()
        lookAtDisk()
        lookAtProxies()
    }

    private mutating func readSettings() {
        do {
            settings = try option.read()
            let notes = settings.warnings
            for note in notes { problem("settings", note, "footfall check") }
            if notes.isEmpty { well("settings", counted(settings.sites.count, "site")) }
        } catch {
            problem("settings", "\(error)", "footfall check")
        }
    }

    // MARK: The daemon

    private mutating func askDaemon() {
        let isService = option.isTheService && SystemdUnit.service != nil
        let restart = isService ? "sudo systemctl restart footfall" : "stop it and start footfall serve"
        let start = isService ? "sudo systemctl enable --now footfall-{beacon,http,local}.socket" : "footfall serve"
        do {
            let client = try LocalClient(option)
            guard try client.isAnswered() else { return problem("daemon", "nobody answers", start) }
            let text = String(decoding: try client.get("/metrics"), as: UTF8.self)
            for line in text.split(separator: "\n") where !line.hasPrefix("#") {
                let name = String(line.prefix { $0 != "{" && $0 != " " })
                if let value = Double(line.split(separator: " ").last ?? "") { metrics[name, default: 0] += value }
            }
            if let degradation = try client.degradation() {
                problem("daemon", degradation, "what the sentence says; the daemon goes on counting meanwhile")
            } else {
                well("daemon", "answers")
            }
            if let version = text.firstMatch(of: #/footfall_build_info\{version="(.*?)"\}/#)?.1,
                version != Footfall.version
            {
                problem("daemon", "it runs version \(version), and this command is \(Footfall.version)", restart)
            }
            for site in try decode(SiteList.self, client.get("/api/v1/sites")).sites {
                hasDroppedLately = hasDroppedLately || site.warnings.contains { $0.code == "kernel_drops" }
                for warning in site.warnings where !warning.isAboutAll {
                    if warning.code == "own_address" {
                        note("site \(site.site)", warning.detail)
                    } else {
                        problem("site \(site.site)", warning.detail, "footfall stats \(site.site)")
                    }
                }
            }
        } catch {
            // The error has been printed.
            problem("daemon", "it does not answer this user", "sudo footfall doctor")
        }
    }

    private mutating func lookAtUnits() {
        guard let service = SystemdUnit.service else {
            return note(
                "units", "systemd knows no footfall.service; without it a restart loses what waits in the sockets")
        }
        for name in ["footfall-beacon.socket", "footfall-http.socket", "footfall-local.socket"] {
            guard let unit = SystemdUnit(name) else {
                problem("units", "\(name) is not installed", "sudo apt-get install --reinstall footfall")
                continue
            }
            if unit["LoadState"] != "loaded", !unit.isMasked {
                problem("units", "\(name) cannot be loaded: \(unit["LoadState"])", "systemd-analyze verify \(name)")
            } else if unit.isMasked, service["PrivateNetwork"] == "yes", !name.contains("local") {
                problem(
                    "units", "\(name) is masked, and the service may open no sockets of its own",
                    "sudo systemctl unmask \(name), or the drop-in service-own-sockets.conf of the examples")
            } else if unit.isMasked {
                note("units", "\(name) is masked, so the daemon opens its own")
            } else if !unit.isActive {
                problem(
                    "units", "\(name) is \(unit["ActiveState"])",
                    "sudo systemctl stop footfall.service; sudo systemctl enable --now \(name)")
            } else if unit["UnitFileState"] != "enabled" {
                problem("units", "\(name) will not be there after a reboot", "sudo systemctl enable \(name)")
            } else {
                well("units", "\(name) listens at \(unit.addresses.joined(separator: " "))")
            }
        }
        if service["NeedDaemonReload"] == "yes" {
            problem("units", "footfall.service has changed on disk", "sudo systemctl daemon-reload")
        }
        if let restarts = Int(service["NRestarts"]), restarts > 0 {
            note("units", "systemd has restarted the service \(restarts) times; journalctl -u footfall shows why")
        }
        for difference in SystemdUnit.differences(settings) {
            problem(
                "units", difference,
                "listen in the settings, or the unit, as the examples in /usr/share/doc/footfall tell")
        }
    }

    // MARK: The machine

    private mutating func lookAtBuffers() {
        let wanted = settings.beacon.receiveBufferBytes
        if option.isTheService, let unit = SystemdUnit.beacons, unit.isActive {
            if let granted = Int(unit["ReceiveBuffer"]), granted >= wanted {
                well("buffers", "systemd asks for \(granted >> 20) MiB for each socket")
            } else {
                problem(
                    "buffers", "footfall-beacon.socket asks for less than [beacon] receive_buffer",
                    "sudo systemctl edit footfall-beacon.socket, with ReceiveBuffer=\(wanted)")
            }
        } else if let granted = number(in: "/proc/sys/net/core/rmem_max"), granted < Double(wanted), getuid() != 0 {
            problem(
                "buffers",
                "the kernel grants \(Int(granted) >> 10) KiB of the \(wanted >> 10) KiB wanted; a burst is dropped",
                "sudo sysctl -w net.core.rmem_max=\(wanted)")
        } else {
            well("buffers", "\(wanted >> 20) MiB are available")
        }
        let drops = grouped(Int(metrics["footfall_ingest_kernel_drops_total"] ?? 0))
        if hasDroppedLately {
            problem(
                "buffers", "datagrams were dropped within the last hour because a buffer was full, \(drops) in total",
                "a larger receive_buffer in [beacon] and ReceiveBuffer= in the unit")
        } else if drops != "0" {
            note("buffers", "\(drops) datagrams were dropped because a buffer was full, but none within the last hour")
        }
    }

    private mutating func lookAtClock() {
        if Clocks.isKept {
            well("clock", "synchronised")
        } else {
            problem("clock", "the clock of this machine is not synchronised", "sudo timedatectl set-ntp true")
        }
        if let steps = metrics["footfall_clock_steps_total"], steps > 0 {
            note("clock", "it has jumped \(grouped(Int(steps))) times since the daemon started")
        }
    }

    private mutating func lookAtDisk() {
        let directory = stateDirectory(settings, option)
        // Before the first start, the directory may not exist.
        var path = directory
        while !FileManager.default.fileExists(atPath: path), path.count > 1 {
            path = (path as NSString).deletingLastPathComponent
        }
        guard let room = DiskSpace(at: path) else {
            return problem("disk", "\(path) cannot be examined", "sudo footfall doctor")
        }
        let free = room.freeBytes
        if free < UInt64(settings.state.journalCapBytes) {
            problem(
                "disk", "\(free >> 20) MiB are free at \(path), less than the journal may need",
                "make room, or a lower journal_cap in [state]")
        } else {
            well("disk", "\(grouped(Int(free >> 20))) MiB are free at \(path)")
        }
        if !room.hasInodes { problem("disk", "no inodes are left at \(path)", "df -i \(path)") }
    }

    private mutating func lookAtProxies() {
        let names: Set = ["nginx", "haproxy", "caddy", "apache2", "httpd", "traefik", "lighttpd", "varnishd"]
        let processes = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        let running = Set(
            processes.filter { $0.allSatisfy(\.isNumber) }.map { text(in: "/proc/\($0)/comm") }.filter(names.contains))
        let list = running.sorted().joined(separator: ", ")
        if running.isEmpty {
            well("proxies", "no web server runs on this machine")
        } else if settings.http.proxies.isEmpty {
            note(
                "proxies",
                "\(list) runs here; if it passes browsers on, every visitor looks the same until [http] says "
                    + "proxies = [\"127.0.0.1\"]")
        } else {
            well("proxies", "\(list) is trusted from \(settings.http.proxies.joined(separator: " "))")
        }
        if settings.http.localAdmin, !running.isEmpty {
            problem(
                "proxies", "[http] local_admin is on beside \(list): what it forwards may be taken for the owner's",
                "local_admin = false")
        }
    }

    private func text(in path: String) -> String {
        String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
            .trimmingCharacters(in: .whitespacesAndNewlines)
    }

    private func number(in path: String) -> Double? { Double(text(in: path)) }

    // MARK: Printing

    private func well(_ subject: String, _ sentence: String) { line("ok   ", subject, sentence) }

    private func note(_ subject: String, _ sentence: String) { line("note ", subject, sentence) }

    private mutating func problem(_ subject: String, _ sentence: String, _ fix: String) {
        hasProblem = true
        line("wrong", subject, sentence)
        print("        fix: \(fix)")
    }

    private func line(_ mark: String, _ subject: String, _ sentence: String) {
        let colours = ["ok   ": "32", "note ": "33", "wrong": "31"]
        let isColoured = isatty(STDOUT_FILENO) == 1 && environment["NO_COLOR"] == nil
        let shown = isColoured ? "\u{1B}[\(colours[mark] ?? "0")m\(mark)\u{1B}[0m" : mark
        print("\(shown)  \(subject): \(sentence)")
    }
}
