import Foundation
import Testing
import apus

/// Help, versions, and arguments that are wrong.
@Suite struct HelpTests {
    /// Every command that does something.
    private static let commands = [
        "serve", "ask", "tune", "train vision", "train sft", "train reward", "train ppo", "data check", "data replay",
        "data sheet",
        "rank", "eval data", "eval easy-vqa", "eval families", "eval documents", "eval winrate", "eval reward",
        "eval text", "eval needle",
        "eval policy", "bench", "policy ship", "policy promote", "policy import", "policy rollback", "policy list",
        "policy logits", "models check", "quantize",
        "feedback compare", "feedback export", "feedback import", "keys add", "keys list", "keys remove", "health",
    ]

    @Test(arguments: commands) func everyCommandShowsAnExample(_ command: String) async {
        let help = await CommandRun(command.split(separator: " ").map(String.init) + ["--help"])
        #expect(help.code == 0 && help.error.isEmpty)
        #expect(help.output.contains("apus \(command)"))
        #expect(help.output.contains("Example"), "no example")
    }

    @Test func theCommandsAreListed() async {
        let help = await CommandRun("--help")
        #expect(help.code == 0)
        for command in Set(Self.commands.map { $0.prefix { $0 != " " } }) {
            #expect(help.output.contains("\n  \(command) "), "\(command)")
        }
        #expect(await CommandRun().output == help.output)
    }

    @Test func theVersionIsANumber() async {
        let version = await CommandRun("--version")
        #expect(version.code == 0 && version.output.first?.isNumber == true && version.error.isEmpty)
    }

    /// Each with the words that the message must have.
    @Test(arguments: [
        (["serve", "--prot", "80"], "Unknown option '--prot'"),
        (["nonsense"], "Unexpected argument 'nonsense'"),
        (["serve", "--port", "70000"], "--port takes 1 to 65535"),
        (["serve", "--kv-memory", "lots"], "--kv-memory"),
        (["serve", "--kv-type", "int4"], "int4"),
        (["serve", "--policies", "nope"], "--policies: there is no folder nope"),
        (["ask"], "image … question"),
        (["ask", "--best-of", "17", "hi"], "--best-of takes 1 to 16"),
        (["ask", "-", "-"], "standard input can be read once"),
        (["train", "sft", "--learning-rate", "1"], "--learning-rate takes 0 to 1"),
        (["train", "ppo", "--images", "0"], "--images 1 to 4096"),
        (["train", "ppo", "--kl", "sometimes"], "sometimes"),
        (["train", "reward", "--held-out-images", "0"], "--held-out-images takes at least 1"),
        (["tune", "--data", "a", "--rankings", "1"], "--rankings takes 0, or 2 to 10000"),
        (["tune", "--data", "a", "--from", "sft@0"], "--from takes a policy, or a policy and its generation"),
        (["feedback", "compare", "sft", "sft@7"], "sft and sft@7: a policy cannot be compared with itself"),
        (["rank", "--samples", "1"], "--samples takes 2 to 9"),
        (["rank", "--distractors", "4"], "--distractors takes 0 to less than --samples"),
        (["eval", "families", "--concurrency", "0"], "--concurrency takes 1 to 1024"),
        (["eval", "documents", "--split", "training"], "--split takes test or validation"),
        (["bench", "--rate", "4"], "--rate is of a load: name a server with --against"),
        (["bench", "--against", "http://127.0.0.1:1", "--images", "2"], "--images takes 0 to 1"),
        (["policy", "ship", "run", "--generation", "0"], "--generation and --vision-generation take at least 1"),
        (["policy", "ship", "run", "--generation", "1", "--metric", "a"], "--metric takes name=number, found a"),
        (["policy", "promote", "run", "--parent", "sft"], "--parent takes a policy and its generation like sft@2"),
        (["keys", "add", "me", "--scopes", "all"], "--scopes takes ask, feedback and admin, found all"),
        (["keys", "add", "me", "--expires", "soon"], "--expires takes a day like 2030-01-31, found soon"),
        (["train", "sft", "--families", "none"], "--families none and --easy-vqa none need --data"),
        (["train", "sft", "--data", "a:0.7", "--data", "b:0.7"], "together at most 1"),
        (["train", "sft", "--data", "a:2"], "a:2"),
        (["train", "sft", "--held-out", "0.2"], "--held-out is for --data"),
        (["data", "check", "a", "--held-out", "1"], "--held-out takes 0 to 0.9"),
        (["eval", "data", "a", "--tolerance", "1"], "--tolerance is for --rule number or json"),
        (["data", "sheet", "--questions", "a.png"], "--questions needs --families"),
    ])
    func wrongArgumentsAreNamed(_ arguments: [String], _ message: String) async {
        let run = await CommandRun(arguments)
        #expect(run.code == 64 && run.output.isEmpty)
        #expect(run.error.contains(message), "\(run.error)")
        #expect(run.error.contains("Usage: apus"))
    }

    /// A command that runs names itself as people call it.
    @Test func anErrorOfARunningCommandHasItsWholeName() async {
        let run = await CommandRun("feedback", "compare", "a", "b", "--data-path", "/nowhere")
        #expect(run.code == 64 && run.error.contains("Error: there is no /nowhere/feedback.sqlite"), "\(run.error)")
        #expect(run.error.contains("\nUsage: apus feedback compare ") && run.error.contains("<first> <second>"))
        #expect(run.error.contains("See 'apus feedback compare --help' for more information."))
    }

    @Test(arguments: [("", true), ("Y", true), ("yes", true), ("n", false), ("what", false), (nil, false)])
    func onlyAPersonSaysYes(_ answer: String?, _ isYes: Bool) {
        let console = Console(isInteractive: true, input: { _ in answer }, output: { _ in }, error: { _ in })
        #expect(console.confirms("begin?") == isYes)
    }
}
