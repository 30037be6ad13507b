import Foundation

/// A real nginx that serves the example site and has the daemon under `/thong-ke/`.
final class Nginx {
    let port: Int
    private let process: Child
    private let folder: TemporaryFolder

    static let isToBeHad: Bool = {
        do { return try shell("nginx -v").status == 0 } catch { return false }
    }()

    /// `pages` are added to those of the example; pages in PHP come from `php`. `lines` are added to the server's
    /// block.
    init(before httpPort: Int, pages: [String: String] = [:], php: PHP? = nil, lines: String = "") throws {
        folder = try TemporaryFolder()
        let root = folder.path + "/www"
        try FileManager.default.copyItem(atPath: Nginx.example.path, toPath: root)
        for (name, text) in pages { try Data(text.utf8).write(to: URL(filePath: root + "/" + name)) }
        port = try freePort()
        let configuration = try folder.write(
            "nginx.conf",
            """
            daemon off;
            pid \(folder.path)/pid;
            error_log stderr;
            events {}
            http {
                access_log off;
                types { text/html html; text/css css; }
                client_body_temp_path \(folder.path)/body;
                proxy_temp_path \(folder.path)/proxy;
                fastcgi_temp_path \(folder.path)/fastcgi;
                uwsgi_temp_path \(folder.path)/uwsgi;
                scgi_temp_path \(folder.path)/scgi;
                server {
                    listen 127.0.0.1:\(port);
                    root \(root);
                    location /thong-ke/ {
                        proxy_pass http://127.0.0.1:\(httpPort)/;
                        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
                    }
                    \(lines)
                    \(php.map { "location ~ \\.php$ { proxy_pass http://127.0.0.1:\($0.port); }" } ?? "")
                }
            }
            """)
        let errors = try folder.write("errors", "")
        process = try Child(
            "/usr/bin/env", ["nginx", "-e", "stderr", "-c", configuration.path],
            environment: ProcessInfo.processInfo.environment, input: "/dev/null", output: "/dev/null",
            errors: errors.path)
        try eventually("nginx serves") {
            guard process.isRunning else {
                throw Daemon.Failure(description: "nginx ended: \(try String(contentsOf: errors, encoding: .utf8))")
            }
            return httpGet(port, "/style.css")?.status == 200
        }
    }

    deinit {
        process.terminate()
        process.wait()
    }

    /// The site under `Tests/Example`.
    static let example = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Example").standardized
}

/// PHP's own web server, with a page of the example in PHP.
final class PHP {
    let port: Int
    private let process: Child
    private let folder: TemporaryFolder

    static let isToBeHad: Bool = {
        do { return try shell("php -v").status == 0 } catch { return false }
    }()

    /// Serves `pages` that send their beacons to a machine.
    init(_ pages: [String: String], for machine: Machine) throws {
        folder = try TemporaryFolder()
        for (name, text) in pages {
            try folder.write(
                "www/" + name,
                text.replacing(":7373", with: ":\(machine.beaconPort)")
                    .replacing(":7374", with: ":\(machine.httpPort)"))
        }
        port = try freePort()
        let errors = try folder.write("errors", "")
        process = try Child(
            "/usr/bin/env", ["php", "-S", "127.0.0.1:\(port)", "-t", folder.path + "/www"],
            environment: ProcessInfo.processInfo.environment, input: "/dev/null", output: "/dev/null",
            errors: errors.path)
        try folder.write("www/ready.txt", "ready")
        try eventually("php serves") { [port] in httpGet(port, "/ready.txt")?.status == 200 }
    }

    deinit {
        process.terminate()
        process.wait()
    }
}

/// A real Chromium without a window.
enum Chromium {
    static let isToBeHad: Bool = {
        do { return try shell("chromium --version").status == 0 } catch { return false }
    }()

    /// Opens a page and waits until nothing more is loaded. Returns the page's markup at that time. If `screenshot` is
    /// given, writes a PNG file.
    static func open(_ url: String, screenshot: String? = nil) throws -> String {
        let profile = try TemporaryFolder()
        let options = """
            chromium --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --hide-scrollbars \
            --user-data-dir='\(profile.path)' --window-size=960,260 --virtual-time-budget=4000 \
            --user-agent='Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36'
            """
        let what = screenshot.map { "--screenshot='\($0)'" } ?? "--dump-dom"
        let result = try shell("timeout 60 \(options) \(what) '\(url)'")
        guard result.status == 0 else { throw Daemon.Failure(description: result.errors) }
        return result.output
    }
}

/// A loopback port that is free now.
func freePort() throws -> Int {
    let script = "import socket; s = socket.socket(); s.bind(('127.0.0.1', 0)); print(s.getsockname()[1])"
    let result = try shell("python3 -c \"\(script)\"")
    return Int(result.output.trimmingCharacters(in: .whitespacesAndNewlines)) ?? 0
}
