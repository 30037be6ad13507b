import Counting
import Foundation

/// Views as websites send them: an address, a page, often a referrer, and a real agent.
struct Browsers {
    /// One agent for each of a hundred visitors, as a field of a beacon.
    private let agents: [[UInt8]]
    /// Where views come from. Many come from a page of the same site, which a website leaves out.
    private let referrers = [
        "", "", "", "https://www.google.com/", "https://www.google.com/", "https://m.facebook.com/",
        "https://coccoc.com/search", "https://news.example/tin/2026/bai-viet-17",
    ].map { $0.isEmpty ? [] : Array("&r=\($0)".utf8) }

    /// A file of agents cannot be used.
    struct Unreadable: Error, CustomStringConvertible {
        let description: String
    }

    /// Reads agents: in each line a percentage, a space and an agent, all percentages together 100.
    init(file: String) throws {
        let lines = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n")
            .filter { !$0.hasPrefix("#") }
        agents = lines.flatMap { line in
            let parts = line.split(separator: " ", maxSplits: 1)
            return Array(repeating: Array("&a=\(parts.last ?? "")".utf8), count: Int(parts[0]) ?? 0)
        }
        guard agents.count == 100 else { throw Unreadable(description: "\(file): the shares are not 100 together") }
    }

    /// Appends a view. Every fourth visitor has an IPv6 address. A visitor keeps the agent.
    @inline(__always)
    func append(_ visitor: Int, page: Int, using random: inout SplitMix, to bytes: inout [UInt8]) {
        bytes.append(text: "i=")
        if visitor & 3 == 3 {
            bytes.append(text: "2001:db8:")
            bytes.append(group: UInt16(truncatingIfNeeded: visitor >> 16))
            bytes.append(0x3a)
            bytes.append(group: UInt16(truncatingIfNeeded: visitor))
            bytes.append(text: ":1c5a:9bff:fe27:83d1")
        } else {
            bytes.append(text: "10.")
            bytes.append(decimal: visitor >> 16 & 255)
            bytes.append(0x2e)
            bytes.append(decimal: visitor >> 8 & 255)
            bytes.append(0x2e)
            bytes.append(decimal: visitor & 255)
        }
        bytes.append(text: "&u=/tin-tuc/")
        bytes.append(decimal: page)
        bytes.append(contentsOf: referrers[random.below(referrers.count)])
        var number = SplitMix(seed: UInt64(visitor))
        bytes.append(contentsOf: agents[number.below(agents.count)])
    }
}
