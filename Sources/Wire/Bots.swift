import Counting

/// Knows declared bots by a word in their agent, and remembers its verdicts.
///
/// - Complexity: an agent seen lately one hash of it; a new one O(bytes).
struct Bots: Sendable {
    /// Lower-case words that no browser's agent contains. "bot" inside the name of a phone maker is not one of them.
    static let words = [
        // How they name themselves.
        "bot", "crawl", "spider", "slurp", "archiver", "scrap", "fetcher", "validator", "linkcheck", "preview",
        "externalhit", "externalagent", "mediapartners", "apis-google", "google-read-aloud", "inspectiontool",
        "googleother", "yeti/", "chatgpt-user", "claude-web", "claude-user", "anthropic-ai", "perplexity-user",
        "cohere-ai",
        "whatsapp/", "embedly", "vkshare", "outbrain", "qwantify", "ahrefs", "semrush",
        // Programs and their libraries.
        "curl/", "wget/", "python-", "python/", "aiohttp/", "httpx/", "libwww-perl", "lwp::", "go-http-client", "java/",
        "apache-httpclient", "okhttp/", "axios/", "node-fetch", "undici", "guzzlehttp", "php/", "winhttp",
        "postmanruntime", "insomnia/", "httpie/", "wordpress/", "feedparser", "feedly",
        // Browsers that nobody sits in front of.
        "headless", "phantomjs", "puppeteer", "playwright", "selenium", "webdriver", "lighthouse", "pagespeed",
        "gtmetrix", "ptst/",
        // Monitors and scanners.
        "pingdom", "statuscake", "site24x7", "nagios", "check_http", "zabbix", "blackbox", "datadog",
        "newrelicpinger", "nmap", "masscan", "zgrab", "nikto", "sqlmap", "nuclei", "censys",
        "internet-measurement",
    ].map { Array($0.utf8) }

    private static let byFirstByte: [[[UInt8]]] = {
        var table = [[[UInt8]]](repeating: [], count: 256)
        for word in words { table[Int(word[0])].append(word) }
        return table
    }()

    private let seed: HashSeed
    /// Direct-mapped: the hash of an agent, its lowest bit the verdict.
    private var verdicts = [UInt64](repeating: 0, count: verdictCount)
    private static let verdictCount = 8192

    init(seed: HashSeed) { self.seed = seed }

    /// The agent, already decoded, is a declared bot's.
    @inline(__always)
    mutating func declares(_ agent: Span<UInt8>) -> Bool {
        guard agent.count > 0 else { return false }
        var hash = TableHash(seed.k0, seed.k1)
        hash.combine(agent)
        let name = hash.finalize() | 1
        let place = Int(truncatingIfNeeded: name >> 1) & (Self.verdictCount - 1)
        if verdicts[place] | 1 == name { return verdicts[place] & 1 == 1 }
        let isBot = Self.hasWord(agent)
        verdicts[place] = isBot ? name : name & ~1
        return isBot
    }

    /// Looks for every word, without regard to case.
    static func hasWord(_ agent: Span<UInt8>) -> Bool {
        let table = byFirstByte
        for i in agent.indices {
            for word in table[Int(lower(agent[i]))] where agent.count - i >= word.count {
                var k = 1
                while k < word.count, lower(agent[i + k]) == word[k] { k += 1 }
                if k == word.count, !isPhone(agent, i, word) { return true }
            }
        }
        return false
    }

    /// Cubot makes telephones.
    private static func isPhone(_ agent: Span<UInt8>, _ i: Int, _ word: [UInt8]) -> Bool {
        word == [0x62, 0x6f, 0x74] && i >= 2 && lower(agent[i - 2]) == 0x63 && lower(agent[i - 1]) == 0x75
    }

    @inline(__always)
    private static func lower(_ byte: UInt8) -> UInt8 { byte &- 0x41 < 26 ? byte | 0x20 : byte }
}
