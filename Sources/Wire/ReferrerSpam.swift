import CResources
import Counting

/// Knows hosts that programs name as their referrer, so that somebody who reads a list of referrers goes there: those of
/// `Lists/referrer-spam.txt`.
struct ReferrerSpam: Sendable {
    private var listed: KeyTable
    /// A bit for each value of `mark` that a listed host has: most hosts are told from all of them by this alone.
    private var marks = [UInt64](repeating: 0, count: 1024)

    /// The same for every admission; only the seed is another in each process.
    static let list = ReferrerSpam()

    private init() {
        var random = SystemRandomNumberGenerator()
        listed = KeyTable(seed: HashSeed(random.next(), random.next()))
        for host in TextList.entries(of: .referrerSpam) {
            _ = listed.findOrAdd(host.span, limit: .max)
            let mark = Self.mark(host.span)
            marks[mark &>> 6] |= 1 &<< UInt64(mark & 63)
        }
    }

    /// The host, or a domain it lies in, is listed or one of `more`.
    ///
    /// - Complexity: O(labels of the host), of which there are at most 128.
    @inline(__always)
    func holds(_ host: Span<UInt8>, or more: [[UInt8]]) -> Bool {
        var start = 0
        for i in host.indices where host[i] == .dot {
            let domain = host.extracting(start..<host.count)
            let mark = Self.mark(domain)
            if marks[mark &>> 6] &>> UInt64(mark & 63) & 1 == 1, listed.find(domain) != nil { return true }
            for other in more where equal(other.span, domain) { return true }
            start = i + 1
        }
        return false
    }

    /// 0…65,535, of the first bytes of a domain.
    @inline(__always)
    private static func mark(_ domain: Span<UInt8>) -> Int {
        let word = domain.count >= 8 ? domain.word(at: 0) : domain.lastBytes(domain.count)
        return Int(truncatingIfNeeded: (word &* 0x9e37_79b9_7f4a_7c15) &>> 48)
    }
}
