import Counting
import TestSupport
import Testing

/// Ways in which a disk, or somebody with access to it, changes the files of a daemon.
struct Damage: CustomStringConvertible {
    private(set) var files: FileSet
    /// What was done, for the message of a failing test.
    private(set) var description = ""
    /// The former names of renamed segments.
    private(set) var formerNames: [String: String] = [:]
    private var random: SplitMix
    /// True if a segment exists twice: damaging one copy would only test which is read.
    private var isDone = false

    init(_ files: FileSet, seed: UInt64) {
        self.files = files
        random = SplitMix(seed: seed)
    }

    /// Does one to three things to segments of the journal. `places` are the frames in them.
    mutating func toJournal(_ places: [Story.Place]) {
        for _ in 0..<random.one(of: [1, 1, 2, 3]) {
            let names = files.keys.filter { $0.hasPrefix("journal/") }.sorted()
            guard !names.isEmpty, !isDone else { return }
            let name = random.one(of: names)
            switch random.number(0...9) {
            case 0: toSegments(name, names)
            case 1: cut(name)
            case 2, 3: moveFrames(places.filter { $0.segment == name }, in: name)
            case 4: shift(name)
            default: toBytes(of: name)
            }
        }
    }

    /// Flips bits, or overwrites a range with zeros or random bytes.
    mutating func toBytes(of name: String, in range: Range<Int>? = nil) {
        guard var bytes = files[name], !bytes.isEmpty else { return }
        let range = (range ?? 0..<bytes.count).clamped(to: 0..<bytes.count)
        switch random.number(0...4) {
        case 0, 1:
            let count = random.one(of: [1, 1, 1, 2, 8])
            for _ in 0..<count {
                let (place, bit) = (Int.random(in: range, using: &random), UInt8(random.number(0...7)))
                bytes[place] ^= 1 << bit
                note("bit \(bit) of byte \(place) in \(name)")
            }
        case 2:
            let block = random.one(of: [512, 4096])
            let start = Int.random(in: range, using: &random) / block * block
            let end = min(start + block, bytes.count)
            for i in start..<end { bytes[i] = 0 }
            note("zeros in \(start)..<\(end) of \(name)")
        case 3:
            let stretch = stretch(range)
            for i in stretch { bytes[i] = 0 }
            note("zeros in \(stretch) of \(name)")
        default:
            let stretch = stretch(range)
            let ones = random.percent(30)
            for i in stretch { bytes[i] = ones ? 255 : UInt8(truncatingIfNeeded: random.next()) }
            note("\(ones ? "ones" : "noise") in \(stretch) of \(name)")
        }
        files[name] = bytes
    }

    /// Cuts the file short.
    mutating func cut(_ name: String) {
        guard let bytes = files[name] else { return }
        let end = random.number(0...bytes.count)
        files[name] = Array(bytes[..<end])
        note("\(name) ends at \(end)")
    }

    private mutating func stretch(_ range: Range<Int>) -> Range<Int> {
        let start = Int.random(in: range, using: &random)
        return start..<min(range.upperBound, start + random.one(of: [1, 4, 30, 300, 3000]))
    }

    /// Inserts or removes bytes, so that everything after them moves.
    private mutating func shift(_ name: String) {
        guard var bytes = files[name], bytes.count > 1 else { return }
        let stretch = stretch(0..<bytes.count)
        if random.percent(50) {
            bytes.removeSubrange(stretch)
            note("\(stretch) taken out of \(name)")
        } else {
            let more = stretch.map { _ in random.percent(50) ? 0 : UInt8(truncatingIfNeeded: random.next()) }
            bytes.insert(contentsOf: more, at: stretch.lowerBound)
            note("\(more.count) bytes put in at \(stretch.lowerBound) of \(name)")
        }
        files[name] = bytes
    }

    /// Doubles a frame, exchanges two frames, or overwrites one with another.
    private mutating func moveFrames(_ places: [Story.Place], in name: String) {
        guard var bytes = files[name], bytes.count >= places.last?.bytes.upperBound ?? .max, places.count > 1 else {
            return
        }
        let place = random.number(0...places.count - 2)
        let (first, second) = (places[place].bytes, places[place + 1].bytes)
        let frames = (Array(bytes[first]), Array(bytes[second]))
        switch random.number(0...2) {
        case 0:
            bytes.replaceSubrange(first.lowerBound..<second.upperBound, with: frames.1 + frames.0)
            note("frames at \(first) and \(second) of \(name) exchanged")
        case 1:
            bytes.insert(contentsOf: frames.0, at: second.lowerBound)
            // Keep the size of the file.
            bytes.removeLast(frames.0.count)
            note("the frame at \(first) of \(name) doubled")
        default:
            bytes.replaceSubrange(
                second.lowerBound..<min(second.lowerBound + frames.0.count, bytes.count), with: frames.0)
            note("the frame at \(first) of \(name) over the one behind it")
        }
        files[name] = bytes
    }

    private mutating func toSegments(_ name: String, _ names: [String]) {
        let other = random.one(of: names)
        switch random.number(0...3) {
        case 0:
            files[name] = nil
            note("\(name) deleted")
        case 1:
            (files[name], files[other]) = (files[other], files[name])
            let names = (formerNames[name] ?? name, formerNames[other] ?? other)
            (formerNames[name], formerNames[other]) = (names.1, names.0)
            note("\(name) and \(other) have each other's names")
        case 2:
            guard description.isEmpty else { return }
            files["journal/00000000000000ff.segment"] = files[name]
            note("\(name) is copied to 00000000000000ff.segment")
            isDone = true
        default:
            toBytes(of: name, in: 0..<64)
        }
    }

    private mutating func note(_ what: String) { description += (description.isEmpty ? "" : "; ") + what }
}
