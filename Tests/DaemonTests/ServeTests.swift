import Foundation
import Testing

/// Starts `serve` with settings that must fail, and returns its output.
private func failingServe(_ settings: String) throws -> (status: Int32, errors: String) {
    let folder = try TemporaryFolder()
    let file = try folder.write(
        "footfall.toml",
        settings
            + "\n[state]\ndirectory = \"\(folder.path)\"\nruntime = \"\(folder.path)\"\n[[site]]\nname = \"demo\"\n")
    let result = try footfall(["serve", "-c", file.path])
    return (result.status, result.errors)
}

@Test("the error for a port in use is one sentence: which process has it and what to do")
func portInUse() throws {
    let other = try Daemon()
    let beacons = try failingServe(
        "[beacon]\nlisten = [\"127.0.0.1:\(other.beaconPort)\"]\n[http]\nlisten = \"127.0.0.1:0\"")
    #expect(beacons.status == 69)
    let sentence = try Regex(
        "127.0.0.1:\(other.beaconPort) is in use by footfall \\(pid \\d+\\); stop it, or listen elsewhere "
            + "\\(see \\[beacon\\] and \\[http\\] listen\\)\n")
    #expect(beacons.errors.wholeMatch(of: sentence) != nil, "\(beacons.errors)")
    let http = try failingServe(
        "[beacon]\nlisten = [\"127.0.0.1:0\"]\n[http]\nlisten = \"127.0.0.1:\(other.httpPort)\"")
    #expect(http.status == 69 && http.errors.contains("127.0.0.1:\(other.httpPort) is in use by footfall"))
}

@Test("the error for another machine's address is also one sentence")
func foreignAddress() throws {
    let result = try failingServe("[beacon]\nlisten = [\"192.0.2.1:7373\"]\n[http]\nlisten = \"127.0.0.1:0\"")
    #expect(result.status == 69)
    #expect(result.errors.contains("cannot listen at 192.0.2.1:7373: Cannot assign requested address; choose"))
}

@Test(
    "a port below 1024 is for root, and the error says what to do instead",
    .enabled(if: Rights.hasPrivilegedPorts, "needs ports that are for root"), arguments: [80, 1023])
func privilegedPort(port: Int) throws {
    let folder = try TemporaryFolder()
    let rest = "[state]\ndirectory = \"\(folder.path)\"\nruntime = \"\(folder.path)\"\n"
    for listeners in [
        "[beacon]\nlisten = [\"127.0.0.1:\(port)\"]\n[http]\nlisten = \"127.0.0.1:0\"\n",
        "[beacon]\nlisten = [\"127.0.0.1:0\"]\n[http]\nlisten = \"127.0.0.1:\(port)\"\n",
    ] {
        let file = try folder.write("footfall.toml", listeners + rest)
        let result = try shell(Rights.without("net_bind_service") + "'\(try footfallBinary())' serve -c '\(file.path)'")
        #expect(result.status == 69)
        #expect(
            result.errors.hasSuffix(
                """
                only root may listen at 127.0.0.1:\(port), because the port is below 1024; choose a greater one \
                (see [beacon] and [http] listen), or let systemd open it by a socket unit

                """), "\(result.errors)")
    }
}

@Test("a mistake in the settings is reported with its line, and the status is 78")
func malformedSettings() throws {
    let folder = try TemporaryFolder()
    let file = try folder.write("footfall.toml", "[http]\nlisten = \"127.0.0.1:0\"\nhots = []\n")
    let result = try footfall(["serve", "-c", file.path])
    #expect(result.status == 78)
    #expect(result.errors.hasPrefix("\(file.path):3:1: unknown key"), "\(result.errors)")
}

@Test("two daemons cannot share a local socket, and a dead one's socket is replaced")
func localSocket() throws {
    let first = try Daemon()
    let second = try footfall(["serve", "-c", first.settings.path])
    #expect(second.status == 69)
    #expect(second.errors.contains("another footfall answers at"), "\(second.errors)")
}

@Test("the daemon serves inherited sockets by their names, in any order")
func inheritedSockets() throws {
    let folder = try TemporaryFolder()
    let file = try folder.write(
        "footfall.toml",
        "[state]\ndirectory = \"\(folder.path)\"\nruntime = \"\(folder.path)\"\n[[site]]\nname = \"demo\"\n")
    // What systemd does, in Python: sockets at 3 and 4, and variables that name this process.
    let script = try folder.write(
        "activate.py",
        """
        import os, socket, sys
        http = socket.socket(socket.AF_INET, socket.SOCK_STREAM); http.bind(("127.0.0.1", 0)); http.listen()
        beacon = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); beacon.bind(("127.0.0.1", 0))
        client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        client.sendto(b"f1 s=demo&v=early&u=/", beacon.getsockname())
        open(sys.argv[2], "w").write(str(http.getsockname()[1]))
        copies = [os.dup2(os.dup(s.fileno()), n + 40) for n, s in enumerate([http, beacon])]
        os.closerange(3, 40)
        for n, copy in enumerate(copies): os.dup2(copy, 3 + n, inheritable=True)
        os.closerange(5, 60)
        os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="2", LISTEN_FDNAMES="http:beacon")
        os.execv(sys.argv[1], [sys.argv[1], "serve", "-c", sys.argv[3]])
        """)
    let log = try folder.write("log", "")
    let process = try Child(
        "/usr/bin/env", ["python3", script.path, try footfallBinary(), folder.path + "/port", file.path],
        environment: ProcessInfo.processInfo.environment, input: "/dev/null", output: "/dev/null", errors: log.path)
    defer {
        process.terminate()
        process.wait()
    }
    // The beacon arrived before the daemon ran, and is still counted.
    try eventually("the beacon that waited in the socket is counted") {
        let port = (try? String(contentsOfFile: folder.path + "/port", encoding: .utf8)) ?? ""
        guard !port.isEmpty else { return false }
        return try shell("curl -s --max-time 5 http://127.0.0.1:\(port)/api/v1/sites/demo").output.contains(
            #""value":1,"#)
    }
}

@Test("SIGTERM ends the daemon normally, and everything that had arrived is counted")
func stops() throws {
    let daemon = try Daemon()
    #expect(daemon.stop() == 0)
    #expect(try daemon.said.contains("Stopped"))
}
