/// Buffers for the duration of one piece of work.
final class Workspace {
    let pool: BufferPool
    private var buffers: [Storage] = []

    private init(_ pool: BufferPool) {
        self.pool = pool
    }

    /// Calls `body` with a workspace, whose buffers are from `pool` and live until it returns.
    static func use<R>(_ pool: BufferPool, _ body: (Workspace) -> R) -> R {
        let workspace = Workspace(pool)
        return withExtendedLifetime(workspace) { body(workspace) }
    }

    /// A buffer of `count` uninitialised floats.
    func take(_ count: Int) -> UnsafeMutablePointer<Float> {
        let storage = Storage(uninitialized: count, pool: pool)
        buffers.append(storage)
        return storage.base
    }
}
