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
