import CResources

/// A list in `Lists`, built into the program: text with one entry a line. Lines that begin with `#` name the origin.
enum TextList {
    /// The entries of a list, in its order.
    ///
    /// - Complexity: O(bytes).
    static func entries(of list: Resource) -> [[UInt8]] {
        let bytes = (0..<cr_size(list)).map { cr_byte(list, $0) }
        return bytes.split(separator: UInt8(ascii: "\n")).filter { $0.first != UInt8(ascii: "#") }.map(Array.init)
    }
}
