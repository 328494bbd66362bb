import ArgumentParser
import Training

/// A user's own data in a training run.
struct OwnDataOptions: ParsableArguments {
    @Option(
        name: .customLong("data"),
        help: ArgumentHelp(
            "Images and questions of your own, for fine-tuning with answers: a file or a folder, with its share of each "
                + "step's images. Repeatable.",
            discussion: "Without weights, own data have half of each step. Formats: docs/own-data.md.",
            valueName: "path[:weight]"))
    var data: [OwnDataOption] = []

    @Option(
        help: ArgumentHelp(
            "The share of your own images that is kept to measure on, 0 to 0.9. Default: 0.1.", valueName: "share"))
    var heldOut: Double?

    func validate() throws {
        if data.isEmpty, heldOut != nil { throw ValidationError("--held-out is for --data: name your own data") }
        if let heldOut, !(0...0.9).contains(heldOut) { throw ValidationError("--held-out takes 0 to 0.9") }
        if OwnDataOption.weights(of: data).reduce(0, +) > OwnDataSettings.whole {
            throw ValidationError("the weights of --data are shares of a step: together at most 1")
        }
    }

    /// How the data take part; nil if there are none.
    var settings: OwnDataSettings? {
        if data.isEmpty { return nil }
        var settings = OwnDataSettings(weights: OwnDataOption.weights(of: data))
        if let heldOut { settings.heldOutShare = heldOut }
        return settings
    }
}

/// A user's own data, with its share of each step's images.
struct OwnDataOption: ExpressibleByArgument {
    let path: String
    /// From 0.001 to 1; nil if none was given.
    let weight: Double?

    init?(argument: String) {
        guard let colon = argument.lastIndex(of: ":"), let weight = Double(argument[argument.index(after: colon)...])
        else {
            (path, weight) = (argument, nil)
            return
        }
        guard (0.001...1).contains(weight), colon > argument.startIndex else { return nil }
        (path, self.weight) = (String(argument[..<colon]), weight)
    }

    /// The weights in thousandths. Data without a weight share half of a step.
    static func weights(of data: [OwnDataOption]) -> [Int] {
        let unweighted = data.count { $0.weight == nil }
        return data.map { Int((1_000 * ($0.weight ?? 0.5 / Double(unweighted))).rounded()) }.map { max(1, $0) }
    }
}
