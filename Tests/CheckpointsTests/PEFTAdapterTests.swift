import Checkpoints
import Foundation
import Tensors
import TestSupport
import Testing

@Suite struct PEFTAdapterTests {
    private static let modules = ["down_proj", "gate_proj", "k_proj", "o_proj", "q_proj", "up_proj", "v_proj"]

    @Test func anAdapterSavedByPEFTIsRead() throws {
        let folder = try fixtureURL("adapter").path
        let adapter = try PEFTAdapter(folder: folder)
        #expect(adapter.rank == 4 && adapter.alpha == 8 && adapter.layers == 2)
        #expect(adapter.targetModules == Self.modules)
        let down = try #require(adapter.pairs[.init(layer: 1, module: "down_proj")])
        #expect(down.a.shape == [4, 96] && down.b.shape == [64, 4])
        let file = try SafetensorsFile(path: "\(folder)/adapter_model.safetensors")
        let name = "base_model.model.model.layers.1.mlp.down_proj.lora_B.weight"
        #expect(try down.b.elements == file.tensor(name).elements)
        #expect(down.b.elements.contains { $0 != 0 })
    }

    @Test func bfloat16IsRead() throws {
        let adapter = try PEFTAdapter(folder: fixtureURL("adapter-bf16").path)
        #expect(adapter.rank == 2 && adapter.alpha == 6 && adapter.targetModules == ["q_proj", "v_proj"])
        let values = try #require(adapter.pairs[.init(layer: 0, module: "v_proj")]).a.elements
        #expect(values.allSatisfy { $0.bitPattern & 0xFFFF == 0 } && values.contains { $0 != 0 })
    }

    @Test func whatIsWrittenIsRead() throws {
        let adapter = try PEFTAdapter(folder: fixtureURL("adapter").path)
        try withTemporaryFolder { folder throws in
            try adapter.write(to: folder.path, as: .float32)
            let read = try PEFTAdapter(folder: folder.path)
            #expect(read.rank == adapter.rank && read.alpha == adapter.alpha)
            #expect(read.pairs.keys == adapter.pairs.keys)
            for (key, pair) in adapter.pairs {
                #expect(read.pairs[key]?.a.elements == pair.a.elements)
                #expect(read.pairs[key]?.b.elements == pair.b.elements)
            }
            let original = try names(fixtureURL("adapter/adapter_model.safetensors").path)
            #expect(try names("\(folder.path)/adapter_model.safetensors") == original)
        }
    }

    private func names(_ path: String) throws -> Set<String> {
        try Set(SafetensorsFile(path: path).entries.keys)
    }

    /// Copies the fixture, replaces `old` in its configuration by `new`, and gives the error that reading it throws.
    private func error(replacing old: String, by new: String) throws -> PEFTError? {
        try withTemporaryFolder { folder throws in
            for name in ["adapter_config.json", "adapter_model.safetensors"] {
                try FileManager.default.copyItem(
                    at: fixtureURL("adapter/\(name)"), to: folder.appendingPathComponent(name))
            }
            let url = folder.appendingPathComponent("adapter_config.json")
            let text = try String(contentsOf: url, encoding: .utf8)
            try #require(text.contains(old))
            try text.replacingOccurrences(of: old, with: new).write(to: url, atomically: false, encoding: .utf8)
            return #expect(throws: PEFTError.self) { try PEFTAdapter(folder: folder.path) }
        }
    }

    @Test(arguments: [
        ("use_dora", #""use_dora": false"#, #""use_dora": true"#),
        ("use_rslora", #""use_rslora": false"#, #""use_rslora": true"#),
        ("lora_bias", #""lora_bias": false"#, #""lora_bias": true"#),
        ("bias", #""bias": "none""#, #""bias": "all""#),
        ("peft_type", #""peft_type": "LORA""#, #""peft_type": "LOHA""#),
        ("task_type", #""task_type": "CAUSAL_LM""#, #""task_type": "SEQ_CLS""#),
        ("modules_to_save", #""modules_to_save": null"#, #""modules_to_save": ["lm_head"]"#),
        ("rank_pattern", #""rank_pattern": {}"#, #""rank_pattern": {"q_proj": 2}"#),
        ("alpha_pattern", #""alpha_pattern": {}"#, #""alpha_pattern": {"q_proj": 2}"#),
        ("layers_to_transform", #""layers_to_transform": null"#, #""layers_to_transform": [0]"#),
        ("target_modules", #""k_proj""#, #""lm_head""#),
        ("use_tomorrow", #""use_dora": false"#, #""use_tomorrow": 1"#),
    ])
    func whatWeDoNotComputeIsNamed(field: String, old: String, new: String) throws {
        let error = try error(replacing: old, by: new)
        guard case .unsupported(_, field, _, _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test(arguments: [
        ("r:", #""r": 4"#, #""r": 0"#), ("r", #""r": 4"#, #""r": "four""#), ("r", #""r": 4,"#, ""),
        ("lora_alpha", #""lora_alpha": 8"#, #""lora_alpha": null"#),
        ("target_modules", #""q_proj","#, #"1,"#), ("", #""use_dora": false,"#, "}"),
    ])
    func brokenConfigurationsAreRefused(field: String, old: String, new: String) throws {
        let error = try error(replacing: old, by: new)
        guard case .badConfiguration(_, let reason) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(reason.hasPrefix(field))
    }

    @Test func tensorsMustBeThoseThatTheConfigurationAsksFor() throws {
        let wrongRank = try error(replacing: #""r": 4"#, by: #""r": 2"#)
        guard case .weights(.wrongShape(_, _, let expected, let found)) = wrongRank else {
            Issue.record("\(String(describing: wrongRank))")
            return
        }
        #expect(expected.contains(2) && found.contains(4) && expected != found)
        let unknown = try error(replacing: "\"k_proj\",\n", by: "")
        guard case .unknownTensor(_, let name) = unknown else {
            Issue.record("\(String(describing: unknown))")
            return
        }
        #expect(name.contains("k_proj"))
    }

    @Test(arguments: ["lora_A", "lora_B"]) func aPairThatMissesAFactorIsRefused(factor: String) throws {
        let name = "base_model.model.model.layers.1.self_attn.o_proj.\(factor).weight"
        let error = try error { $0[name] = nil }
        guard case .missingTensor(_, name) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test func aLayerWithoutItsPairIsRefused() throws {
        let prefix = "base_model.model.model.layers.0.mlp.up_proj"
        let error = try error { tensors in
            tensors["\(prefix).lora_A.weight"] = nil
            tensors["\(prefix).lora_B.weight"] = nil
        }
        guard case .missingTensor(_, "base_model.model.model.layers.0.mlp.up_proj.lora_A.weight") = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test(arguments: [
        "base_model.model.model.embed_tokens.weight", "base_model.model.model.layers.0.mlp.q_proj.lora_A.weight",
        "base_model.model.model.layers.00.self_attn.q_proj.lora_A.weight", "x",
        "base_model.model.model.layers.-1.self_attn.q_proj.lora_A.weight",
        "base_model.model.model.layers.99999999999.self_attn.q_proj.lora_A.weight",
        "base_model.model.model.layers.0.self_attn.q_proj.lora_A.default.weight",
    ])
    func otherTensorsAreRefused(name: String) throws {
        let error = try error { $0[name] = Tensor(zeros: [4, 64]) }
        guard case .unknownTensor(_, name) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    /// The error that the fixture gives after `change` of its tensors.
    private func error(_ change: (inout [String: Tensor]) -> Void) throws -> PEFTError? {
        let file = try SafetensorsFile(path: fixtureURL("adapter/adapter_model.safetensors").path)
        var tensors: [String: Tensor] = [:]
        for name in file.entries.keys { tensors[name] = try file.tensor(name) }
        change(&tensors)
        return try withTemporaryFolder { folder throws in
            try FileManager.default.copyItem(
                at: fixtureURL("adapter/adapter_config.json"), to: folder.appendingPathComponent("adapter_config.json"))
            try SafetensorsFile.write(tensors, as: .float32, to: "\(folder.path)/adapter_model.safetensors")
            return #expect(throws: PEFTError.self) { try PEFTAdapter(folder: folder.path) }
        }
    }
}
