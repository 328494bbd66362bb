public import Evaluation
public import Models
public import Policies
public import Serving
public import Tensors
public import Training

extension TuneJob {
    /// Where things come from and go to.
    public struct Inputs {
        /// The base model.
        public var baseModel: ModelCheckpoint
        /// The person's examples, a file or a folder.
        public var data: String
        /// The policy to start from.
        public var start: PolicyManifest.Reference
        /// All policies, and the folder to publish into.
        public var library: PolicyLibrary
        /// The name to publish under.
        public var name: String
        /// The rules of the gate.
        public var rules: PolicyRules
        /// When an answer is right; nil for the rule that fits the data.
        public var rule: AnswerRule?
        /// The folder of easy-VQA; nil to leave its images out. A policy that reads text does not see them.
        public var easyVQA: String?
        /// The fonts and words of documents, which a policy that reads text sees.
        public var drawing: DrawingMaterials
        /// Texts of the base model; nil to leave text out.
        public var replay: String?
        /// Rankings by people to collect and learn from; 0 for none, else at least 2. It may differ from call to call.
        public var rankings = 0
        /// The data folder that keeps rankings and images.
        public var dataFolder: String

        /// The given inputs, without easy-VQA, texts and rankings.
        public init(
            baseModel: ModelCheckpoint, data: String, start: PolicyManifest.Reference, library: PolicyLibrary,
            name: String, rules: PolicyRules, drawing: DrawingMaterials, dataFolder: String
        ) {
            self.baseModel = baseModel
            self.data = data
            self.start = start
            self.library = library
            self.name = name
            self.rules = rules
            self.drawing = drawing
            self.dataFolder = dataFolder
        }
    }

    /// A policy with the vision generation that it names.
    public struct SeeingPolicy {
        let policy: PolicyFolder
        let vision: PolicyFolder?
        /// Whether it reads the text in images.
        public let readsText: Bool

        /// Opens a generation of a library.
        public init(_ reference: PolicyManifest.Reference, in library: PolicyLibrary, backbone: String) throws {
            policy = try library.open(reference.name, generation: reference.generation, backbone: backbone)
            vision = try policy.manifest.vision.map {
                try library.open($0.name, generation: $0.generation, backbone: backbone)
            }
            let encoder = try vision?.file(PolicyFiles.vision).map { try VisionWeights(path: $0) }
            readsText = encoder?.configuration.readsText ?? false
        }
    }

    /// What the stages run on.
    public struct Machine {
        /// Kernels and threads of training.
        public var compute: Compute
        /// The precision of the frozen products of training.
        public var precision: Precision
        /// Loads the base model with the policies of a library, to measure and to serve.
        public var load: (PolicyLibrary) throws -> (model: ServedModel, decoder: TransformerDecoder)
        /// The address of the page on which people rank.
        public var server: ServerConfiguration
        /// Prints a line when a stage begins or ends.
        public var report: @Sendable (String) -> Void
        /// Shows a line of a training's progress.
        public var progress: @Sendable (String) -> Void
        /// Receives the number of answers of a measurement so far, and their total.
        public var answers: @Sendable (_ done: Int, _ total: Int) -> Void

        /// The given machine.
        public init(
            compute: Compute, precision: Precision,
            load: @escaping (PolicyLibrary) throws -> (model: ServedModel, decoder: TransformerDecoder),
            server: ServerConfiguration, report: @escaping @Sendable (String) -> Void,
            progress: @escaping @Sendable (String) -> Void,
            answers: @escaping @Sendable (_ done: Int, _ total: Int) -> Void
        ) {
            self.compute = compute
            self.precision = precision
            self.load = load
            self.server = server
            self.report = report
            self.progress = progress
            self.answers = answers
        }
    }

    /// How a run ended.
    public enum Outcome: Sendable, Equatable {
        /// The last policy passed the gate and is published.
        case published(PolicyManifest.Reference)
        /// A rule failed in the stage; earlier stages stay published.
        case refused(stage: TrainedStage)
    }
}
