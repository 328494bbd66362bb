import Foundation

/// Lays out rows of text for a terminal.
package enum TextTable {
    /// Joins columns with two spaces; the first is aligned left, the others right.
    package static func text(_ rows: [[String]]) -> String {
        let columns = rows.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in
            rows.map { $0.indices.contains(column) ? $0[column].count : 0 }.max() ?? 0
        }
        return rows.map { row in
            row.enumerated().map { column, cell in
                let space = String(repeating: " ", count: widths[column] - cell.count)
                return column == 0 ? cell + space : space + cell
            }.joined(separator: "  ")
        }.joined(separator: "\n")
    }
}

extension Proportion {
    /// The share in per cent; a dash if there are no cases.
    var percent: String { total == 0 ? "–" : String(format: "%.2f %%", 100 * share) }

    /// The interval's ends in per cent.
    var percentInterval: String { total == 0 ? "" : String(format: "%.2f to %.2f", 100 * low, 100 * high) }
}
