import Foundation
import Support

/// The metrics of a log that are drawn into one file.
public struct MetricPlot: Sendable, Equatable {
    /// The file's name in the run folder.
    public var file: String
    /// The title above the curves.
    public var title: String
    /// The names of the metrics; a name that ends with `*` stands for all names with that beginning.
    public var names: [String]

    /// A plot of the metrics `names`.
    public init(file: String, title: String, names: [String]) {
        self.file = file
        self.title = title
        self.names = names
    }

    func shows(_ name: String) -> Bool {
        names.contains { $0.hasSuffix("*") ? name.hasPrefix($0.dropLast()) : name == $0 }
    }
}

/// A plot of a few curves over a common axis of steps, written as a self-contained SVG.
public struct LinePlot: Sendable {
    /// One curve.
    public struct Series: Sendable {
        /// Its name in the legend.
        public var name: String
        /// Points in ascending order of x; points that are not finite are left out.
        public var points: [(x: Double, y: Double)]

        /// A curve through `points`.
        public init(name: String, points: [(x: Double, y: Double)]) {
            self.name = name
            self.points = points.filter { $0.x.isFinite && $0.y.isFinite }
        }
    }

    private static let colors = [
        "#0b6e99", "#c0392b", "#2e7d32", "#8e44ad", "#b9770e", "#ec407a", "#455a64", "#26a69a", "#795548",
    ]
    private static let legendColumns = 3
    private static let frame = (left: 64.0, top: 40.0, width: 620.0, height: 300.0)

    private let title: String
    private let series: [Series]

    /// A plot of `series` under `title`.
    public init(title: String, series: [Series]) {
        self.title = title
        self.series = series.filter { !$0.points.isEmpty }
    }

    /// The plot as SVG, 720 units wide and 400 high, higher if the legend has more than one line.
    public var svg: String {
        let height = 400 + 18 * max(0, (series.count - 1) / Self.legendColumns)
        let x = Axis(values: series.flatMap { $0.points.map(\.x) })
        let y = Axis(values: series.flatMap { $0.points.map(\.y) })
        var lines = [
            #"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 \#(height)" font-family="sans-serif" font-size="12">"#,
            #"<rect width="720" height="\#(height)" fill="white"/>"#,
            #"<text x="64" y="24" font-size="15">\#(title.escapedAsMarkup)</text>"#,
        ]
        lines += x.ticks.map { grid(at: $0, horizontal: false, x, y) }
        lines += y.ticks.map { grid(at: $0, horizontal: true, x, y) }
        for (index, one) in series.enumerated() {
            lines += curve(one, Self.colors[index % Self.colors.count], index, x, y)
        }
        return (lines + ["</svg>"]).joined(separator: "\n") + "\n"
    }

    private func coordinates(_ point: (x: Double, y: Double), _ x: Axis, _ y: Axis) -> String {
        let left = Self.frame.left + x.fraction(point.x) * Self.frame.width
        let top = Self.frame.top + (1 - y.fraction(point.y)) * Self.frame.height
        return String(format: "%.1f,%.1f", left, top)
    }

    private func grid(at value: Double, horizontal: Bool, _ x: Axis, _ y: Axis) -> String {
        let ends =
            horizontal
            ? [(x: x.lower, y: value), (x: x.upper, y: value)] : [(x: value, y: y.lower), (x: value, y: y.upper)]
        let line = ends.map { coordinates($0, x, y) }.joined(separator: " ")
        let corner = coordinates(ends[0], x, y).split(separator: ",")
        let text =
            horizontal
            ? #"<text x="58" y="\#(corner[1])" text-anchor="end" dy="4">"#
            : #"<text x="\#(corner[0])" y="358" text-anchor="middle">"#
        return #"<polyline points="\#(line)" stroke="lightgray" fill="none"/>"# + text + Self.label(value) + "</text>"
    }

    private func curve(_ one: Series, _ color: String, _ index: Int, _ x: Axis, _ y: Axis) -> [String] {
        let points = one.points.map { coordinates($0, x, y) }.joined(separator: " ")
        let (line, column) = index.quotientAndRemainder(dividingBy: Self.legendColumns)
        return [
            #"<polyline points="\#(points)" stroke="\#(color)" stroke-width="1.5" fill="none"/>"#,
            #"<text x="\#(80 + 205 * column)" y="\#(386 + 18 * line)" fill="\#(color)">\#(one.name.escapedAsMarkup)</text>"#,
        ]
    }

    private static func label(_ value: Double) -> String { String(format: "%.6g", value) }

    /// The range of one axis and the round numbers of its ticks.
    private struct Axis {
        let lower: Double
        let upper: Double
        let ticks: [Double]

        init(values: [Double]) {
            let lowest = values.min() ?? 0
            let highest = values.max() ?? 1
            let room = highest > lowest ? highest - lowest : 1
            let power = pow(10, (log10(room / 5)).rounded(.down))
            let step = ([1.0, 2, 5, 10].first { $0 * power * 6 >= room } ?? 10) * power
            let first = (lowest / step).rounded(.down)
            let last = max(first + 1, (highest / step).rounded(.up))
            self.lower = first * step
            self.upper = last * step
            self.ticks = (0...Int(last - first)).map { (first + Double($0)) * step }
        }

        func fraction(_ value: Double) -> Double { (value - lower) / (upper - lower) }
    }
}
