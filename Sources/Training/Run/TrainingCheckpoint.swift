import Checkpoints
import Foundation
import Models
import Tensors

/// The state from which a run resumes as if it had never stopped: weights, Adam's moments, the number of steps, and the
/// stage's own state.
///
/// The checkpoint is one safetensors file in fp32: `weight.NAME`, `first.NAME`, `second.NAME`, `further.NAME`; its
/// metadata holds steps and state.
struct TrainingCheckpoint: Sendable {
    var step: Int
    var parameters: ParameterSet
    var first: ParameterSet
    var second: ParameterSet
    var further: ParameterSet
    var updates: Int
    var state: [String: String]

    func write(to path: String) throws {
        var tensors: [String: Tensor] = [:]
        for (prefix, set) in [
            ("weight", parameters), ("first", first), ("second", second), ("further", further),
        ] {
            for (name, tensor) in zip(set.names, set.tensors) { tensors["\(prefix).\(name)"] = tensor }
        }
        var metadata = ["step": "\(step)", "updates": "\(updates)"]
        for (name, value) in state { metadata["state.\(name)"] = value }
        try SafetensorsFile.write(tensors, as: .float32, metadata: metadata, to: path)
    }

    /// Reads a checkpoint whose parameters and further tensors have the names and shapes of `expected` and `further`.
    init(path: String, expected: ParameterSet, further: ParameterSet) throws {
        let file = try SafetensorsFile(path: path)
        func number(_ name: String) throws -> Int {
            guard let text = file.metadata[name], let value = Int(text), value >= 0 else {
                throw RunFolderError.checkpoint(path: path, reason: "the metadata hold no \(name)")
            }
            return value
        }
        func set(_ prefix: String, like expected: ParameterSet) throws -> ParameterSet {
            ParameterSet(
                try zip(expected.names, expected.tensors).map { name, tensor in
                    let found = try file.tensor("\(prefix).\(name)")
                    guard found.shape == tensor.shape else {
                        throw RunFolderError.checkpoint(
                            path: path, reason: "\(prefix).\(name) is \(found.shape), expected \(tensor.shape)")
                    }
                    return (name, found)
                })
        }
        step = try number("step")
        updates = try number("updates")
        parameters = try set("weight", like: expected)
        first = try set("first", like: expected)
        second = try set("second", like: expected)
        self.further = try set("further", like: further)
        state = [:]
        for (name, value) in file.metadata where name.hasPrefix("state.") { state[String(name.dropFirst(6))] = value }
    }

    init(
        step: Int, parameters: ParameterSet, first: ParameterSet, second: ParameterSet, further: ParameterSet,
        updates: Int, state: [String: String]
    ) {
        self.step = step
        self.parameters = parameters
        self.first = first
        self.second = second
        self.further = further
        self.updates = updates
        self.state = state
    }
}
