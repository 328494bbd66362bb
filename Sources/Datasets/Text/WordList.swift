import Foundation

/// English words, each on one side: for training, or held out for validation and tests.
package struct WordList: Sendable {
    /// The words of one side. None is empty.
    package struct Side: Sendable {
        /// All words, in the order of the list.
        package let words: [String]
        /// The frequent ones among them.
        package let frequent: [String]

        /// How many of a text's words are frequent ones, in percent: `share`, but less if there are few of them, so
        /// that a text does not repeat itself.
        func frequentShare(_ share: Int) -> Int { min(share, frequent.count / 4) }
    }

    /// About one word in 12 is held out.
    private static let heldOutShare: UInt64 = 12

    /// The words for training.
    package let training: Side
    /// The words for validation and tests.
    package let heldOut: Side

    /// The list in the file at `path`, a word a line; see `init(words:)`. Throws what reading the file throws, and
    /// `WordListError` if either side has fewer than 100 words.
    package init(path: String) throws {
        guard FileManager.default.fileExists(atPath: path) else { throw WordListError.missing(path: path) }
        let text = String(decoding: try Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self)
        self.init(words: text.split(separator: "\n").map(String.init))
        guard min(training.words.count, heldOut.words.count) >= 100 else { throw WordListError.tooShort(path: path) }
    }

    /// Keeps words of 2 to 14 small ASCII letters that are not coarse, and the frequent words (`FrequentWords`) whether
    /// listed or not.
    package init(words: [String]) {
        let frequent = Self.sides(of: FrequentWords.all)
        let known = Set(FrequentWords.all)
        let rest = words.filter { word in
            (2...14).contains(word.utf8.count) && word.utf8.allSatisfy { (97...122).contains($0) }
                && !known.contains(word)
                && !CoarseWords.digests.contains(UInt32(truncatingIfNeeded: Self.digest(of: word)))
        }
        let sides = Self.sides(of: rest)
        training = Side(words: frequent.training + sides.training, frequent: frequent.training)
        heldOut = Side(words: frequent.heldOut + sides.heldOut, frequent: frequent.heldOut)
    }

    /// The side that `split` draws from.
    package func side(of split: SeedSplit) -> Side { split == .training ? training : heldOut }

    /// Whether `word`, in any case, is held out. Its letters alone decide (FNV-1a, 64 bits, then folded), so a word
    /// never changes sides when the list does.
    package static func isHeldOut(_ word: String) -> Bool {
        digest(of: word.lowercased()) % heldOutShare == 0
    }

    private static func digest(of word: String) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in word.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return hash ^ (hash >> 32)
    }

    private static func sides(of words: [String]) -> (training: [String], heldOut: [String]) {
        (words.filter { !isHeldOut($0) }, words.filter(isHeldOut))
    }
}

/// A word list that cannot be used.
package enum WordListError: Error, Equatable, CustomStringConvertible {
    /// There is no such file.
    case missing(path: String)
    /// Too few words for two sides.
    case tooShort(path: String)

    package var description: String {
        switch self {
        case .missing(let path): "there is no word list \(path): fetch it with `make fonts`"
        case .tooShort(let path): "\(path) has too few words: expected at least some thousand, one a line"
        }
    }
}

/// Swear words and insults, which images of examples and answers about them should not show.
private enum CoarseWords {
    /// The low 32 bits of their digests: the words themselves need not stand here.
    static let digests: Set<UInt32> = [
        0x0186_92F3, 0x022D_CF85, 0x022D_DB3C, 0x03FC_B1DD, 0x04B2_785C, 0x0B40_E58F, 0x0B80_3A68, 0x0DE7_5703,
        0x0E09_AE83, 0x0F3D_A2C9, 0x0F3D_EB02, 0x0F97_2F3A, 0x129F_BBF3, 0x12AD_68A7, 0x12F6_06B4, 0x14AD_6B71,
        0x16AB_0E62, 0x1CEC_F187, 0x2012_5D15, 0x2192_642E, 0x2259_7CA5, 0x24BF_9405, 0x2509_B256, 0x2721_13BB,
        0x29B2_920B, 0x2B8D_27FD, 0x2FBA_725F, 0x30B0_93B8, 0x31B8_1B27, 0x3734_EA84, 0x3AEB_BE69, 0x3AF0_58D9,
        0x3B1B_E0AC, 0x3EFC_84FA, 0x40DC_A3BC, 0x40DC_BCBA, 0x41D1_4463, 0x4207_9560, 0x436F_9413, 0x43D8_9C3A,
        0x454C_A490, 0x454D_777A, 0x4630_DD15, 0x4633_3990, 0x4864_9A6D, 0x4B01_6DB3, 0x4B3B_7EBB, 0x4E08_A7B2,
        0x507D_34D1, 0x52F3_457D, 0x5328_EE98, 0x53D7_2093, 0x53EF_FD44, 0x581D_E030, 0x58D7_8E67, 0x5935_F432,
        0x5C4D_6D98, 0x5CA1_0E75, 0x5CA6_DD52, 0x5D9A_1649, 0x6322_8087, 0x64A8_0BCE, 0x64B8_3E8C, 0x65C5_EB37,
        0x6612_E17F, 0x6613_3846, 0x6676_14D6, 0x6692_1338, 0x683D_D6BC, 0x69DC_BAB8, 0x7064_4FAC, 0x725E_6988,
        0x7453_EEDA, 0x75F8_D419, 0x79CF_2591, 0x7A01_824A, 0x7A30_4B0D, 0x7CEF_E44D, 0x7D50_E1F8, 0x7D76_CDB2,
        0x7DFD_3080, 0x7E1D_64EF, 0x7F87_F529, 0x8042_A74A, 0x823D_D5EE, 0x83E2_140D, 0x882B_C4BD, 0x8A55_3937,
        0x8A8B_DA31, 0x8A8B_DE24, 0x8AF9_64ED, 0x8E4C_2FFB, 0x8EDA_392C, 0x9278_5A17, 0x969A_C98F, 0x977A_DB09,
        0x991B_6E0C, 0x9A75_2F0F, 0x9D6D_BD13, 0x9D87_B2C3, 0x9DA6_D9A8, 0x9EA0_CFF8, 0x9EC5_E8E9, 0xA2F0_E903,
        0xA393_D004, 0xA46E_930B, 0xA559_BDCC, 0xA5BA_BE16, 0xAB13_CE6E, 0xADA2_B89E, 0xADB1_5ED0, 0xB0B9_0B9D,
        0xB0B9_31CC, 0xB0ED_17A8, 0xB178_EE69, 0xB1B6_4F30, 0xB276_5C5A, 0xB2AE_4DF8, 0xB4F9_F98B, 0xB508_02F7,
        0xB508_7A18, 0xB5C7_F932, 0xB742_CAF8, 0xB742_EEA9, 0xB77C_5575, 0xBC44_B30C, 0xC0EB_876F, 0xC149_C273,
        0xC2DA_8C2D, 0xC520_F732, 0xC521_1ACC, 0xC8B3_A148, 0xC993_3422, 0xC99F_5EC3, 0xCD17_2A7C, 0xCE65_33A7,
        0xCE6D_5225, 0xD20C_5C43, 0xD20E_34DF, 0xD3E1_5F86, 0xD44F_5220, 0xD9DB_0525, 0xDA0D_E8C6, 0xDA8A_9B3D,
        0xDAC5_8FD1, 0xDAFD_9281, 0xDB87_75B7, 0xE026_4400, 0xE030_C7A9, 0xE0AD_442F, 0xE0AF_1145, 0xE162_E4AC,
        0xE218_5555, 0xE45D_E810, 0xE78A_0D03, 0xEAFA_115C, 0xEE96_1CFE, 0xEF5C_ED13, 0xEF9A_6B50, 0xF418_CE98,
        0xF614_9514, 0xF788_DAF1, 0xF91C_8782, 0xF992_4E73, 0xF994_7457, 0xFE48_6887, 0xFE89_4561,
    ]
}
