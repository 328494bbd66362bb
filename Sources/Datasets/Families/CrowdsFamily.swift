/// Four to six things at once: more than any demonstration describes, which end at three. What a policy makes of them
/// beyond that it can only have learned from rankings.
enum CrowdsFamily {
    static let wordings = DescriptionsFamily.wordings

    static func picture(seed: UInt64) -> FamilyPicture {
        var generator = SeededGenerator(seed: seed)
        let rules = HeldOutRules(SeedSplit(of: seed))
        let things = SceneThings(apart: rules.distinctPairs(generator.draw(4...6), &generator), rules, &generator)
        let scene = things.scene(&generator)
        var asking = Questioner(.crowds, generator)
        DescriptionsFamily.ask(about: things, rules, &asking)
        return FamilyPicture(scene: scene, questions: asking.chosen())
    }
}
