import Counting

extension Span<UInt8> {
    /// The first place of `byte` from `start`, or the end. 16 bytes at a time.
    @inline(__always)
    func first(of byte: UInt8, from start: Int) -> Int {
        var i = start
        while i &+ 16 <= count {
            let found = words(vector(at: i) .== SIMD16<UInt8>(repeating: byte))
            if found[0] != 0 { return i &+ found[0].trailingZeroBitCount &>> 3 }
            if found[1] != 0 { return i &+ 8 &+ found[1].trailingZeroBitCount &>> 3 }
            i &+= 16
        }
        while i < count, self[i] != byte { i &+= 1 }
        return i
    }
}
