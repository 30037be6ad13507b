import Counting
import Foundation
import Glibc
import Settings
import Testing
import Wire

/// Everything settings may say, and what is said where they are wrong.
@Suite("settings") struct SettingsTests {
    @Test("what is written of settings, loaded again, gives the same settings")
    func roundTrip() throws {
        let settings = try load(Self.everyKey)
        #expect(settings.warnings == [])
        #expect(settings.effectiveTOML() == Self.everyKey)
    }

    @Test("a file that says nothing has the defaults of the reference")
    func defaults() throws {
        let settings = try load(
            "# nothing\n", ["STATE_DIRECTORY": "/var/lib/footfall", "RUNTIME_DIRECTORY": "/run/footfall:/run/other"])
        #expect(settings.warnings == ["no [[site]] is configured: every hit will be refused as site_unknown"])
        #expect(
            settings.effectiveTOML() == """
                [beacon]
                listen = ["127.0.0.1:7373", "[::1]:7373"]
                trusted = ["127.0.0.0/8", "::1/128"]
                site = ""
                receive_buffer = "64MiB"

                [http]
                listen = "127.0.0.1:7374"
                hosts = []
                proxies = []
                local_admin = false

                [state]
                directory = "/var/lib/footfall"
                runtime = "/run/footfall"
                sync = "250ms"
                journal_cap = "256MiB"
                segment = "16MiB"

                [limits]
                visitors = 2000000
                sites = 10000
                held = "64MiB"
                recent_views = 262144
                pages = 2000
                referrers = 500
                visitor_rate = "20/s"
                site_rate = "10000/s"

                [log]
                assets = ["css", "js", "png", "jpg", "jpeg", "gif", "svg", "webp", "ico", "woff", "woff2", "ttf", "map", "mp4", "pdf"]
                level = "info"

                """)
    }

    @Test(
        "with no file at all there is one site, demo, for whoever sits at the machine",
        .disabled(if: FileManager.default.fileExists(atPath: "/etc/footfall"), "this machine has settings"))
    func demo() throws {
        let settings = try Settings.load(file: nil, environment: ["FOOTFALL_BEACON_SITE": "demo"], zones: zones)
        #expect(settings.warnings == [])
        let text = settings.effectiveTOML()
        #expect(text.contains("local_admin = true\n"))
        #expect(text.contains("[[site]]\nname = \"demo\"\nhosts = []\ntimezone = \"Asia/Tokyo\"\n"))
    }

    @Test(
        "state lies where systemd, XDG or the home directory say",
        arguments: [
            (["STATE_DIRECTORY": "/s", "XDG_STATE_HOME": "/x"], "directory = \"/s\""),
            (["XDG_STATE_HOME": "/x", "HOME": "/h"], "directory = \"/x/footfall\""),
            (["XDG_STATE_HOME": "not/absolute", "HOME": "/h"], "directory = \"/h/.local/state/footfall\""),
            (["RUNTIME_DIRECTORY": "/r", "XDG_RUNTIME_DIR": "/x"], "runtime = \"/r\""),
            (["XDG_RUNTIME_DIR": "/x"], "runtime = \"/x/footfall\""),
            ([:], "runtime = \"/dev/shm/footfall-\(getuid())\""),
        ])
    func directories(environment: [String: String], line: String) throws {
        #expect(try load("", environment).effectiveTOML().contains(line + "\n"))
    }

    @Test(
        "values are brought into one form",
        arguments: [
            ("[limits]\nheld = 65536", "held = \"64KiB\""),
            ("[limits]\nheld = \"1024KiB\"", "held = \"1MiB\""),
            ("[limits]\nvisitors = 1_000", "visitors = 1000"),
            ("[beacon]\nlisten = []", "listen = []"),
            ("beacon = { listen = [\"[2001:DB8::1]:1\"] }", "listen = [\"[2001:db8::1]:1\"]"),
            ("http.listen = \"127.0.0.1:0\"", "listen = \"127.0.0.1:0\""),
            ("[log]\nassets = [\"CSS\"]", "assets = [\"css\"]"),
            ("[[site]]\nname = \"a\"\nhosts = [\"www.A.vn\", \"a.vn\"]", "hosts = [\"a.vn\"]"),
            ("[[site]]\nname = \"a\"\nonline_window = \"120s\"", "online_window = \"2m\""),
            ("[[site]]\nname = \"a\"\nduplicate = \"0s\"", "duplicate = \"0ms\""),
        ])
    func forms(toml: String, line: String) throws {
        #expect(try load(toml).effectiveTOML().contains("\n\(line)\n"))
    }

    @Test(
        "a mistake is shown with its place and what is allowed",
        arguments: [
            ("[beacon]\nlisen = []", #"2:1: unknown key "lisen" in [beacon]; did you mean "listen"?"#),
            (
                "[log]\n  colour = 1",
                #"2:3: unknown key "colour" in [log]; known: "assets", "level""#
            ),
            ("\n[becon]\n", "2:1: unknown section [becon]; did you mean [beacon]?"),
            (
                "[web]",
                "1:1: unknown section [web]; known: [beacon], [http], [state], [limits], [log], [[site]]"
            ),
            ("site = 3\n", "1:1: a site is written [[site]], with two brackets"),
            ("[site]\nname = \"a\"", "1:1: a site is written [[site]], with two brackets"),
            ("http = 3", "1:1: http must be a section, written [http]"),
            ("listen = 3", #"1:1: key "listen" stands in no section; a section is written [name]"#),
            ("[http]\nlocal_admin = \"yes\"", #"2:15: local_admin must be true or false; found "yes""#),
            (
                "http.listen = \"localhost:80\" # name",
                #"1:15: listen must be a numeric address and a port, such as "127.0.0.1:7373" or "[::1]:7373"; found "localhost:80""#
            ),
            (
                "[beacon]\nlisten = [\n  \"127.0.0.1:1\", # = \"]\n  \"::1:2\",\n]",
                #"4:3: each entry of listen must be a numeric address and a port, such as "127.0.0.1:7373" or "[::1]:7373"; found "::1:2""#
            ),
            (
                "[http]\nproxies = [\"10.0.0.0/33\"]",
                #"2:12: each entry of proxies must be an address or network such as "127.0.0.1" or "10.0.0.0/8"; found "10.0.0.0/33""#
            ),
            (
                "[http]\nhosts = \"a.vn\"",
                #"2:9: hosts must be a list in brackets, each entry a host name such as "portal.example.gov.vn", without scheme, port or path; a name in other letters as xn--…; found "a.vn""#
            ),
            (
                "[beacon]\nreceive_buffer = \"64MB\"",
                #"2:18: receive_buffer must be a size from 4KiB to 1GiB, such as "64MiB"; found "64MB""#
            ),
            (
                "[state]\nsync = 2.5",
                #"2:8: sync must be a duration from 1ms to 1s, such as "250ms"; found a floating-point number"#
            ),
            ("[state]\nruntime = \"run\"", #"2:11: runtime must be an absolute path; found "run""#),
            (
                "[state]\nsegment = \"1GiB\"",
                "2:11: journal_cap must be at least twice as large as segment"
            ),
            ("[limits]\npages = 0", "2:9: pages must be a whole number from 1 to 1000000; found 0"),
            (
                "[limits]\nvisitor_rate = 20",
                #"2:16: visitor_rate must be a rate from 1/s to 1000000/s, such as "20/s"; found 20"#
            ),
            (
                "[log]\nassets = [\".css\"]",
                #"2:11: each entry of assets must be a file extension without its dot, such as "css"; found ".css""#
            ),
            ("[beacon]\nsite = \"a\"", #"2:8: site must be the name of a [[site]], or ""; found "a""#),
            ("[[site]]\nhosts = []", "1:1: a [[site]] needs a name"),
            ("[[site]]\nname = \"Cổng\"", #"2:8: name must be 1 to 64 of a-z 0-9 . _ -; found "Cổng""#),
            (
                "[[site]]\nname = \"a\"\ntimezone = \"Asia/Hanoi\"",
                #"3:12: timezone must be a time zone this machine knows, such as "Asia/Ho_Chi_Minh"; found "Asia/Hanoi""#
            ),
            (
                "[[site]]\nname = \"a\"\nonline_window = \"59s\"",
                #"3:17: online_window must be a duration from 1m to 30m, such as "5m"; found "59s""#
            ),
            (
                "[[site]]\nname = \"a\"\nduplicate = \"11s\"",
                #"3:13: duplicate must be a duration from 0ms to 10s, such as "250ms"; found "11s""#
            ),
            (
                "[[site]]\nname = \"a\"\ntotal_of = \"hits\"",
                #"3:12: total_of must be one of "visits", "views"; found "hits""#
            ),
            (
                "[[site]]\nname = \"a\"\nviews_from = \"udp\"",
                #"3:14: views_from must be one of "", "beacon", "browser", "log"; found "udp""#
            ),
            (
                "[[site]]\nname = \"a\"\n[site.keep_query]",
                #"3:1: keep_query must be a list in brackets, each entry a query key such as "id": 1 to 64 visible ASCII characters but & = # ? %; found a table"#
            ),
            ("\"http\" . 'hots' = []", #"1:1: unknown key "hots" in [http]; did you mean "hosts"?"#),
            ("# é\r\n[http]\r\nhots = []\r\n", #"3:1: unknown key "hots" in [http]; did you mean "hosts"?"#),
            (
                "site = [{ name = \"a\" }, { name = \"é\" }]",
                #"1:25: name must be 1 to 64 of a-z 0-9 . _ -; found "é""#
            ),
            (
                "[state]\ndirectory = \"\"\"\n/a\"\"\n[http]\n\\\"\"\"\"\nsyn = 1",
                #"6:1: unknown key "syn" in [state]; did you mean "sync"?"#
            ),
            ("[beacon\n", #"1:8: Error while parsing table header: expected ']', saw '\n'"#),
            (
                "[beacon]\nsite = \"\"\nsite = \"a\"",
                "3:8: Error while parsing key-value pair: cannot redefine existing string 'site'"
            ),
        ])
    func mistakes(toml: String, line: String) throws {
        #expect(try problems(of: toml) == "footfall.toml:" + line)
    }

    @Test("all mistakes of all files are shown, file by file and line by line")
    func everyMistake() throws {
        let folder = try SettingsFolder()
        try folder.write(
            "footfall.toml", "[[site]]\nname = 'a'\nhosts = ['a.vn']\n[limits]\nsites = 0\n[http]\nhost = 1\n")
        try folder.write("sites.d/10-b.toml", "[[site]]\nname = 'b'\nhosts = ['b.vn', 'www.a.vn']\n[http]\n")
        try folder.write("sites.d/20-c.toml", "[[site]\n")
        try folder.write("sites.d/30-a.toml", "\n[[site]]\nname = 'a'\n")
        #expect(
            folder.problems(["FOOTFALL_STATE_SYNC": "never"]) == """
                footfall.toml:5:9: sites must be a whole number from 1 to 1000000; found 0
                footfall.toml:7:1: unknown key "host" in [http]; did you mean "hosts"?
                sites.d/10-b.toml:3:18: host "a.vn" already belongs to site "a"; a host leads to one site
                sites.d/10-b.toml:4:1: [http] belongs in footfall.toml; a file in sites.d holds [[site]] only
                sites.d/20-c.toml:1:8: Error while parsing table header: expected ']', saw '\\n'
                sites.d/30-a.toml:3:8: site "a" is already defined at footfall.toml:2:8
                FOOTFALL_STATE_SYNC: sync must be a duration from 1ms to 1s, such as "250ms"; found "never"
                """)
    }

    @Test("a file that is named must be there and be text")
    func unreadable() throws {
        let folder = try SettingsFolder()
        #expect(folder.problems(file: "none.toml") == "none.toml: there is no such file")
        try folder.write("folder.toml/file", "")
        #expect(folder.problems(file: "folder.toml") == "folder.toml: cannot be read as a file")
        try folder.write("footfall.toml", "[beacon]\n\0[nonsense]")
        #expect(folder.problems() == "footfall.toml: a settings file must be UTF-8 text without NUL bytes")
    }

    @Test("sites.d adds sites in the order of its file names")
    func sitesFolder() throws {
        let folder = try SettingsFolder()
        try folder.write("footfall.toml", "[beacon]\nsite = 'z'\n[[site]]\nname = 'main'\n")
        try folder.write("sites.d/b.toml", "[[site]]\nname = 'y'\n[[site]]\nname = 'z'\n")
        try folder.write("sites.d/a.toml", "[[site]]\nname = 'x'\n")
        try folder.write("sites.d/c.toml.disabled", "nonsense")
        let settings = try folder.load()
        #expect(settings.warnings == [])
        #expect(settings.sites.map(\.name) == ["main", "x", "y", "z"])
    }

    @Test("more sites than the limit are refused where the first one too many stands")
    func tooManySites() throws {
        let toml = "[limits]\nsites = 1\n[[site]]\nname = 'a'\n[[site]]\nname = 'b'\n[[site]]\nname = 'c'\n"
        #expect(try problems(of: toml) == "footfall.toml:6:8: [limits] sites is 1, and there are 3 sites")
    }

    @Test(
        "the environment wins over the file",
        arguments: [
            ("FOOTFALL_HTTP_LISTEN", "127.0.0.1:0", "listen = \"127.0.0.1:0\""),
            ("FOOTFALL_HTTP_LOCAL_ADMIN", "true", "local_admin = true"),
            ("FOOTFALL_HTTP_PROXIES", "", "proxies = []"),
            ("FOOTFALL_BEACON_LISTEN", "127.0.0.1:1, [::1]:1", "listen = [\"127.0.0.1:1\", \"[::1]:1\"]"),
            ("FOOTFALL_LIMITS_VISITORS", "3_000", "visitors = 3000"),
            ("FOOTFALL_LIMITS_HELD", "4096", "held = \"4KiB\""),
            ("FOOTFALL_STATE_DIRECTORY", "/here", "directory = \"/here\""),
            ("FOOTFALL_LOG_ASSETS", "css,js", "assets = [\"css\", \"js\"]"),
        ])
    func overrides(variable: String, text: String, line: String) throws {
        let settings = try load(Self.everyKey, [variable: text, "FOOTFALL_COLOUR": "none"])
        #expect(settings.effectiveTOML().contains("\n\(line)\n"))
        #expect(!Self.everyKey.contains("\n\(line)\n"))
    }

    @Test("a variable of a known section must name a key")
    func unknownVariable() throws {
        #expect(
            try problems(of: Self.everyKey, ["FOOTFALL_HTTP_LISEN": "x"])
                == "FOOTFALL_HTTP_LISEN: unknown variable; did you mean FOOTFALL_HTTP_LISTEN?")
    }

    @Test("what is legal and unwise is a warning")
    func warnings() throws {
        let toml = """
            http = { proxies = ["127.0.0.1"], local_admin = true }
            beacon.trusted = ["::/0"]
            [[site]]
            name = "a"
            """
        #expect(
            try load(toml).warnings == [
                "[http] local_admin is on behind a proxy or off loopback: it lets strangers in",
                "[beacon] trusted holds ::/0: anyone may name any visitor and any site",
            ])
    }

    @Test("the budget is printed as comments and grows with the limits")
    func budget() throws {
        let budget = """
            # Memory, estimated from above:
            #   visitor table                              57.23 MiB
            #   recent views                                0.08 MiB
            #   receive slots                               0.52 MiB
            #   receive buffers, in the kernel              2.00 MiB
            #   buffered frames                             0.96 MiB
            #   each busy site: rankings of a day           0.02 MiB
            #   each busy site: unique visitors of a day    0.02 MiB
            #   each busy site: presence                    0.01 MiB
            #   each busy site: windows                     0.10 MiB
            #   total with busy sites: 2                   61.03 MiB
            # Disk, estimated from above:
            #   each busy site and year                     0.45 MiB
            #   each busy site: rankings of 400 days        4.89 MiB
            #   journal                                  3072.00 MiB

            """
        #expect(try load(Self.everyKey).budgetTOML() == budget)
    }

    @Test("other settings are in force at once, but for those that are read at the start only")
    func changes() throws {
        let started = try load(Self.everyKey)
        #expect(started.waitingForRestart(since: started) == [])
        let reloaded = try load(
            Self.everyKey.replacing("[\"css\", \"mp4\"]", with: "[]").replacing("\"3GiB\"", with: "\"4GiB\"")
                .replacing("sites = 20", with: "sites = 21").replacing("\"portal\"", with: "\"portal2\""))
        #expect(
            reloaded.waitingForRestart(since: started) == [
                "[state] journal_cap waits for a restart", "[limits] sites waits for a restart",
            ])
    }

    @Test("a site added by hand is a file that says what was named, and no more")
    func siteFile() throws {
        let folder = try SettingsFolder()
        try folder.write("footfall.toml", "")
        let least = Settings.siteFile(name: "a", hosts: [], timezone: nil, publicNumbers: [])
        #expect(least == "[[site]]\nname = \"a\"\n")
        try folder.write("sites.d/a.toml", least)
        try folder.write(
            "sites.d/b.toml",
            Settings.siteFile(name: "b", hosts: ["b.vn", "c.vn"], timezone: "UTC", publicNumbers: ["peak"]))
        let sites = try folder.load().sites
        #expect(sites.map(\.name) == ["a", "b"])
        #expect(sites[0].profile.settings.timezone == "Asia/Tokyo" && sites[0].publicNumbers == [.online, .total])
        #expect(sites[1].profile.hosts == ["b.vn", "c.vn"] && sites[1].profile.settings.timezone == "UTC")
        #expect(sites[1].publicNumbers == [.peak])
        try folder.write(
            "sites.d/c.toml", Settings.siteFile(name: "c", hosts: ["a\"\n"], timezone: nil, publicNumbers: []))
        #expect(folder.problems().hasPrefix("sites.d/c.toml:3:10: each entry of hosts must be a host name"))
    }

    @Test("where the sockets that are handed over lie elsewhere than the settings say, they are named")
    func differences() throws {
        let settings = try load("[beacon]\nlisten = [\"127.0.0.1:1\", \"[::1]:1\"]\n[http]\nlisten = \"127.0.0.1:2\"")
        #expect(settings.differences(beacons: [], http: "") == [])
        #expect(settings.differences(beacons: ["[::1]:1", "127.0.0.1:1"], http: "127.0.0.1:2") == [])
        // A machine without IPv6.
        #expect(settings.differences(beacons: ["127.0.0.1:1"], http: "127.0.0.1:2") == [])
        #expect(
            settings.differences(beacons: ["127.0.0.1:9"], http: "[::1]:2") == [
                "[beacon] listen says 127.0.0.1:1, and footfall-beacon.socket listens at 127.0.0.1:9, which wins",
                "[http] listen says 127.0.0.1:2, and footfall-http.socket listens at [::1]:2, which wins",
            ])
    }
}
