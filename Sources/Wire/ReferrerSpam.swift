import CResources
import Counting

/// Recognises hosts that programs send as their referrer so that people who read referrer lists go there. They are
/// listed in `Lists/referrer-spam.txt`.
struct ReferrerSpam: Sendable {
    private var listed: KeyTable
    /// One bit for each value of `mark` of a listed host. This alone rules out most hosts.
    private var marks = [UInt64](repeating: 0, count: 1024)

    /// Shared by all admissions. Only the seed differs between processes.
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

    /// True if the host, or a domain above it, is listed.
    ///
    /// - Complexity: O(labels of the host), of which there are at most 128.
    @inline(__always)
    func holds(_ host: Span<UInt8>) -> Bool {
        isInDomain(host) { domain in
            let mark = Self.mark(domain)
            return marks[mark &>> 6] &>> UInt64(mark & 63) & 1 == 1 && listed.find(domain) != nil
        }
    }

    /// 0…65,535, from the first bytes of a domain.
    @inline(__always)
    private static func mark(_ domain: Span<UInt8>) -> Int {
        let word = domain.count >= 8 ? domain.word(at: 0) : domain.lastBytes(domain.count)
        return Int(truncatingIfNeeded: (word &* 0x9e37_79b9_7f4a_7c15) &>> 48)
    }
}

/// True if `isWanted` is true for the host or for a domain above it, the last label alone excepted.
@inline(__always)
func isInDomain(_ host: Span<UInt8>, where isWanted: (Span<UInt8>) -> Bool) -> Bool {
    var start = 0
    for i in host.indices where host[i] == .dot {
        if isWanted(host.extracting(start..<host.count)) { return true }
        start = i + 1
    }
    return false
}
