/// Buffers for the duration of one piece of work.
final class Workspace {
    private var buffers: [Storage] = []

    /// Calls `body` with a workspace, whose buffers live until it returns.
    static func use<R>(_ body: (Workspace) -> R) -> R {
        let workspace = Workspace()
        return withExtendedLifetime(workspace) { body(workspace) }
    }

    /// A buffer of `count` uninitialised floats.
    func take(_ count: Int) -> UnsafeMutablePointer<Float> {
        let storage = Storage(uninitialized: count)
        buffers.append(storage)
        return storage.base
    }
}
