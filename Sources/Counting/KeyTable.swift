/// Byte strings and their places 0, 1, 2 …: names of sites, paths, referring hosts.
///
/// The hash is a fingerprint with a secret seed, so nobody outside can choose strings that collide, as far as is known; if
/// somebody could, a search would be as long as the table has strings. Nothing stored depends on it.
///
/// - Complexity: finding and adding O(1) a string; removing O(1), and it moves the last string into the gap.
public struct KeyTable: Sendable {
    /// The strings by place.
    public private(set) var keys: [[UInt8]] = []
    private var hashes: [UInt64] = []
    /// Open addressing: place + 1, or 0.
    private var index: [UInt32] = []
    private let seed: HashSeed

    /// An empty table whose hash is keyed by `seed`.
    public init(seed: HashSeed) { self.seed = seed }

    /// The number of strings.
    public var count: Int { keys.count }

    /// The place of `key`.
    @inline(__always)
    public func find(_ key: Span<UInt8>) -> Int? {
        find(key, hash: key.fingerprint(seed))
    }

    /// The place of `key`. A new key is added if `count` is below `limit`.
    @inline(__always)
    public mutating func findOrAdd(_ key: Span<UInt8>, limit: Int) -> (place: Int, isNew: Bool)? {
        let hash = key.fingerprint(seed)
        if let place = find(key, hash: hash) { return (place, false) }
        guard keys.count < limit else { return nil }
        add(key, hash: hash)
        return (keys.count - 1, true)
    }

    /// Removes the string at `place`. The last string moves to this place.
    public mutating func remove(at place: Int) {
        vacate(position(of: place))
        let last = keys.count - 1
        if place != last {
            index[position(of: last)] = UInt32(place + 1)
            keys[place] = keys[last]
            hashes[place] = hashes[last]
        }
        keys.removeLast()
        hashes.removeLast()
    }

    @inline(__always)
    private func find(_ key: Span<UInt8>, hash: UInt64) -> Int? {
        guard !index.isEmpty else { return nil }
        var i = home(hash)
        while index[i] != 0 {
            let place = Int(index[i]) - 1
            if hashes[place] == hash {
                let candidate = keys[place]
                if equal(candidate.span, key) { return place }
            }
            i = (i + 1) & (index.count - 1)
        }
        return nil
    }

    private mutating func add(_ key: Span<UInt8>, hash: UInt64) {
        keys.append([UInt8](copying: key))
        hashes.append(hash)
        if keys.count * 2 > index.count {
            index = [UInt32](repeating: 0, count: max(16, index.count * 2))
            for place in keys.indices { enter(place) }
        } else {
            enter(keys.count - 1)
        }
    }

    private func home(_ hash: UInt64) -> Int { Int(truncatingIfNeeded: hash) & (index.count - 1) }

    private mutating func enter(_ place: Int) {
        var i = home(hashes[place])
        while index[i] != 0 { i = (i + 1) & (index.count - 1) }
        index[i] = UInt32(place + 1)
    }

    private func position(of place: Int) -> Int {
        var i = home(hashes[place])
        while Int(index[i]) != place + 1 { i = (i + 1) & (index.count - 1) }
        return i
    }

    /// Empties an index position and closes the gap, so that no search ends early.
    private mutating func vacate(_ position: Int) {
        var hole = position
        var i = (hole + 1) & (index.count - 1)
        while index[i] != 0 {
            let home = home(hashes[Int(index[i]) - 1])
            if (i - home) & (index.count - 1) >= (i - hole) & (index.count - 1) {
                index[hole] = index[i]
                hole = i
            }
            i = (i + 1) & (index.count - 1)
        }
        index[hole] = 0
    }
}

/// 128 bits that key the tables of one process. Any value works; a secret one is safe.
public struct HashSeed: Sendable {
    /// The two halves.
    public var k0: UInt64, k1: UInt64
    /// A seed of two words.
    public init(_ k0: UInt64, _ k1: UInt64) {
        self.k0 = k0
        self.k1 = k1
    }
}

extension Array where Element == UInt8 {
    /// A copy of the bytes.
    public init(copying bytes: Span<UInt8>) {
        self.init(capacity: bytes.count) { output in
            for i in bytes.indices { output.append(bytes[i]) }
        }
    }
}
