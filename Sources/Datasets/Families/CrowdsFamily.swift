import Support

/// Four to six different objects at once; `descriptions` has three different objects or fewer. The default mix of
/// demonstrations contains no crowds: to name every object, and none twice, is what rankings teach.
enum CrowdsFamily {
    static let wordings = DescriptionsFamily.wordings

    static func image(seed: UInt64) -> FamilyImage {
        var generator = SplitMix64(seed: seed)
        let rules = HeldOutRules(SeedSplit(of: seed))
        let things = things(rules, &generator)
        let scene = things.scene(&generator)
        var asking = Questioner(.crowds, generator)
        DescriptionsFamily.ask(about: things, rules, &asking)
        return FamilyImage(scene: scene, questions: asking.chosen())
    }

    /// Four to six different objects.
    static func things(_ rules: HeldOutRules, _ generator: inout SplitMix64) -> SceneThings {
        SceneThings(apart: rules.distinctPairs(generator.draw(4...6), &generator), rules, &generator)
    }
}
