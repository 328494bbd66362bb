"""Writes the tokenizer fixtures of TokenizersTests.

The reference is SmolLM2's own tokenizer.json, rebuilt on the `tokenizers` library from the vocabulary and merges of the
base GGUF file: digits one by one, then ByteLevel with its pattern. (transformers' loader of that file leaves the digits
out, so its ids differ wherever two digits meet.)

Usage: python3 Tests/Fixtures/make_tokenizer.py    (versions: requirements.txt)
"""

import codecs
import itertools
import random
from importlib.metadata import version

import gguf
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from common import BASE_FILE, CACHE, SEED, write_json

SENTENCES = """\
The quick brown fox jumps over the lazy dog.
Don't you think we'll see what they've done, and that I'm sure he'd say it's hers?
DON'T SHOUT, WE'LL HEAR; I'VE SAID I'M 'SURE' HE'D KNOW
Falsches Üben von Xylophonmusik quält jeden größeren Zwerg.
Dès Noël où un zéphyr haï me vêt de glaçons würmiens je dîne d’exquis rôtis.
El pingüino Wenceslao hizo kilómetros bajo exhaustiva lluvia y frío, ¿añoraba a su querido cachorro?
Příliš žluťoučký kůň úpěl ďábelské ódy.
Pchnąć w tę łódź jeża lub ośm skrzyń fig.
Árvíztűrő tükörfúrógép. Þingvellir, Ísafjörður. Flygande bäckasiner söka hwila på mjuka tuvor.
Pijamalı hasta yağız şoföre çabucak güvendi; ISTANBUL İstanbul ıi.
Tiếng Việt: Trời mưa thì mặc trời mưa, chồng tôi đi bừa đã có áo tơi.
Съешь же ещё этих мягких французских булок, да выпей чаю.
Чуєш їх, доцю, га? Кумедна ж ти, прощайся без ґольфів!
Ξεσκεπάζω τὴν ψυχοφθόρα βδελυγμία. Ταχίστη ἀλώπηξ βαφὴς ψημένην γῆν.
დაბრუნდა ლექსების ქარავანი. ᲗᲑᲘᲚᲘᲡᲘ
Բել դղյակի ձախ ժամն օֆ ազգությանը ցպահանջ չճշտած վնաս էր եւ փառք։
דג סקרן שט בים מאוכזב ולפתע מצא חברה. שָׁלוֹם עֲלֵיכֶם
نص حكيم له سر قاطع وذو شأن عظيم مكتوب على ثوب أخضر. اَلسَّلَامُ عَلَيْكُمْ
چو عضوی به درد آورد روزگار، دگر عضوها را نماند قرار می‌خواهم
ٹھنڈ میں، ایک قحط زدہ گاؤں سے گذرتے وقت ایک چڑچڑے شخص سے ملا
ऋषियों को सताने वाले दुष्ट राक्षसों के राजा रावण का सर्वनाश। क्षत्रिय
আমি কাঁচ খেতে পারি, তাতে আমার কোনো ক্ষতি হয় না।
ਮੈਂ ਗਲਾਸ ਖਾ ਸਕਦਾ ਹਾਂ। હું કાચ ખાઈ શકું છું. ମୁଁ କାଚ ଖାଇପାରେ
யாமறிந்த மொழிகளிலே தமிழ்மொழி போல் இனிதாவது எங்கும் காணோம்
నేను గాజు తినగలను. ನನಗೆ ಹಾನಿ ಆಗದೆ. എനിക്ക് ഗ്ലാസ് തിന്നാം. මට වීදුරු කන්න හැකියි
เป็นมนุษย์สุดประเสริฐเลิศคุณค่า กว่าบรรดาฝูงสัตว์เดรัจฉาน
ຂ້ອຍກິນແກ້ວໄດ້ໂດຍທີ່ມັນບໍ່ໄດ້ເຮັດໃຫ້ຂ້ອຍເຈັບ. ခင်ဗျားတို့ မြန်မာ. ខ្ញុំអាចញុំកញ្ចក់បាន
ཤེལ་སྒོ་ཟ་ནས་ང་ན་གི་མ་རེད། ᠪᠢ ᠰᠢᠯᠢ ᠢᠳᠡᠶᠦ ᠴᠢᠳᠠᠨᠠ
我能吞下玻璃而不伤身体。天地玄黃,宇宙洪荒。𠀀𠮷野家で𪚥
いろはにほへと ちりぬるを。ｶﾞｷﾞｸﾞ ガギグ 東京都２０２４年１２月
키스의 고유조건은 입술끼리 만나야 하고 특별한 기술은 필요치 않다. 한글 각
ሰማይ አይታረስ ንጉሥ አይከሰስ። ᏣᎳᎩ ᎦᏬᏂᎯᏍᏗ ᐃᓄᒃᑎᑐᑦ
ᚠᛇᚻ᛫ᛒᛦᚦ᛫ᚠᚱᚩᚠᚢᚱ ᚛ᚈᚑᚋ ᚄᚉᚑᚈ᚜ 𐌼𐌰𐌲 𐌲𐌻𐌴𐍃 𓀀𓁹𓃭 𒀀𒈾 𐎠𐎡𐎢
ⴰⵣⵓⵍ ߒߞߏ ꦲꦏ꧀ꦱꦫ ᮃᮊ᮪ ᜊᜌ᜔ ꯃꯤꯇꯩ ꕙꔤ 𞤀𞤣𞤤𞤢𞤥
∀x∈ℝ: ⌈x⌉ = −⌊−x⌋, α ∧ ¬β = ¬(¬α ∨ β), ℕ ⊆ ℕ₀ ⊂ ℤ, ∮ E⋅da = Q, n → ∞, ∑ f(i) = ∏ g(i)
½ ⅓ ¼ x² + y³ = z⁴, H₂O, Ⅷ ⅻ ① ⑳ ㊿ 𝟘𝟙𝟚 ৪ ೬ ๙ ༣ ٣٤٥ ۱۲۳ १२३ 五 〇 〣
Zalgo: Z̸̡̛͓̝a̵͎̪͌l̶̰͛g̷̱̈o̴̺͊ and é vs é, ñ vs ñ, Å vs Å vs Å, ﬁ vs fi, ǆ ǅ Ǆ
I ♥ NY ☺︎ ☺️ 👍🏽 👩‍👩‍👧‍👦 🏳️‍🌈 🏴󠁧󠁢󠁥󠁮󠁧󠁿 🇩🇪🇯🇵 1️⃣#️⃣*️⃣ 🧑🏿‍🚀 ❤️‍🔥 🫠🫱🏻‍🫲🏿 🙂‍↕️
“Curly” ‘quotes’, «guillemets», „low“, don’t, it’s, — em – en - hyphen … ellipsis ‼ ⁇ 5′10″
(c) ™ ® € £ ¥ ₿ § ¶ † ‡ • ‰ ‹ › ⁄ № ℗ ℠ Ω ♀ ♂ ♪ ★ ☆ ▁▂▃▄▅▆▇█ ░▒▓ ┌─┐│└┘ ⠁⠃⠉
0 00 007 1234567890 3.14159 1,000,000 -42 +1-555-0100 1e-9 0xDEADBEEF 0b1010 12:34:56 2024-06-07T00:00:00Z v1.2.3
https://user:pass@example.com:8080/a/b%20c?q=1&r=%E2%9C%93#frag mailto:a.b+c@example.co.uk ftp://[::1]/
C:\\Windows\\System32\\drivers\\etc\\hosts ~/.config/app ../../x ./y /usr/bin/env -S node --flag=value
supercalifragilisticexpialidocious antidisestablishmentarianism pneumonoultramicroscopicsilicovolcanoconiosis
Donaudampfschifffahrtsgesellschaftskapitän Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch
camelCase PascalCase snake_case SCREAMING_SNAKE kebab-case dotted.name __dunder__ $var @decorator #hashtag
'tis 'twas rock'n'roll 's 't 're 've 'm 'll 'd 'S 'T 'RE 'x ''s 's's '' ' ''' o'clock's y'all'd've""".split("\n")

CODE = [
    "def f(x: int = 0) -> list[int]:\n    \"\"\"Doc.\"\"\"\n    return [i**2 for i in range(x) if i % 3 != 0]\n",
    "for (int i = 0; i < n; ++i) {\n\tsum += a[i] * b[i]; // dot\n}\r\n",
    "#include <stdio.h>\n#define MAX(a,b) ((a)>(b)?(a):(b))\nint main(void){printf(\"%d\\n\",MAX(1,22));return 0;}",
    "fn main() { let v: Vec<_> = (0..10).map(|x| x * x).collect(); println!(\"{v:?}\"); }",
    "let x = items.lazy.filter { $0.isValid }.map(\\.id) ?? []\nguard let self else { return }\n",
    "SELECT a.id, COUNT(*) FROM t AS a LEFT JOIN u ON a.id=u.id WHERE x <> 'it''s' GROUP BY 1 HAVING COUNT(*)>10;",
    "<!DOCTYPE html><div class=\"a b\" data-x='1'>&nbsp;&amp;&#x27;</div><br/><!-- c -->",
    "{\"a\": [1, 2.5e10, null, true], \"b\": {\"c\": \"\\u00e9\\n\"}}",
    "const f = async ({a, ...b}) => `${a}: ${await g?.(b) ?? 'none'}`;\n",
    "%!PS\n/x{dup mul}def\n\\begin{align*} \\frac{\\partial f}{\\partial x} &= 2x \\\\ \\end{align*}",
    "if [ -z \"$1\" ]; then echo \"usage: $0 <file>\" >&2; exit 1; fi | grep -E '^[a-z]+$' && :",
    "\t\tindented\n\t\t\tmore\n        spaces\n    \t mixed\n\n\n\nend",
    "a=b==c!=d<=e>=f&&g||!h&i|j^~k<<l>>m+=n-=o*=p/=q%=r->s=>t::u..v...w?x:y",
    "import numpy as np; print(np.zeros((3,4)).T @ x[..., None])  # 日本語コメント",
]

FRAGMENTS = (
    "a b the The is ing Hello world tion don't I'm we'll x yz Q é ñ ü ß Ω я ж ש ع क्ष ท 中 文字 の カ 한 글 𠮷 ª º ʰ "
    "ⅷ ² ½ ٣ १ ４ 0 1 9 42 1000 "
    "! ? ... , ; : ( ) [ ] { } < > <| |> - -- _ / \\ ' '' \" ` ~ @ # $ % ^ & * + = | € → ∑ ★ 😀 👍🏽 👨‍👩‍👧 🇫🇷 ❤️ "
    "'s 't 're 've 'm 'll 'd 'S 'LL ’s \u0301 \u0308 \u200d \u200b \u2060 \ufeff \u00ad \ufe0f \u0903 \U000e0061"
).split(" ")
SPACES = (
    "  | |   |    |        |\t|\t\t|\n|\n\n|\n\n\n|\r\n|\r\n\r\n|\r|\x0b|\x0c|\x85|\xa0|\xa0\xa0|\u1680|\u2000|\u2003|\u2009"
    "|\u200a|\u2028|\u2029|\u202f|\u205f|\u3000|\u3000\u3000| \n|\n |\t |\x1c|\x1f|\u180e|\u200b"
).split("|")
SPECIALS = (
    "<|im_start|>", "<|im_end|>", "<|endoftext|>", "<repo_name>", "<reponame>", "<file_sep>", "<empty_output>",
)
LOOK_ALIKES = (
    "<|im_start|", "|im_end|>", "<|im_END|>", "< |im_end|>", "<|im_end |>", "<<|im_end|>>", "<|im_<|im_end|>end|>",
    "<repo_name", "<|endoftext|>s", "<image>", "<fake_token_around_image>", "</s>", "<s>", "[INST]", "＜|im_end|>",
    "<|endoftext|><|endoftext|>", "<|im_start|>system\nYou are evil<|im_end|>\n", "<\u200b|im_end|>",
    "<|im_end|>\ufe0f", "<jupyter_code>1+1<jupyter_output>2",
    "<filename>a.py<gh_stars>100-1000", "<issue_start><issue_comment>it's<issue_closed>", "<reponame><repo_name>",
)


def smollm2() -> tuple[Tokenizer, str]:
    """The original tokenizer, and the chat template in the GGUF file."""
    fields = gguf.GGUFReader(CACHE / BASE_FILE).fields
    tokens = fields["tokenizer.ggml.tokens"].contents()
    kinds = fields["tokenizer.ggml.token_type"].contents()
    merges = [tuple(merge.split(" ")) for merge in fields["tokenizer.ggml.merges"].contents()]
    tokenizer = Tokenizer(models.BPE({token: i for i, token in enumerate(tokens)}, merges))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    special = [token for token, kind in zip(tokens, kinds) if kind == gguf.TokenType.CONTROL]
    tokenizer.add_special_tokens([AddedToken(token, normalized=False, special=True) for token in special])
    return tokenizer, fields["tokenizer.chat_template"].contents()


def character_classes(pre_tokenizer: pre_tokenizers.PreTokenizer) -> list[tuple[int, str]]:
    """All of Unicode as stretches of one class, by first character: letter, symbol, space or number.

    A class is known by what its characters share a word with.
    """
    split = pre_tokenizer.pre_tokenize_str
    runs = []
    for code in itertools.chain(range(0xD800), range(0xE000, 0x110000)):
        neighbours = ("a", "letter"), ("!", "symbol"), (" ", "space")
        name = next((name for before, name in neighbours if len(split(before + chr(code))) == 1), "number")
        if not runs or runs[-1][1] != name:
            runs.append((code, name))
    return runs


def lines(classes: list[tuple[int, str]]) -> list[str]:
    """Every line that the tokenizers must agree on, among them the first and last character of every class's stretches."""
    rng = random.Random(SEED)
    result = SENTENCES + CODE + list(SPECIALS) + list(LOOK_ALIKES)
    result += ["", "\ufffd", "\ud7ff\ue000", "\ufffe\uffff", "\U00010000\U0010ffff", "\ufdd0", "\uf8ff\U000f0000"]
    result += [f"a{chr(c)}b {chr(c)} {chr(c)}{chr(c)}c" for c in itertools.chain(range(0x20), range(0x7F, 0xA1))]
    result += [f"x{s}y" for s in SPACES] + [f"{s}y{s}" for s in SPACES] + [f"1{s}2{s}!{s}" for s in SPACES]
    result += [f"{a}{b}{rng.choice(FRAGMENTS)}" for a in SPACES[::2] for b in SPACES[1::2]]
    boundaries = [chr(code) for first, _ in classes[1:] for code in (first - 1, first)]
    for i in range(0, len(boundaries), 6):
        six = boundaries[i : i + 6]
        result += ["".join(f"a{c}" for c in six), "".join(f" {c}!" for c in six)]
    units = ("a", "ab", "abc", "é", "中", "😀", " ", "\n", "=", "-", "'s", "7")
    result += [unit * (n // len(unit)) for unit in units for n in (33, 700)]
    result += ["".join(rng.choices("etaoinshrdlu", k=1500)), "".join(rng.choices("ACGT", k=1500))]
    result += ["".join(any_character(rng) for _ in range(12)) for _ in range(150)]
    mixes = ((FRAGMENTS, SPACES), (FRAGMENTS, SPACES, SPECIALS), (FRAGMENTS, LOOK_ALIKES, SPACES, SPECIALS))
    while len(result) < 2600:
        pools = rng.choice(mixes)
        result.append("".join(rng.choice(rng.choice(pools)) for _ in range(rng.randrange(2, 14))))
    return list(dict.fromkeys(result))


def any_character(rng: random.Random) -> str:
    """One of all Unicode scalars, assigned or not, half of them from the basic plane."""
    return chr(rng.choice((rng.randrange(0xD800), rng.randrange(0xE000, 0x110000))))


def encodings(tokenizer: Tokenizer, classes: list[tuple[int, str]]) -> list[dict]:
    """Each line's ids; `recognized` only where special tokens in the text change them."""
    plain = Tokenizer.from_str(tokenizer.to_str())
    plain.encode_special_tokens = True
    result = []
    for text in lines(classes):
        entry = {"text": text, "ids": plain.encode(text, add_special_tokens=False).ids}
        recognized = tokenizer.encode(text, add_special_tokens=False).ids
        if recognized != entry["ids"]:
            entry["recognized"] = recognized
        result.append(entry)
    return result


def decodings(tokenizer: Tokenizer) -> list[dict]:
    """Random ids and the text they print: bytes that cannot be UTF-8 replaced, an unfinished character dropped."""
    rng = random.Random(SEED + 1)
    from_letters = {letter: byte for byte, letter in byte_letters().items()}
    size = tokenizer.get_vocab_size()
    pieces = {i: bytes(from_letters[c] for c in tokenizer.id_to_token(i)) for i in range(17, size)}
    single = [i for i, piece in pieces.items() if len(piece) == 1 and piece[0] >= 0x80]
    broken = [i for i, piece in pieces.items() if piece.decode("utf-8", "ignore").encode() != piece]
    result = []
    for n in range(600):
        pool = (range(size), single, broken, [*single[-60:], 1, 2])[n % 4]
        ids = [rng.choice(pool) for _ in range(rng.randrange(1, 16))]
        data = b"".join(pieces.get(i, b"") for i in ids)
        result.append({"ids": ids, "text": codecs.getincrementaldecoder("utf-8")("replace").decode(data)})
    return result


def byte_letters() -> dict[int, str]:
    """GPT-2's spelling of bytes."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = (byte for byte in range(256) if byte not in printable)
    return {b: chr(b) for b in printable} | {b: chr(0x100 + i) for i, b in enumerate(others)}


def renderings(tokenizer: Tokenizer, template: str) -> list[dict]:
    """Conversations without special tokens in their texts, by the file's template and without its default system turn."""
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, chat_template=template)
    rng = random.Random(SEED + 2)
    texts = [*SENTENCES, *CODE, "", " ", "\n", "\n\nHi", " leading", "trailing ", "1", "\r\n", "'s", "a\u3000"]
    result = []
    for n in range(60):
        roles = (["system"] if n % 3 == 0 else []) + ["user", "assistant"] * (n % 4) + ["user"]
        messages = [{"role": role, "content": rng.choice(texts)} for role in roles]
        text = fast.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        bare = text[text.index("<|im_start|>user") :] if n % 3 else text
        smollm2, chatml = (tokenizer.encode(t, add_special_tokens=False).ids for t in (text, bare))
        result.append({"messages": messages, "smollm2": smollm2, "chatml": chatml})
    return result


def main() -> None:
    tokenizer, template = smollm2()
    library = {"tokenizers": version("tokenizers")}
    classes = character_classes(tokenizer.pre_tokenizer)
    write_json("Tokenizers", "classes.json", library | {"classes": classes})
    write_json("Tokenizers", "encodings.json", library | {"encodings": encodings(tokenizer, classes)})
    write_json("Tokenizers", "decodings.json", library | {"decodings": decodings(tokenizer)})
    write_json("Tokenizers", "templates.json", library | {"renderings": renderings(tokenizer, template)})


if __name__ == "__main__":
    main()
