import ArgumentParser
import Checkpoints
import Engine
import Foundation
import Models
import Policies
import Tokenizers

/// Publishes an adapter that was trained elsewhere.
struct ImportPolicy: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Publish an adapter in PEFT's format as a policy. Rank, modules, shapes and base model are checked; "
            + "the answers are not.",
        discussion: "Example: apus policy import adapter/ --name mine --generation 1")

    @Argument(help: "The folder with adapter_config.json and adapter_model.safetensors.")
    var folder: String

    @Option(
        help: ArgumentHelp(
            "The base model, a GGUF file. Default: the file that `make build` fetches.", valueName: "file"))
    var model = Cache.model

    @Option(help: "The base model that the adapter's configuration must name, if it names one.")
    var base = "SmolLM2-135M-Instruct"

    @OptionGroup var library: LibraryOptions

    @Option(help: "The policy's name.")
    var name: String

    @Option(help: "The policy's generation, 1 or more.")
    var generation: Int

    @Option(
        help: "The chat template: chatml; smollm2, which adds a default system turn; or model, the base model's own.")
    var template = "chatml"

    @Option(help: "The vision generation that it was trained with, in either folder. Default: the newest one.")
    var visionGeneration: Int?

    @Flag(help: "The policy reads text only: requests with an image are refused.")
    var textOnly = false

    @Option(help: "Its default temperature, 0 to 2. Default: the server's.")
    var temperature: Double?

    func validate() throws {
        if generation < 1 || visionGeneration ?? 1 < 1 {
            throw ValidationError("--generation and --vision-generation take at least 1")
        }
        guard Self.templates.contains(template) else {
            throw ValidationError(
                "--template takes \(Self.templates.joined(separator: " or ")), found \(template)")
        }
        if textOnly, visionGeneration != nil {
            throw ValidationError("--text-only and --vision-generation exclude each other")
        }
        if let temperature, !(0...2).contains(temperature) { throw ValidationError("--temperature takes 0 to 2") }
        if PolicyRole(rawValue: name)?.isPublishable == false {
            throw ValidationError("--name \(name) is taken: an adapter alone is a policy that answers")
        }
    }

    func run() throws {
        let checkpoint = try ModelCheckpoint(path: model)
        let adapter = try ImportedAdapter(folder: folder, for: checkpoint.decoder.configuration, base: base)
        var publication = ImportedAdapter.Publication(name: name, generation: generation)
        publication.template = ChatTemplate.Name(rawValue: template) ?? publication.template
        let library = try self.library.recovered()
        let newest = try library.generations()[PolicyRole.vision.name]?.last
        let seesAsBase = publication.template == .model && checkpoint.vision != nil && visionGeneration == nil
        if seesAsBase, textOnly {
            throw ValidationError("--text-only: a policy with the base model's template sees as the base model does")
        }
        publication.vision = textOnly || seesAsBase ? nil : visionGeneration ?? newest
        publication.temperature = temperature
        let published = try adapter.publish(
            publication, in: self.library.into, library: library, backbone: checkpoint.digest.sha256)
        say("published \(published.path)")
        if seesAsBase { return say("\(name) sees with the base model's own vision") }
        guard let vision = publication.vision else {
            let reason = textOnly ? "--text-only" : "there is no vision generation in either folder"
            say("WARNING: \(name) is blind: \(reason)")
            return
        }
        say("\(name) sees with vision generation \(vision)\(visionGeneration == nil ? ", the newest one" : "")")
    }

    private static let templates = ChatTemplate.Name.allCases.map(\.rawValue)
}
