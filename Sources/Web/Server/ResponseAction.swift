/// How to answer a request.
enum ResponseAction: Sendable {
    /// At once.
    case now(Response)
    /// When the work calls back: once, on any thread.
    case later(@Sendable (@escaping Deliver) -> Void)
    /// As an event stream that continues until one side closes.
    case events(LiveFeed, LiveFeed.Topic, owner: String?)

    /// Receives a response. It is made on the connection's thread, so that the caller's thread need not make it.
    typealias Deliver = @Sendable (@escaping @Sendable () -> Response) -> Void

    /// After work that takes longer than other connections of the same thread should wait.
    static func after(_ work: @escaping @Sendable () async -> Response) -> ResponseAction {
        .later { deliver in
            Task {
                let response = await work()
                deliver { response }
            }
        }
    }
}
