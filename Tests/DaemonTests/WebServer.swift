import Foundation

/// A real web server, configured with the output of `footfall snippet`, that sends its log to the daemon.
///
/// It serves pages under `/`, `/tin-tức/` and `/style.css`, and nothing else.
final class LoggingServer {
    let port: Int
    private let process: Child
    private let folder: TemporaryFolder

    /// The kinds with tests.
    enum Kind: String, CaseIterable {
        case nginx, haproxy, apache, caddy

        var isToBeHad: Bool {
            do { return try shell("command -v \(self == .apache ? "apache2" : rawValue)").status == 0 } catch {
                return false
            }
        }
    }

    /// A server of one kind that logs as in `snippet`. Its site has the host `demo.example`.
    init(_ kind: Kind, logging snippet: String) throws {
        folder = try TemporaryFolder()
        port = try freePort()
        let path = folder.path
        for page in ["index.html", "tin-tức/index.html"] { try folder.write("www/" + page, "<p>Xin chào</p>") }
        try folder.write("www/style.css", "p {}")
        // Servers that give up root read it as another user.
        _ = try shell("chmod -R a+rX '\(path)'")
        let snippet = snippet.replacing("/var/log/nginx", with: path)
        let (program, arguments, configuration): (String, [String], String) =
            switch kind {
            case .nginx:
                (
                    "nginx", ["-e", "stderr", "-c"],
                    """
                    daemon off;
                    pid \(path)/pid;
                    events {}
                    http {
                        types { text/html html; text/css css; }
                        \(["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map { "\($0)_temp_path \(path)/\($0);" }.joined())
                        server {
                            listen 127.0.0.1:\(port);
                            root \(path)/www;
                            \(snippet)
                        }
                    }
                    """
                )
            case .haproxy:
                (
                    "haproxy", ["-db", "-f"],
                    """
                    defaults
                        mode http
                        timeout client 5s
                        timeout connect 5s
                        timeout server 5s
                    frontend web
                        bind 127.0.0.1:\(port)
                        http-request return status 200 content-type text/html string page if { path / } || { path -m beg /tin-t }
                        http-request return status 200 content-type text/css string css if { path /style.css }
                        http-request return status 404
                    \(snippet)
                    """
                )
            case .apache:
                (
                    "apache2", ["-X", "-f"],
                    """
                    ServerRoot \(path)
                    PidFile \(path)/pid
                    ServerName demo.example
                    Listen 127.0.0.1:\(port)
                    \(["mpm_event", "authz_core", "dir", "mime"].map { "LoadModule \($0)_module /usr/lib/apache2/modules/mod_\($0).so\n" }.joined())
                    TypesConfig /etc/mime.types
                    ErrorLog \(path)/errors
                    DocumentRoot \(path)/www
                    DirectoryIndex index.html
                    User nobody
                    Group nogroup
                    \(snippet.replacing("#LogFormat", with: "LogFormat"))
                    """
                )
            case .caddy:
                (
                    "caddy", ["run", "--adapter", "caddyfile", "--config"],
                    """
                    {
                    admin off
                    auto_https off
                    storage file_system \(path)/caddy
                    \(snippet)
                    }
                    http://:\(port) {
                        bind 127.0.0.1
                        root * \(path)/www
                        file_server
                        log
                    }
                    """
                )
            }
        let file = try folder.write("configuration", configuration)
        let said = try folder.write("said", "")
        process = try Child(
            "/usr/bin/env", [program] + arguments + [file.path],
            environment: ProcessInfo.processInfo.environment.merging(["HOME": path]) { $1 }, input: "/dev/null",
            output: "/dev/null", errors: said.path)
        try eventually("\(kind) serves") { [process, port] in
            guard process.isRunning else {
                throw Daemon.Failure(description: "\(kind) ended: \(try String(contentsOf: said, encoding: .utf8))")
            }
            return try shell("curl -s -o /dev/null -H 'Host: demo.example' http://127.0.0.1:\(port)/style.css").status
                == 0
        }
    }

    /// Requests a page from an address of loopback.
    func ask(_ path: String, from address: String, _ options: String = "-A 'Mozilla/5.0 (X11)'") throws {
        _ = try shell(
            "curl -s -o /dev/null --max-time 5 --interface \(address) -H 'Host: demo.example' \(options) 'http://127.0.0.1:\(port)\(path)'"
        )
    }

    deinit {
        process.terminate()
        process.wait()
    }
}

/// rsyslog as a relay, configured with the output of `footfall snippet`.
final class Relay {
    let port: Int
    private let process: Child
    private let folder: TemporaryFolder

    static let isToBeHad: Bool = {
        do { return try shell("command -v rsyslogd").status == 0 } catch { return false }
    }()

    init(_ snippet: String) throws {
        folder = try TemporaryFolder()
        port = try freePort()
        let file = try folder.write(
            "rsyslog.conf",
            "global(workDirectory=\"\(folder.path)\")\n" + snippet.replacing("port=\"514\"", with: "port=\"\(port)\""))
        let said = try folder.write("said", "")
        process = try Child(
            "/usr/bin/env", ["rsyslogd", "-n", "-f", file.path, "-i", folder.path + "/pid"],
            environment: ProcessInfo.processInfo.environment, input: "/dev/null", output: said.path, errors: said.path)
        try eventually("rsyslog listens") { [process, port] in
            guard process.isRunning else {
                throw Daemon.Failure(description: "rsyslog ended: \(try String(contentsOf: said, encoding: .utf8))")
            }
            return try shell("ss -Hlun 'sport = :\(port)'").output.contains("\(port)")
        }
    }

    deinit {
        process.terminate()
        process.wait()
    }
}
