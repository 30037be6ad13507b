extension Networks {
    /// The visitor's address: the peer of the connection, or what trusted proxies say.
    ///
    /// Each proxy appends the address of its client at the right end. So the list is read from the right as long as the
    /// addresses are those of proxies. Anybody may have written what is further left.
    ///
    /// - Parameters:
    ///   - isBelieved: True if the peer is a trusted proxy, or may speak for others in some other way.
    ///   - plain: The hops of X-Forwarded-For.
    ///   - standard: The elements of Forwarded (RFC 7239).
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
        // The proxy writes one of them. The other may be made up by the visitor.
        let (first, second) = (visitor(plain), visitor(named))
        return first == second ? first : peer
    }

    /// The value of `for` in one element of a Forwarded field. An element without one hides the visitor.
    private static func forValue(_ element: Substring) -> Substring {
        for pair in element.split(separator: ";") {
            let start = pair.drop { $0 == " " || $0 == "\t" }
            let pair = start.dropLast(start.reversed().prefix { $0 == " " || $0 == "\t" }.count)
            if pair.prefix(4).lowercased() == "for=" { return pair.dropFirst(4).filter { $0 != "\"" }[...] }
        }
        return ""
    }
}
