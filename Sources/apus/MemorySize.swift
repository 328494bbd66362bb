import ArgumentParser

/// A number of bytes as people write it: `512MiB`, `2GiB`, or bytes alone.
struct MemorySize: ExpressibleByArgument {
    let bytes: Int

    init(bytes: Int) {
        self.bytes = bytes
    }

    /// As it would be written.
    var defaultValueDescription: String {
        for (unit, shift) in [("GiB", 30), ("MiB", 20), ("KiB", 10)] where bytes % (1 << shift) == 0 {
            return "\(bytes >> shift)\(unit)"
        }
        return "\(bytes)"
    }

    init?(argument: String) {
        let digits = argument.prefix(while: \.isASCIIDigit)
        let units = ["": 0, "KiB": 10, "MiB": 20, "GiB": 30]
        guard let number = Int(digits), let shift = units[String(argument.dropFirst(digits.count))] else { return nil }
        let (bytes, overflows) = number.multipliedReportingOverflow(by: 1 << shift)
        guard !overflows, bytes > 0 else { return nil }
        self.bytes = bytes
    }
}

extension Character {
    fileprivate var isASCIIDigit: Bool { isASCII && isNumber }
}
