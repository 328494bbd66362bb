import Datasets
import Foundation
import Images
import Support
import TestSupport
import Testing
import Typography

/// What documents show, and whether their questions fit it.
@Suite struct DocumentTests {
    static let seeds = SeedSplit.allCases.flatMap { split in (0..<40 as Range<UInt64>).map { split.seed(at: $0) } }

    static func studio() throws -> DocumentStudio {
        try DocumentStudio(
            fonts: TextPageTests.fonts(), words: WordList(words: TextPageTests.words), pictograms: DrawnPictograms())
    }

    @Test(arguments: DocumentFamily.allCases)
    func documentsFollowFromTheirSeed(family: DocumentFamily) throws {
        let (one, other) = (try Self.studio(), try Self.studio())
        for seed in Self.seeds.prefix(12) {
            let first = family.document(seed: seed, from: one)
            _ = family.document(seed: seed + 1, from: other)
            let second = family.document(seed: seed, from: other)
            #expect(first.image == second.image && first.characters == second.characters, "seed \(seed)")
            #expect(first.questions == second.questions && first.objects == second.objects, "seed \(seed)")
        }
    }

    @Test(arguments: DocumentFamily.allCases)
    func imagesHaveNaturalSizesAndCutNothing(family: DocumentFamily) throws {
        let studio = try Self.studio()
        for seed in Self.seeds {
            let document = family.document(seed: seed, from: studio)
            let (width, height) = (document.image.width, document.image.height)
            #expect((128...512).contains(width) && (32...512).contains(height), "seed \(seed): \(width)x\(height)")
            for character in document.characters {
                let box = character.box
                let isInside = box.left >= 0 && box.top >= 0 && box.right <= Float(width) && box.bottom <= Float(height)
                #expect(isInside, "seed \(seed): \(character.scalar) at \(box) of \(width)x\(height)")
            }
            for object in document.objects {
                #expect(object.box.width > 0 && object.box.height > 0)
                #expect(object.box.x >= -1 && object.box.y >= -1, "seed \(seed): \(object)")
                #expect(
                    object.box.x + object.box.width <= width + 1 && object.box.y + object.box.height <= height + 1,
                    "seed \(seed): \(object) of \(width)x\(height)")
            }
        }
    }

    /// What is read off must be on the image, in one piece.
    @Test(arguments: DocumentFamily.allCases)
    func textsThatAreAskedForAreDrawn(family: DocumentFamily) throws {
        let studio = try Self.studio()
        for seed in Self.seeds {
            let document = family.document(seed: seed, from: studio)
            var drawn = ""
            for character in document.characters where character.scalar != " " {
                drawn.unicodeScalars.append(character.scalar)
            }
            for question in document.questions {
                guard case .transcript(let text) = question.truth else { continue }
                #expect(drawn.contains(text.filter { !$0.isWhitespace }), "seed \(seed): \(text) in \(drawn)")
            }
        }
    }

    @Test(arguments: DocumentFamily.allCases)
    func questionsAreDifferentAndAnswersHaveTheirForm(family: DocumentFamily) throws {
        let studio = try Self.studio()
        for seed in Self.seeds {
            let questions = family.document(seed: seed, from: studio).questions
            #expect((3...8).contains(questions.count), "seed \(seed): \(questions.count)")
            #expect(Set(questions.map { $0.text.lowercased() }).count == questions.count)
            for question in questions {
                #expect(question.family == family && !question.text.contains("#1") && !question.text.contains("#2"))
                #expect(!question.answer.isEmpty && !question.text.contains("  "), "\(question.text)")
                let isSentence =
                    question.answer.hasSuffix(".") && question.answer.first?.isLowercase == false
                    && question.answer.contains(" ")
                if question.form != .short { #expect(isSentence, "\(question.answer)") }
                if question.text.contains("ne word") { #expect(!question.answer.contains(" "), "\(question)") }
                if question.text.contains("sentence.") { #expect(question.form == .sentence) }
            }
        }
    }

    @Test func everyKindOfQuestionHasTenWordingsAndSomeThatAreHeldOut() {
        for family in DocumentFamily.allCases {
            #expect(!family.wordings.isEmpty)
            for wording in family.wordings {
                #expect(wording.texts.count >= 10 && wording.heldOut.count >= 2, "\(family): \(wording.texts)")
                let all = wording.texts + wording.heldOut
                #expect(Set(all).count == all.count, "\(family): \(wording.texts)")
            }
        }
    }

    @Test(arguments: DocumentFamily.allCases)
    func onlyTheTestSplitShowsWhatIsHeldOut(family: DocumentFamily) throws {
        let studio = try Self.studio()
        var (layouts, wordings) = (0, 0)
        for split in SeedSplit.allCases {
            for index in 0..<60 as Range<UInt64> {
                let document = family.document(seed: split.seed(at: index), from: studio)
                if split != .test {
                    #expect(!document.isHeldOutLayout && document.questions.allSatisfy { !$0.isHeldOutWording })
                } else {
                    layouts += document.isHeldOutLayout ? 1 : 0
                    wordings += document.questions.count { $0.isHeldOutWording }
                }
            }
        }
        #expect(layouts > 4 || family == .values && layouts > 2, "\(layouts)")
        #expect(wordings > 60, "\(wordings)")
    }

    @Test(arguments: DocumentFamily.allCases)
    func yesIsAboutAsLikelyAsNo(family: DocumentFamily) throws {
        let studio = try Self.studio()
        var (yes, all) = (0, 0)
        for seed in 0..<250 as Range<UInt64> {
            for question in family.document(seed: seed, from: studio).questions {
                guard case .yesNo(let isTrue) = question.truth else { continue }
                yes += isTrue ? 1 : 0
                all += 1
            }
        }
        guard all > 0 else { return }
        let spread = 4.5 * (0.25 / Double(all)).squareRoot()
        #expect(abs(Double(yes) / Double(all) - 0.5) < spread + 0.02, "\(yes) of \(all)")
    }

    @Test func vocabulariesHaveEntriesOnBothSides() {
        for list in [
            DocumentVocabulary.goods, .groups, .cities, .firstNames, .lastNames, .shops, .buttons, .windows, .menus,
            .messages,
            .options, .titles,
        ] {
            #expect(list.training.count >= 10 && list.heldOut.count >= 2, "\(list.heldOut)")
            #expect(Set(list.training).isDisjoint(with: list.heldOut))
            #expect(Set(list.training + list.heldOut).count == list.training.count + list.heldOut.count)
        }
        #expect(DocumentVocabulary.buttons.heldOut.count >= 6 && DocumentVocabulary.options.heldOut.count >= 5)
    }
}
