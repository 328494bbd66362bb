import Support

/// Whether captions of four to six things are true: who says yes to anything takes things for there that are not.
enum CaptionsFamily {
    static let wordings = [DescriptionsFamily.shows]

    static func image(seed: UInt64) -> FamilyImage {
        var generator = SplitMix64(seed: seed)
        let rules = HeldOutRules(SeedSplit(of: seed))
        let things = CrowdsFamily.things(rules, &generator)
        let scene = things.scene(&generator)
        var asking = Questioner(.captions, generator)
        while asking.questions.count < 5 { DescriptionsFamily.askWhetherShown(things.inReadingOrder, rules, &asking) }
        return FamilyImage(scene: scene, questions: asking.chosen())
    }
}
