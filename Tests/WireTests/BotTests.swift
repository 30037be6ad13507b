import Counting
import Testing
import Wire

/// Agents as they are really sent.
@Suite("Bots")
struct BotTests {
    @Test("a declared bot is counted as a bot and as nothing else", arguments: declaredBots + programs)
    func bots(agent: String) throws {
        var house = try CountingHouse()
        for spelled in [form(agent), agent, agent.uppercased(), agent.lowercased()] {
            try house.receive("f1 s=demo&u=/&i=10.0.0.1&r=https://a.example/&a=\(spelled)")
            try house.receive("f1 s=demo&n=ping&v=x&a=\(spelled)")
        }
        let report = try #require(house.engine.report().site("demo"))
        #expect(house.outcome == [.bots: 8] && house[.records] == 8 && report.bots == 8)
        #expect(report.online == 0 && report.total == 0 && report.today.views == 0 && report.today.visitors == 0)
        #expect(house.engine.trackedVisitors == 0 && house.pages() == [:] && house.referrers() == [:])
    }

    @Test("a browser is never a bot", arguments: ordinaryBrowsers + inApps + phones)
    func browsers(agent: String) throws {
        var house = try CountingHouse()
        // Twice each, because the second result comes from memory.
        let raw = agent.replacing("+", with: "%2B")
        for spelled in [form(agent), raw, raw] {
            try house.receive("f1 s=demo&u=/&i=10.0.0.1&a=\(spelled)")
            try house.receive("f1 s=demo&n=ping&i=10.0.0.1&a=\(spelled)")
        }
        #expect(house.outcome == [.views: 3, .pings: 3] && house.engine.trackedVisitors == 1)
    }

    @Test(
        "crawlers whose makers publish an agent without a common word are bots too",
        arguments: [
            "Mozilla/5.0 (compatible; GoogleOther)",
            "Mozilla/5.0 (compatible; Yeti/1.1; +https://naver.me/spd)",
        ])
    func namedCrawlers(agent: String) throws {
        let outcome = try outcome(of: "f1 s=demo&u=/&a=\(form(agent))")
        #expect(outcome == [.bots: 1])
    }

    @Test(
        "a native beacon without an agent, or with a dash, is not a bot", arguments: ["", "&a=", "&a=-", "&a=%00"])
    func noAgent(field: String) throws {
        #expect(try outcome(of: "f1 s=demo&u=/\(field)") == [.views: 1])
    }

    @Test(
        "words of the public list are found, some only at the beginning or the end",
        arguments: [
            ("Barkrowler/0.9", true), ("007ac9 Crawler", true), ("LCC (x)", true), ("xLCC", false),
            ("curl", true), ("a curl", false), ("My SSL Labs", true), ("SSL Labs too", false), ("acunetix", true),
            ("Mozilla/5.0 (compatible; +https://monitor.example)", true),
        ])
    func listed(agent: String, isBot: Bool) throws {
        #expect(try outcome(of: "f1 s=demo&u=/&a=\(form(agent))") == (isBot ? [.bots: 1] : [.views: 1]))
    }

    @Test("a site's own bots are found from every source and in any case")
    func ownBots() throws {
        var house = try CountingHouse(logSite: "demo", bots: ["OurStatus/"])
        for agent in ["ourstatus/2", "x OURSTATUS/", "OurStatu"] {
            try house.receive("f1 s=demo&u=/&i=10.0.0.1&a=\(form(agent))")
            try house.receive("10.0.0.1 - - [23/Nov/2026:07:49:43 +0000] \"GET / HTTP/1.1\" 200 1 \"-\" \"\(agent)\"")
            #expect(try house.send("s=demo&u=/", agent: agent) == nil)
        }
        #expect(house.outcome == [.bots: 6, .views: 3])
        try house.receive("f1 s=other&u=/&a=ourstatus/2")
        #expect(house[.views] == 4)
    }

    @Test(
        "a hit from a referrer spam host, or from a host below it, is a bot from every source",
        arguments: [
            ("https://semalt.com/", true), ("http://www.SEMALT.com:80/crawler.php?u=x", true),
            ("https://a.b.semalt.com/", true), ("https://%73emalt.com/", true), ("https://own.example/a", true),
            ("https://x.own.example", true), ("https://notsemalt.com/", false), ("https://semalt.com.example/", false),
            ("https://example/semalt.com", false), ("https://www.google.com/search?q=semalt.com", false),
            ("semalt", false), ("", false),
        ])
    func spam(referrer: String, isBot: Bool) throws {
        var house = try CountingHouse(logSite: "demo", spam: ["own.example"])
        try house.receive("f1 s=demo&u=/&i=10.0.0.1&r=\(referrer)")
        #expect(try house.send("s=demo&u=/&r=\(referrer)") == nil)
        if !referrer.contains("%") {
            try house.receive(
                "10.0.0.1 - - [23/Nov/2026:07:49:43 +0000] \"GET / HTTP/1.1\" 200 1 \"\(referrer)\" \"Mozilla/5.0\"")
        }
        #expect(Array(house.outcome.keys) == [isBot ? .bots : .views])
        #expect(isBot ? house.referrers() == [:] && house.engine.trackedVisitors == 0 : house.referrers() != [:])
        // A ping has no referrer, and the hosts of one site do not apply to another.
        try house.receive("f1 s=demo&n=ping&v=x&r=https://semalt.com/\ns=other&u=/&r=https://own.example/")
        #expect(house[.pings] == 1 && house[.views] >= 1)
    }

    @Test(
        "the word is found anywhere, up to the limit of an agent",
        arguments: [
            ("bot", true), ("xbot", true), ("botx", true), ("a\tb\u{0}ot", true), ("b%00o%09t", true), ("b+ot", false),
            ("b%6ft", true),
            ("%62%4f%54", true), ("bo", false), ("ot", false), (String(repeating: "x", count: 509) + "bot", true),
            (String(repeating: "x", count: 510) + "bot", false), (String(repeating: "b", count: 100) + "ot", true),
            ("CUBOT", false), ("cubot", false), ("CUBOT+Googlebot", true), ("ubot", true), ("cu+bot", true),
            ("cubotbot", true),
        ])
    func places(agent: String, isBot: Bool) throws {
        let outcome = try outcome(of: "f1 s=demo&u=/&a=\(agent)")
        #expect(outcome[.bots] == (isBot ? 1 : nil) && outcome[.views] == (isBot ? nil : 1))
    }

    @Test("a known bot stays a bot among ten thousand other agents")
    func memory() throws {
        var house = try CountingHouse()
        for i in 0..<10_000 {
            try house.receive(
                "f1 s=demo&u=/&a=Mozilla/5.0+(\(i))\ns=demo&u=/&a=crawler/\(i)\nu=/&s=demo&a=Mozilla/5.0+(7)")
        }
        #expect(house[.bots] == 10_000 && house[.views] == 20_000)
    }
}

private let declaredBots = [
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X Build/MMB29P) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.6099.129 Mobile Safari/537.36 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Googlebot-Image/1.0", "AdsBot-Google (+http://www.google.com/adsbot.html)", "Mediapartners-Google",
    "APIs-Google (+https://developers.google.com/webmasters/APIs-Google.html)",
    "FeedFetcher-Google; (+http://www.google.com/feedfetcher.html)",
    "Mozilla/5.0 (compatible; Google-InspectionTool/1.0)",
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm) Chrome/112.0.0.0 Safari/537.36",
    "Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)",
    "Mozilla/5.0 (compatible; Baiduspider/2.0; +http://www.baidu.com/search/spider.html)",
    "DuckDuckBot/1.1; (+http://duckduckgo.com/duckduckbot.html)",
    "Mozilla/5.0 (compatible; Yahoo! Slurp; http://help.yahoo.com/help/us/ysearch/slurp)",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_5) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/13.1.1 Safari/605.1.15 (Applebot/0.1; +http://www.apple.com/go/applebot)",
    "Sogou web spider/4.0(+http://www.sogou.com/docs/help/webmasters.htm#07)",
    "Mozilla/5.0 (compatible; coccocbot-web/1.0; +http://help.coccoc.com/searchengine)",
    "Mozilla/5.0 (compatible; SeznamBot/4.0; +http://napoveda.seznam.cz/seznambot-intro/)",
    "Mozilla/5.0 (compatible; PetalBot;+https://webmaster.petalsearch.com/site/petalbot)",
    "Mozilla/5.0 (Linux; Android 5.0) AppleWebKit/537.36 (KHTML, like Gecko) Mobile Safari/537.36 (compatible; Bytespider; spider-feedback@bytedance.com)",
    "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
    "Mozilla/5.0 (compatible; SemrushBot/7~bl; +http://www.semrush.com/bot.html)",
    "Mozilla/5.0 (compatible; MJ12bot/v1.4.8; http://mj12bot.com/)",
    "Mozilla/5.0 (compatible; DotBot/1.2; +https://opensiteexplorer.org/dotbot)",
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.1; +https://openai.com/gptbot)",
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko); compatible; ChatGPT-User/1.0; +https://openai.com/bot",
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; ClaudeBot/1.0; +claudebot@anthropic.com)",
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; PerplexityBot/1.0; +https://perplexity.ai/perplexitybot)",
    "CCBot/2.0 (https://commoncrawl.org/faq/)",
    "Mozilla/5.0 (compatible; archive.org_bot +http://archive.org/details/archive.org_bot)",
    "ia_archiver (+http://www.alexa.com/site/help/webmasters; crawler@alexa.com)",
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    "meta-externalagent/1.1 (+https://developers.facebook.com/docs/sharing/webmasters/crawler)",
    "Twitterbot/1.0", "LinkedInBot/1.0 (compatible; Mozilla/5.0; Apache-HttpClient +http://www.linkedin.com)",
    "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)", "TelegramBot (like TwitterBot)",
    "WhatsApp/2.23.20.0 A",
    "Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)",
    "Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)",
    "Pingdom.com_bot_version_1.4_(http://www.pingdom.com/)",
    "Screaming Frog SEO Spider/19.0", "W3C_Validator/1.3 http://validator.w3.org/services",
    "W3C-checklink/4.5 libwww-perl/5.803",
]

private let programs = [
    "curl/8.5.0", "Wget/1.21.4", "python-requests/2.31.0", "Python-urllib/3.11", "Python/3.11 aiohttp/3.9.1",
    "python-httpx/0.26.0",
    "Scrapy/2.11.0 (+https://scrapy.org)", "Go-http-client/1.1", "Java/17.0.9",
    "Apache-HttpClient/4.5.14 (Java/17.0.9)",
    "okhttp/4.12.0", "axios/1.6.2", "node-fetch/1.0 (+https://github.com/bitinn/node-fetch)", "undici", "GuzzleHttp/7",
    "libwww-perl/6.72", "PostmanRuntime/7.36.0", "WordPress/6.4.2; https://example.com",
    "check_http/v2.3.3 (nagios-plugins 2.3.3)",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/120.0.6099.71 Safari/537.36",
    "Mozilla/5.0 (Linux; Android 11; moto g power (2022)) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/119.0.0.0 Mobile Safari/537.36 Chrome-Lighthouse",
    "Mozilla/5.0 (Unknown; Linux x86_64) AppleWebKit/538.1 (KHTML, like Gecko) PhantomJS/2.1.1 Safari/538.1",
    "Mozilla/5.0 zgrab/0.x", "sqlmap/1.7.12#stable (https://sqlmap.org)",
    "Mozilla/5.0 (compatible; CensysInspect/1.1; +https://about.censys.io/)",
]

private let ordinaryBrowsers = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36",
    "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_2 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/120.0.6099.119 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (X11; Linux x86_64; rv:121.0) Gecko/20100101 Firefox/121.0",
    "Mozilla/5.0 (Android 14; Mobile; rv:121.0) Gecko/121.0 Firefox/121.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_2 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) FxiOS/121.0 Mobile/15E148 Safari/605.1.15",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.2 Safari/605.1.15",
    "Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/16.6 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36 Edg/120.0.2210.91",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/64.0.3282.140 Safari/537.36 Edge/18.17763",
    "Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko",
    "Mozilla/5.0 (Linux; Android 13; SAMSUNG SM-A546E) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/23.0 Chrome/115.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Linux; U; Android 11; en-US; RMX2185 Build/RP1A.200720.011) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/100.0.4896.58 UCBrowser/13.4.0.1306 Mobile Safari/537.36",
    "UCWEB/2.0 (Java; U; MIDP-2.0; en-US; nokia5130c-2) U2/1.0.0 UCBrowser/9.4.1.482 U2/1.0.0 Mobile UNTRUSTED/1.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) coc_coc_browser/117.0.132 Chrome/111.0.5563.132 Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/119.0.0.0 Safari/537.36 OPR/105.0.0.0",
    "Opera/9.80 (J2ME/MIDP; Opera Mini/9.80 (S60; SymbOS; Opera Mobi/23.348; U; en) Presto/2.5.25 Version/10.54",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/116.0.5845.114 YaBrowser/23.9.0.0 Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36 Vivaldi/6.5.3206.48",
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Mobile DuckDuckGo/5 Safari/537.36",
    "Mozilla/5.0 (Linux; U; Android 12; vi-vn; M2101K6G Build/SKQ1) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/112.0.5615.136 Mobile Safari/537.36 XiaoMi/MiuiBrowser/14.3.1",
    "Mozilla/5.0 (PlayStation; PlayStation 5/2.26) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/13.0 Safari/605.1.15",
    "Mozilla/5.0 (SMART-TV; LINUX; Tizen 6.0) AppleWebKit/537.36 (KHTML, like Gecko) 76.0.3809.146/6.0 TV Safari/537.36",
    "Lynx/2.9.0dev.12 libwww-FM/2.14 SSL-MM/1.4.1 GNUTLS/3.7.8", "w3m/0.5.3+git20230121", "Links (2.28; Linux; text)",
]

private let inApps = [
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_1_2 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/21B101 [FBAN/FBIOS;FBAV/443.0.0.23.229;FBBV/543522361;FBDV/iPhone14,5;FBMD/iPhone;FBSN/iOS;FBSV/17.1.2;FBSS/3;FBID/phone;FBLC/vi_VN;FBOP/5;FBRV/545726640]",
    "Mozilla/5.0 (Linux; Android 13; SM-A536E Build/TP1A.220624.014; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/120.0.6099.43 Mobile Safari/537.36 [FB_IAB/FB4A;FBAV/443.0.0.30.109;]",
    "Mozilla/5.0 (Linux; Android 12; CPH2239 Build/RKQ1; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/120.0.6099.43 Mobile Safari/537.36 Zalo android/12110630 ZaloTheme/light ZaloLanguage/vi",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 16_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 Zalo iOS/473 ZaloTheme/light ZaloLanguage/vn",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 Instagram 309.1.1.28.108 (iPhone14,7; iOS 17_1; vi_VN; vi; scale=3.00; 1170x2532; 537288535)",
    "Mozilla/5.0 (Linux; Android 13; 22101316G Build/TP1A; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/119.0.6045.193 Mobile Safari/537.36 trill_320102 JsSdk/1.0 NetType/WIFI Channel/googleplay AppName/musical_ly BytedanceWebview/d8a21c6",
    "Mozilla/5.0 (Linux; Android 12; V2029 Build/SP1A; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/107.0.5304.141 Mobile Safari/537.36 MicroMessenger/8.0.44 NetType/WIFI Language/zh_CN",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_2 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) GSA/295.0.590048842 Mobile/15E148 Safari/604.1",
]

private let phones = [
    "Mozilla/5.0 (Linux; Android 11; CUBOT X50) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Linux; Android 9; CUBOT_X19) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/109.0.5414.118 Mobile Safari/537.36",
    "Mozilla/5.0 (Linux; Android 12; KINGKONG 7 Build/Cubot; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/119.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Linux; Android 10; Nokia 5.3) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/119.0.0.0 Mobile Safari/537.36",
]
