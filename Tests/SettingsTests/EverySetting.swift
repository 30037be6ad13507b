extension SettingsTests {
    /// Every key at another value than its default, written the way `check` prints it.
    static let everyKey = """
        [beacon]
        listen = ["0.0.0.0:0", "[2001:db8::1]:7373"]
        trusted = ["10.0.0.0/8", "192.0.2.1", "2001:db8::/32"]
        site = "portal"
        receive_buffer = "512KiB"

        [http]
        listen = "[::1]:8080"
        hosts = ["stats.example.gov.vn", "192.0.2.7"]
        proxies = ["127.0.0.1"]
        local_admin = false

        [state]
        directory = "/srv/foot \\"fall\\""
        runtime = "/run/ff"
        sync = "100ms"
        journal_cap = "3GiB"
        segment = "1GiB"

        [limits]
        visitors = 5000000
        sites = 20
        held = "1000001"
        recent_views = 1000
        pages = 10
        referrers = 20
        visitor_rate = "5/s"
        site_rate = "200/s"

        [log]
        assets = ["css", "mp4"]
        level = "debug"

        [[site]]
        name = "portal"
        hosts = ["portal.example.gov.vn", "xn--tnmin-fsa8776b.vn"]
        timezone = "Asia/Ho_Chi_Minh"
        public = ["online", "peak", "total", "series"]
        online_window = "90s"
        duplicate = "1500ms"
        total_of = "views"
        views_from = "browser"
        keep_query = ["id", "p"]
        anonymous = ["dnt", "gpc"]
        bots = ["StatusCheck", "our app/"]
        spam = ["spam.example"]

        [[site]]
        name = "a_b.c-9"
        hosts = []
        timezone = "UTC"
        public = []
        online_window = "30m"
        duplicate = "10s"
        total_of = "visits"
        views_from = "log"
        keep_query = []
        anonymous = []
        bots = []
        spam = []

        """
}
