/// What settings ask of a machine's time zones.
public struct TimeZones: Sendable {
    /// The machine's own, which is that of a site that names none.
    public var machine: String
    /// The machine knows a zone of this name.
    public var contains: @Sendable (String) -> Bool

    /// A machine in one of these zones.
    public init(machine: String, contains: @escaping @Sendable (String) -> Bool) {
        self.machine = machine
        self.contains = contains
    }
}
