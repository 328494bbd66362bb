/// The addresses of tensors' elements, for calls of the C kernels. They are valid inside the closures only.
typealias Elements = UnsafePointer<Float>
typealias MutableElements = UnsafeMutablePointer<Float>

extension Tensor {
    func withPointer<R>(_ body: (Elements) -> R) -> R {
        // Storage has an address even without elements.
        withUnsafeElements { body($0.baseAddress.unsafelyUnwrapped) }
    }

    mutating func withMutablePointer<R>(_ body: (MutableElements) -> R) -> R {
        withUnsafeMutableElements { body($0.baseAddress.unsafelyUnwrapped) }
    }
}

func withPointers<R>(_ a: Tensor, _ b: Tensor, _ body: (Elements, Elements) -> R) -> R {
    a.withPointer { a in b.withPointer { b in body(a, b) } }
}

func withPointers<R>(_ a: Tensor, _ b: Tensor, _ c: Tensor, _ body: (Elements, Elements, Elements) -> R) -> R {
    withPointers(a, b) { a, b in c.withPointer { c in body(a, b, c) } }
}

func withPointers<R>(
    _ a: Tensor, _ b: Tensor, _ c: Tensor, _ d: Tensor, _ body: (Elements, Elements, Elements, Elements) -> R
) -> R {
    withPointers(a, b) { a, b in withPointers(c, d) { c, d in body(a, b, c, d) } }
}

func withMutablePointers<R>(
    _ a: inout Tensor, _ b: inout Tensor, _ body: (MutableElements, MutableElements) -> R
) -> R {
    a.withMutablePointer { a in b.withMutablePointer { b in body(a, b) } }
}
