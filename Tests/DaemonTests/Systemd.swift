import Foundation
import Glibc
import Testing

/// A separate machine with a real systemd as its first process, and Footfall's package. It has this machine's `/usr`
/// with installed files on top, its own `/etc` and `/var`, and a network with only a loopback. It survives its reboots.
///
/// Needs root and systemd-nspawn(1), and the package made by `make deb`, in `FOOTFALL_PACKAGE`.
final class Systemd {
    /// The package under test.
    let package: String
    private let folder: TemporaryFolder
    private let name = "footfall-\(UUID().uuidString.prefix(8).lowercased())"
    private var process: Child?
    private var leader: pid_t = 0

    /// Why such machines are not possible here; nil if they are.
    static let absence: String? = {
        guard let package = ProcessInfo.processInfo.environment["FOOTFALL_PACKAGE"] else {
            return "FOOTFALL_PACKAGE names no package; make test builds one"
        }
        guard FileManager.default.fileExists(atPath: package) else { return "there is no \(package)" }
        guard getuid() == 0 else { return "only root may boot machines" }
        do {
            _ = try Systemd()
            return nil
        } catch {
            return "no machine boots: \(error)"
        }
    }()

    /// Prints loudly that nothing is tested here.
    static func isToBeHad() -> Bool {
        guard let absence else { return true }
        print("\n*** SKIPPED: NOTHING IS TESTED UNDER A REAL SYSTEMD HERE: \(absence)\n")
        return false
    }

    /// Boots, and installs the package. `settings` are the whole `/etc/footfall/footfall.toml` from then on.
    init(installed: Bool = false, settings: String = Systemd.settings) throws {
        package = ProcessInfo.processInfo.environment["FOOTFALL_PACKAGE"] ?? ""
        folder = try TemporaryFolder()
        try script(
            """
            cd \(folder.path); mkdir -p usr dpkg root/{usr,proc,sys,dev,run,tmp,root,opt,var/lib/dpkg,var/log/journal}
            mkdir -p root/etc/{systemd/system,apt/apt.conf.d,apt/preferences.d,apt/sources.list.d,footfall,credstore}
            chmod 700 root/etc/credstore; (umask 077; echo secret >root/etc/shadow)
            cp /etc/manpath.config root/etc/ 2>/dev/null || true
            for d in bin sbin lib lib64; do ln -s usr/$d root/$d; done
            cp /usr/lib/os-release /etc/passwd /etc/group root/etc/
            printf 'passwd: files systemd\\ngroup: files systemd\\nhosts: files\\n' >root/etc/nsswitch.conf
            printf '127.0.0.1 localhost\\n::1 localhost\\n' >root/etc/hosts
            tr -d - </proc/sys/kernel/random/uuid >root/etc/machine-id
            : >dpkg/statoverride; : >root/etc/fstab; echo \(name) >root/etc/hostname
            ln -s /usr/lib/systemd/system/multi-user.target root/etc/systemd/system/default.target
            for u in systemd-networkd.service systemd-networkd.socket systemd-resolved.service systemd-timesyncd.service \
                systemd-logind.service console-getty.service getty.target systemd-update-utmp.service apt-daily.timer \
                apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer nginx.service prometheus.service \
                prometheus-node-exporter.service exim4.service; do
                ln -s /dev/null root/etc/systemd/system/$u
            done
            cp \(package) root/opt/footfall.deb
            """)
        // On machines that only build images, packages may not start services.
        try script(
            "[ ! -e /usr/sbin/policy-rc.d ] || { mkdir -p \(folder.path)/usr/sbin && printf '#!/bin/sh\\nexit 0\\n' >\(folder.path)/usr/sbin/policy-rc.d && chmod 755 \(folder.path)/usr/sbin/policy-rc.d; }"
        )
        try boot()
        guard installed else { return }
        try write("/etc/footfall/footfall.toml", settings)
        try script("cp \(folder.path)/root/etc/footfall/footfall.toml \(folder.path)/settings")
        try must("DEBIAN_FRONTEND=noninteractive dpkg --force-confold -i /opt/footfall.deb")
        try must("systemctl enable --now \(Self.sockets)")
    }

    /// Users on the machine itself see everything.
    static let settings = """
        [http]
        local_admin = true
        [[site]]
        name = "demo"
        timezone = "UTC"
        online_window = "30m"

        """

    static let sockets = "footfall-beacon.socket footfall-http.socket footfall-local.socket"

    // MARK: Power

    /// Returns when everything that starts at boot has started.
    func boot() throws {
        let root = folder.path
        // In its own control group, on every existing hierarchy, so that the host's stay clean.
        process = try Child(
            "/bin/bash",
            [
                "-c",
                """
                for h in systemd unified .; do
                    d=/sys/fs/cgroup/$h/\(name)
                    [ -e /sys/fs/cgroup/$h/cgroup.procs ] && mkdir -p $d && echo $$ >$d/cgroup.procs
                done
                exec systemd-nspawn -q -D \(root)/root --machine=\(name) --overlay=/usr:\(root)/usr:/usr \
                    --overlay=/var/lib/dpkg:\(root)/dpkg:/var/lib/dpkg --register=no --keep-unit --private-network \
                    --link-journal=no --resolv-conf=off --timezone=off --console=read-only --system-call-filter=bpf \
                    --kill-signal=SIGRTMIN+3 --boot
                """,
            ], environment: ["PATH": "/usr/sbin:/usr/bin", "UNIFIED_CGROUP_HIERARCHY": "1"], input: "/dev/null",
            output: root + "/console", errors: root + "/console")
        try eventually("the machine is up") {
            guard let process, process.isRunning else {
                throw Daemon.Failure(
                    description: "it ended: "
                        + (try String(contentsOfFile: root + "/console", encoding: .utf8).suffix(500)))
            }
            let children = try shell("pgrep -P \(process.pid) -x systemd").output
            leader = pid_t(children.trimmingCharacters(in: .whitespacesAndNewlines)) ?? 0
            return try leader != 0 && ["running\n", "degraded\n"].contains(run("systemctl is-system-running").output)
        }
    }

    /// Normally, or like pulling the plug.
    func shutDown(cut: Bool = false) throws {
        guard let process else { return }
        if !cut, process.isRunning { _ = try run("systemctl --no-block poweroff") }
        let end = Date(timeIntervalSinceNow: cut ? 0 : Daemon.patience)
        while process.isRunning, Date() < end { Thread.sleep(forTimeInterval: 0.05) }
        // Without its first process a machine ends, whatever watches over it.
        if process.isRunning, leader != 0 { kill(leader, SIGKILL) }
        if process.isRunning { process.signal(SIGKILL) }
        process.wait()
        self.process = nil
        _ = try shell(
            "for h in systemd unified .; do find /sys/fs/cgroup/$h/\(name) -depth -type d -exec rmdir {} \\; ; done")
    }

    deinit {
        do { try shutDown() } catch { print("left running: \(name): \(error)") }
    }

    // MARK: Inside

    /// Runs a line of bash as root in the machine, for at most a minute.
    @discardableResult
    func run(_ line: String) throws -> (status: Int32, output: String, errors: String) {
        try program(
            "nsenter -t \(leader) -m -u -i -n -p -C -- /usr/bin/env -i PATH=/usr/sbin:/usr/bin TERM=dumb HOME=/root LC_ALL=C "
                + "timeout 60 bash -c " + Self.quoted(line))
    }

    /// The output, if it succeeds. Otherwise the test ends here.
    @discardableResult
    func must(_ line: String) throws -> String {
        let result = try run(line)
        guard result.status == 0 else {
            let log = try run("journalctl -b --no-pager -o cat -n 15").output
            throw Daemon.Failure(description: "\(line): \(result.errors)\(result.output)\n\(log)")
        }
        return result.output.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// Runs a program of this machine in the other's network.
    func outside(_ line: String, output: String) throws -> Child {
        try Child(
            "/usr/bin/nsenter", ["-t", "\(leader)", "-n", "--", "/bin/bash", "-c", "exec " + line],
            environment: ["PATH": "/usr/bin:/bin"],
            input: "/dev/null", output: output, errors: output + ".errors")
    }

    func property(_ name: String, of unit: String = "footfall.service") throws -> String {
        try must("systemctl show -p \(name) --value \(unit)")
    }

    /// The place of a machine's file on this one. Its own files under `/usr` are elsewhere.
    func path(_ inside: String) -> String {
        folder.path + (inside.hasPrefix("/usr/") ? inside : "/root" + inside)
    }

    /// Writes a file of the machine, readable for everybody.
    func write(_ inside: String, _ text: String, mode: Int = 0o644) throws {
        let path = path(inside)
        try FileManager.default.createDirectory(
            atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        try Data(text.utf8).write(to: URL(filePath: path), options: .atomic)
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
    }

    /// A drop-in for the service, used at its next start.
    func dropIn(_ text: String, for unit: String = "footfall.service") throws {
        try write("/etc/systemd/system/\(unit).d/test.conf", text)
        try must("systemctl daemon-reload")
    }

    /// The findings of systemd about the units. Manual pages are checked if man(1) is installed.
    func verifies() throws -> String {
        try run(
            "systemd-analyze verify $(command -v man >/dev/null || echo --man=no) footfall.service footfall-backup.service footfall-backup.timer \(Self.sockets) 2>&1"
        ).output
    }

    /// The numbers of the site, by the owner's command.
    func views() throws -> Int {
        let line = try must("footfall stats demo --json")
        return try JSONDecoder().decode(SiteNumbers.self, from: Data(line.utf8)).total.views
    }

    func send(_ beacon: String) throws { try must("printf %s \(Self.quoted(beacon)) >/dev/udp/127.0.0.1/7373") }

    /// Waits until the daemon runs. Returns its process.
    @discardableResult
    func becomeReady() throws -> String {
        try eventually("the service is active") { try property("ActiveState") == "active" }
        return try property("MainPID")
    }

    private static func quoted(_ text: String) -> String { "'" + text.replacing("'", with: "'\\''") + "'" }

    private func program(_ line: String) throws -> (status: Int32, output: String, errors: String) { try shell(line) }

    private func script(_ lines: String) throws {
        let result = try shell("set -e; " + lines)
        guard result.status == 0 else { throw Daemon.Failure(description: result.errors) }
    }

    private struct SiteNumbers: Decodable {
        struct Total: Decodable { let views: Int }
        let total: Total
    }
}

/// Known traffic into a machine, and beside it a client that reads the numbers again and again, each time over a new
/// connection.
final class Storm {
    private let folder: TemporaryFolder
    private let traffic: Child, client: Child

    init(_ machine: Systemd, seed: Int, seconds: Int, rate: Int = 20_000) throws {
        folder = try TemporaryFolder()
        traffic = try machine.outside(
            "\(try footfallBinary())-load run --seed \(seed) --seconds \(seconds) --rate \(rate) --visitors 2000 --records 1 "
                + "--http http://127.0.0.1:7374 --patience 40", output: folder.path + "/traffic")
        try folder.write("client.py", Self.client)
        client = try machine.outside("python3 \(folder.path)/client.py \(seconds)", output: folder.path + "/client")
    }

    deinit {
        for process in [traffic, client] {
            process.signal(SIGKILL)
            process.wait()
        }
    }

    /// Connections that were refused or broken, and the slowest response in seconds.
    struct Client: Decodable { let answers: Int, refused: Int, broken: Int, slowest: Double }

    /// Waits until everything is sent and counted. Returns the differences from the truth, the number of datagrams, and
    /// the client.
    func finish() throws -> (complaints: [String], datagrams: Int, client: Client) {
        let status = traffic.wait()
        client.wait()
        let output = try Data(contentsOf: URL(filePath: folder.path + "/traffic"))
        let errors = try String(contentsOfFile: folder.path + "/traffic.errors", encoding: .utf8)
        let asked = try JSONDecoder().decode(
            Client.self, from: Data(contentsOf: URL(filePath: folder.path + "/client")))
        guard status == 0 || !output.isEmpty else { return (["status \(status): \(errors)"], 0, asked) }
        let summary = try JSONDecoder().decode(KnownTraffic.Summary.self, from: output)
        return (summary.differences + (status == 0 ? [] : [errors]), summary.datagrams, asked)
    }

    private static let client = """
        import http.client, json, sys, time
        end = time.monotonic() + float(sys.argv[1])
        r = {"answers": 0, "refused": 0, "broken": 0, "slowest": 0}
        while time.monotonic() < end:
            t = time.monotonic()
            try:
                c = http.client.HTTPConnection("127.0.0.1", 7374, timeout=30)
                c.request("GET", "/api/v1/sites/demo")
                if c.getresponse().read(): r["answers"] += 1
                c.close()
            except ConnectionRefusedError: r["refused"] += 1
            except (OSError, http.client.HTTPException): r["broken"] += 1
            r["slowest"] = max(r["slowest"], time.monotonic() - t)
            time.sleep(0.005)
        print(json.dumps(r))
        """
}
