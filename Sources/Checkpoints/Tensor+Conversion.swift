import Tensors

// Conversions from the number formats of files. `bytes` holds exactly the elements of `shape`.
extension Tensor {
    init(littleEndianFloats bytes: UnsafeRawBufferPointer, shape: [Int]) {
        self.init(zeros: shape)
        withUnsafeMutableElements { elements in
            UnsafeMutableRawBufferPointer(elements).copyMemory(from: bytes)
        }
    }

    init(halves bytes: UnsafeRawBufferPointer, shape: [Int]) {
        self.init(zeros: shape)
        withUnsafeMutableElements { elements in
            for index in elements.indices { elements[index] = Float(bytes.half(at: 2 * index)) }
        }
    }

    init(bfloats bytes: UnsafeRawBufferPointer, shape: [Int]) {
        self.init(zeros: shape)
        withUnsafeMutableElements { elements in
            for index in elements.indices {
                let upper = UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: 2 * index, as: UInt16.self))
                elements[index] = Float(bitPattern: UInt32(upper) << 16)
            }
        }
    }

    init(blocks bytes: UnsafeRawBufferPointer, of type: GGUFTensorType, shape: [Int]) {
        self.init(zeros: shape)
        withUnsafeMutableElements { elements in
            for block in 0..<elements.count / 32 {
                let source = UnsafeRawBufferPointer(
                    rebasing: bytes[block * type.blockBytes..<(block + 1) * type.blockBytes])
                let target = UnsafeMutableBufferPointer(rebasing: elements[block * 32..<(block + 1) * 32])
                type.expand(source, into: target)
            }
        }
    }
}

extension GGUFTensorType {
    /// Expands one block of a quantised format to 32 floats.
    fileprivate func expand(_ block: UnsafeRawBufferPointer, into target: UnsafeMutableBufferPointer<Float>) {
        let scale = Float(block.half(at: 0))
        if self == .q8_0 {
            for index in 0..<32 { target[index] = scale * Float(Int8(bitPattern: block[2 + index])) }
            return
        }
        let minimum = self == .q4_1 ? Float(block.half(at: 2)) : -8 * scale
        let start = blockBytes - 16
        for index in 0..<16 {
            target[index] = scale * Float(block[start + index] & 15) + minimum
            target[16 + index] = scale * Float(block[start + index] >> 4) + minimum
        }
    }
}

extension UnsafeRawBufferPointer {
    fileprivate func half(at offset: Int) -> Float16 {
        Float16(bitPattern: UInt16(littleEndian: loadUnaligned(fromByteOffset: offset, as: UInt16.self)))
    }
}
