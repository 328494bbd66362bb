import Evaluation
import Foundation
import Policies
import Promotion
import TestSupport

/// The rules that come with the program.
func shippedRules(file: String = #filePath) throws -> PolicyRules {
    let root = URL(fileURLWithPath: file).deletingLastPathComponent().appendingPathComponent("../..").standardized
    return try PolicyRules(path: root.appendingPathComponent("Deploy/policy-rules.json").path)
}

extension EvaluatedPolicy {
    /// A policy whose digests are made of its name.
    static func scripted(_ name: String) -> EvaluatedPolicy {
        EvaluatedPolicy(name: name, generation: 1, digests: .scripted(name))
    }
}
