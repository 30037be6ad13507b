import CResources
import Counting

/// Recognises declared bots by a word in their agent.
///
/// The words are in `Lists/agents.txt` and `Lists/crawlers.txt`. A bot that does not declare itself is not recognised.
///
/// - Complexity: O(bytes): for any two bytes there are only a few words that begin with them.
enum Bots {
    /// Names of telephones and of a bank that contain a bot word. `\s` at the end of a name is a space.
    private static let people = TextList.entries(of: .phones).map { name in
        name.suffix(2).elementsEqual("\\s".utf8) ? name.dropLast(2) + [UInt8(ascii: " ")] : name
    }

    private struct Word {
        let bytes: [UInt8]
        /// True if the word counts only at the beginning, or only at the end.
        var isFirst = false, isLast = false
    }

    /// Sorted by their first two bytes. The words of `pair` are those from `starts[pair]` to just before the next
    /// start.
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

    /// True if the agent contains any of the words, in upper or lower case.
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

    /// True if the agent contains one of the words, which are in lower case.
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

    /// True if the word at `place` is part of a telephone's name.
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
