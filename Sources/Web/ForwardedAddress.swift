import NIOHTTP1
import Wire

extension Request {
    /// Where the visitor is: the other end of the connection, or what the proxies we believe say of it.
    ///
    /// Each proxy adds the address it was asked from at the right end, so the list is read from there as long as the
    /// addresses are those of proxies; what stands further left anybody may have written.
    func visitor(behind proxies: Networks) -> NetworkAddress {
        let peerAddress = peer.address ?? .v4(0x7f00_0001)
        // Whoever may use the owner's socket is believed.
        guard peer.isLocal || proxies.contains(peerAddress) else { return peerAddress }
        func visitor(_ hops: [Substring]) -> NetworkAddress {
            var visitor = peerAddress
            for hop in hops.reversed() {
                guard let address = NetworkAddress(withPort: Array(hop.utf8).span) else { break }
                visitor = address
                if !proxies.contains(address) { break }
            }
            return visitor
        }
        let plain = head.headers[canonicalForm: "X-Forwarded-For"]
        let standard = head.headers[canonicalForm: "Forwarded"].compactMap(Self.forValue)
        if plain.isEmpty || standard.isEmpty { return visitor(plain.isEmpty ? standard : plain) }
        // The proxy writes one of them, and the other may be the visitor's own invention.
        let (first, second) = (visitor(plain), visitor(standard))
        return first == second ? first : peerAddress
    }

    /// The value of `for` in one element of a Forwarded field (RFC 7239); an element without one hides the visitor.
    private static func forValue(_ element: Substring) -> Substring? {
        for pair in element.split(separator: ";") {
            let pair = pair.trimmed
            if pair.prefix(4).lowercased() == "for=" { return pair.dropFirst(4).filter { $0 != "\"" }[...] }
        }
        return ""
    }
}

extension Substring {
    fileprivate var trimmed: Substring {
        let start = drop { $0 == " " || $0 == "\t" }
        return start.dropLast(start.reversed().prefix { $0 == " " || $0 == "\t" }.count)
    }
}
