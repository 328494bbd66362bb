/// Which metrics of a log are drawn into one file.
public struct MetricPlot: Sendable, Equatable {
    /// The file's name in the run folder.
    public var file: String
    /// What stands above the curves.
    public var title: String
    /// Names of metrics; one that ends with `*` stands for all that begin so.
    public var names: [String]

    /// A plot of the metrics called `names`.
    public init(file: String, title: String, names: [String]) {
        self.file = file
        self.title = title
        self.names = names
    }

    func shows(_ name: String) -> Bool {
        names.contains { $0.hasSuffix("*") ? name.hasPrefix($0.dropLast()) : name == $0 }
    }
}
