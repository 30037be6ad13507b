import CResources
import Counting

/// Knows declared bots by a word in their agent, and remembers its verdicts.
///
/// The words are those of `Lists/agents.txt` and `Lists/crawlers.txt`. A bot that says nothing of itself is not one of
/// them.
///
/// - Complexity: an agent seen lately one hash of it; a new one O(bytes): by the first two bytes of a word there are never
///   more than a few to compare with.
struct Bots: Sendable {
    /// Names of telephones and of a bank in which a word stands; `\s` at the end of one is a space.
    private static let people = TextList.entries(of: .phones).map { name in
        name.suffix(2).elementsEqual("\\s".utf8) ? name.dropLast(2) + [UInt8(ascii: " ")] : name
    }

    private struct Word {
        let bytes: [UInt8]
        /// It counts at the beginning, or at the end, only.
        var isFirst = false, isLast = false
    }

    /// By their first two bytes: the words of `pair` are those from `starts[pair]` to just before the next.
    private static let table: (starts: [UInt16], words: [Word]) = {
        func pair(_ word: Word) -> Int { Int(word.bytes[0]) << 8 | Int(word.bytes[1]) }
        let words = (TextList.entries(of: .agents) + TextList.entries(of: .crawlers)).map { entry in
            let isFirst = entry.first == UInt8(ascii: "^")
            let isLast = entry.last == UInt8(ascii: "$")
            return Word(
                bytes: Array(entry.dropFirst(isFirst ? 1 : 0).dropLast(isLast ? 1 : 0)), isFirst: isFirst,
                isLast: isLast)
        }.sorted { pair($0) < pair($1) }
        var starts = [UInt16](repeating: 0, count: 65_537)
        for word in words { starts[pair(word) + 1] += 1 }
        for i in 1..<starts.count { starts[i] += starts[i - 1] }
        return (starts, words)
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
        let name = agent.fingerprint(seed) | 1
        let place = Int(truncatingIfNeeded: name >> 1) & (Self.verdictCount - 1)
        if verdicts[place] | 1 == name { return verdicts[place] & 1 == 1 }
        let isBot = Self.hasWord(agent)
        verdicts[place] = isBot ? name : name & ~1
        return isBot
    }

    /// Looks for every word, without regard to case.
    static func hasWord(_ agent: Span<UInt8>) -> Bool {
        let (starts, words) = table
        for i in 0..<max(0, agent.count - 1) {
            let pair = Int(lower(agent[i])) << 8 | Int(lower(agent[i + 1]))
            for k in Int(starts[pair])..<Int(starts[pair + 1]) {
                let word = words[k]
                if holds(word.bytes, agent, at: i), !word.isFirst || i == 0,
                    !word.isLast || i + word.bytes.count == agent.count, !isPerson(agent, i, word.bytes)
                {
                    return true
                }
            }
        }
        return false
    }

    /// One of the words, in lower case, stands in the agent.
    static func has(_ words: [[UInt8]], in agent: Span<UInt8>) -> Bool {
        for word in words {
            for i in agent.indices where holds(word, agent, at: i) { return true }
        }
        return false
    }

    private static func holds(_ word: [UInt8], _ agent: Span<UInt8>, at place: Int) -> Bool {
        guard place >= 0, agent.count - place >= word.count else { return false }
        var k = 0
        while k < word.count, lower(agent[place + k]) == word[k] { k += 1 }
        return k == word.count
    }

    /// The word at `place` is a part of a telephone's name.
    private static func isPerson(_ agent: Span<UInt8>, _ place: Int, _ word: [UInt8]) -> Bool {
        for name in people {
            for offset in 0..<max(0, name.count - word.count + 1) where name[offset...].starts(with: word) {
                if holds(name, agent, at: place - offset) { return true }
            }
        }
        return false
    }

    @inline(__always)
    private static func lower(_ byte: UInt8) -> UInt8 { lowercased(byte) }
}
