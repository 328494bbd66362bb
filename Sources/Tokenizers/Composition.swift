import Foundation

/// Unicode's form NFC (Unicode standard annex 15), as the `tokenizers` library computes it: with the data of Unicode 9.
/// A scalar that is newer neither composes nor changes places with its neighbours.
enum Composition {
    /// `text` in form NFC; nil if it is in that form for sure. Bytes that are part of no character become U+FFFD.
    static func composed(_ text: ArraySlice<UInt8>) -> [UInt8]? {
        // Below U+0300 (0xCC 0x80) every scalar is in form NFC and combines with nothing before it.
        guard text.contains(where: { $0 >= 0xCC }) else { return nil }
        var scalars: [Scalar] = []
        scalars.reserveCapacity(text.count)
        for scalar in String(decoding: text, as: UTF8.self).unicodeScalars { decompose(scalar.value, into: &scalars) }
        sortMarks(&scalars)
        compose(&scalars)
        var composed = String.UnicodeScalarView()
        composed.append(contentsOf: scalars.lazy.compactMap { Unicode.Scalar($0.value) })
        return Array(String(composed).utf8)
    }

    private struct Scalar {
        var value: UInt32
        let combiningClass: UInt8
    }

    private static func decompose(_ value: UInt32, into scalars: inout [Scalar]) {
        if let syllable = Hangul.index(ofSyllable: value) {
            let trailing = syllable % 28
            scalars.append(Scalar(value: 0x1100 + syllable / 588, combiningClass: 0))
            scalars.append(Scalar(value: 0x1161 + syllable % 588 / 28, combiningClass: 0))
            if trailing > 0 { scalars.append(Scalar(value: 0x11A7 + trailing, combiningClass: 0)) }
        } else if value >= 0xC0, let parts = Tables.shared.decompositions[value] {
            for part in parts { scalars.append(Scalar(value: part, combiningClass: combiningClass(of: part))) }
        } else {
            scalars.append(Scalar(value: value, combiningClass: combiningClass(of: value)))
        }
    }

    private static func combiningClass(of value: UInt32) -> UInt8 {
        guard value >= 0x300, let scalar = Unicode.Scalar(value), isKnown(scalar) else { return 0 }
        return scalar.properties.canonicalCombiningClass.rawValue
    }

    private static func isKnown(_ scalar: Unicode.Scalar) -> Bool { (scalar.properties.age?.major ?? .max) <= 9 }

    // The marks of a run are sorted by class. Marks of one class keep the order of the text.
    private static func sortMarks(_ scalars: inout [Scalar]) {
        var start = 0
        while start < scalars.count {
            var end = start
            while end < scalars.count, scalars[end].combiningClass != 0 { end += 1 }
            if end - start > 1 {
                let run = scalars[start..<end].enumerated().sorted {
                    ($0.element.combiningClass, $0.offset) < ($1.element.combiningClass, $1.offset)
                }
                scalars.replaceSubrange(start..<end, with: run.map(\.element))
            }
            start = end + 1
        }
    }

    // A mark joins the last starter unless a mark of its class or a higher one, or a starter, stands between.
    private static func compose(_ scalars: inout [Scalar]) {
        var kept = 0
        var starter: Int?
        var lastClass: UInt8 = 0
        for index in scalars.indices {
            let scalar = scalars[index]
            if let starter, starter == kept - 1 || lastClass < scalar.combiningClass && lastClass != 0,
                let composite = composite(of: scalars[starter].value, scalar.value)
            {
                scalars[starter].value = composite
                continue
            }
            scalars[kept] = scalar
            if scalar.combiningClass == 0 { starter = kept }
            lastClass = scalar.combiningClass
            kept += 1
        }
        scalars.removeSubrange(kept...)
    }

    private static func composite(of first: UInt32, _ second: UInt32) -> UInt32? {
        if (0x1100...0x1112).contains(first), (0x1161...0x1175).contains(second) {
            return 0xAC00 + (first - 0x1100) * 588 + (second - 0x1161) * 28
        }
        if let syllable = Hangul.index(ofSyllable: first), syllable % 28 == 0, (0x11A8...0x11C2).contains(second) {
            return first + second - 0x11A7
        }
        return Tables.shared.composites[UInt64(first) << 32 | UInt64(second)]
    }

    private enum Hangul {
        static func index(ofSyllable value: UInt32) -> UInt32? {
            (0xAC00...0xD7A3).contains(value) ? value - 0xAC00 : nil
        }
    }

    /// The canonical decompositions, and the pairs that compose, from Foundation's forms of single scalars.
    private struct Tables {
        static let shared = Tables()

        private(set) var decompositions: [UInt32: [UInt32]] = [:]
        private(set) var composites: [UInt64: UInt32] = [:]

        // All blocks with scalars that decompose.
        private static let blocks: [ClosedRange<UInt32>] = [
            0xC0...0x2FFF, 0x3040...0x30FF, 0xF900...0xFB4F, 0x1_1000...0x1_1FFF, 0x1_D100...0x1_D1FF,
            0x2_F800...0x2_FA1F,
        ]

        init() {
            for value in Self.blocks.joined() {
                guard let scalar = Unicode.Scalar(value), Composition.isKnown(scalar) else { continue }
                let text = String(scalar)
                let parts = text.decomposedStringWithCanonicalMapping.unicodeScalars.map(\.value)
                guard parts != [value] else { continue }
                decompositions[value] = parts
                guard let last = parts.last, parts.count > 1,
                    text.precomposedStringWithCanonicalMapping.unicodeScalars.elementsEqual([scalar])
                else { continue }
                let rest = String(String.UnicodeScalarView(parts.dropLast().compactMap(Unicode.Scalar.init)))
                let first = rest.precomposedStringWithCanonicalMapping.unicodeScalars
                guard let only = first.first, first.count == 1 else { continue }
                composites[UInt64(only.value) << 32 | UInt64(last)] = value
            }
        }
    }
}
