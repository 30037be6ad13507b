extension Networks {
    /// Where a visitor is: the other end of the connection, or what the proxies in these networks say of it.
    ///
    /// Each proxy adds the address it was asked from at the right end, so the list is read from there as long as the
    /// addresses are those of proxies; what stands further left anybody may have written.
    ///
    /// - Parameters:
    ///   - isBelieved: the peer is one of the proxies, or whoever else may speak for others.
    ///   - plain: the hops of X-Forwarded-For.
    ///   - standard: the elements of Forwarded (RFC 7239).
    /// - Complexity: O(bytes).
    public func visitor(
        of peer: NetworkAddress, isBelieved: Bool, forwardedFor plain: [Substring], forwarded standard: [Substring]
    ) -> NetworkAddress {
        guard isBelieved || contains(peer) else { return peer }
        func visitor(_ hops: [Substring]) -> NetworkAddress {
            var visitor = peer
            for hop in hops.reversed() {
                guard let address = NetworkAddress(withPort: Array(hop.utf8).span) else { break }
                visitor = address
                if !contains(address) { break }
            }
            return visitor
        }
        let named = standard.map(Self.forValue)
        if plain.isEmpty || named.isEmpty { return visitor(plain.isEmpty ? named : plain) }
        // The proxy writes one of them, and the other may be the visitor's own invention.
        let (first, second) = (visitor(plain), visitor(named))
        return first == second ? first : peer
    }

    /// The value of `for` in one element of a Forwarded field; an element without one hides the visitor.
    private static func forValue(_ element: Substring) -> Substring {
        for pair in element.split(separator: ";") {
            let start = pair.drop { $0 == " " || $0 == "\t" }
            let pair = start.dropLast(start.reversed().prefix { $0 == " " || $0 == "\t" }.count)
            if pair.prefix(4).lowercased() == "for=" { return pair.dropFirst(4).filter { $0 != "\"" }[...] }
        }
        return ""
    }
}
